"""Candidates: answers of a base and of its adapters, in left-padded batches, each with its own luck.

A prompt is read once for each source: its keys and values are repeated for its K candidates, and what a clip sounds
like is heard once for all. Rows of several sources share a batch. A candidate's tokens are drawn from a generator of
its own, so that neither its neighbours in the batch nor an interruption change what it says. What the guards flag is
drawn once more from fresh luck; the second stands where it has no flag, and what was odd about the first is kept.
"""

import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import DynamicCache

from modeling.backbones.audio_lm import AudioLM, Encoded
from modeling.backbones.clips import AudioPolicy
from modeling.backbones.errors import BackboneError
from modeling.backbones.example import Example
from modeling.generation.config import DecodeConfig
from modeling.generation.guards import flags_of
from modeling.generation.luck import seed_of
from modeling.generation.sources import Source, Sources

__all__ = ["Candidate", "DecodeConfig", "Prompt", "Source", "Sources", "answer", "generate", "prepare", "seed_of"]

Key = tuple[str, str, int]  # row, source, index


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of one source to one row, with what leads back to how it came about."""

    row: str
    source: str
    index: int
    text: str
    tokens: int
    stop: str  # "end": the model ended its turn; "length": it was cut off
    seed: int
    flags: tuple[str, ...]
    redrawn: tuple[str, ...]  # what was odd about the first draw, where it was drawn again
    prompt_tokens: int
    prompt_sha256: str
    latency_ms: int  # from the batch's start until this answer was whole
    base_revision: str
    adapter_sha256: str | None
    audio_kept: str | None
    history_cut: int
    config_hash: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A row that is ready to be answered."""

    encoded: Encoded
    said: str  # what stood before, for the guard against echoes


def prepare(
    lm: AudioLM, examples: Sequence[Example], config: DecodeConfig
) -> tuple[list[Prompt], list[dict[str, str]]]:
    """Encode the rows and hear their clips; rows that can't be answered come back with the reason."""
    policy = AudioPolicy(max_seconds=config.max_audio_seconds, over_long=config.over_long)
    prompts, refused = [], []
    for example in examples:
        plain = example if config.summaries else replace(example, summary=None)
        try:
            encoded = lm.encode(
                plain,
                policy=policy,
                system=config.system,
                max_tokens=config.max_tokens,
                max_turns=config.max_turns,
                with_answer=False,
            )
        except BackboneError as error:
            refused.append({"row": example.row, "code": error.code, "message": error.sentence})
            continue
        lm.hear(encoded)
        said = "\n".join(message.text for message in plain.messages())
        prompts.append(Prompt(encoded=replace(encoded, features={}), said=said))
    return prompts, refused


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for at once: some candidates of one source to one row."""

    prompt: Prompt
    source: str
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was drawn: ids without the closing token, why it ended, after how long, from which luck."""

    ids: tuple[int, ...]
    stop: str
    seconds: float
    seed: int


def generate(
    sources: Sources,
    prompts: Sequence[Prompt],
    config: DecodeConfig,
    *,
    skip: Collection[Key] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Candidate]:
    """Yield each missing candidate as its batch is done, short prompts first, all sources of a row side by side.

    Ends early, between two tokens, once should_stop says so; a batch that is not done is dropped.
    """
    have = set(skip)
    in_order = sorted(prompts, key=lambda one: (len(one.encoded), one.encoded.row))
    for keys in sources.together():
        missing = [
            Wanted(prompt, key, indexes)
            for prompt in in_order
            for key in keys
            if (indexes := tuple(i for i in range(config.candidates) if (prompt.encoded.row, key, i) not in have))
        ]
        for batch in batches(missing, config):
            answers = answer(sources, batch, config, should_stop=should_stop)
            if answers is None:
                return
            first = [_candidate(sources, *one, config) for one in _paired(batch, answers)]
            again = _flagged(batch, first) if config.redraw and config.temperature > 0 else []
            yield from (one for one in first if not (again and one.flags))
            if not again:
                continue
            second = answer(sources, again, config, draw_number=1, should_stop=should_stop)
            if second is None:
                return
            flagged = [one for one in first if one.flags]
            for old, drawn in zip(flagged, _paired(again, second), strict=True):
                new = _candidate(sources, *drawn, config)
                yield replace(old if new.flags else new, redrawn=old.flags)


def _paired(batch: Sequence[Wanted], answers: Sequence[Answer]) -> Iterator[tuple[Wanted, int, Answer]]:
    asked = [(wanted, index) for wanted in batch for index in wanted.indexes]
    for (wanted, index), one in zip(asked, answers, strict=True):
        yield wanted, index, one


def _flagged(batch: Sequence[Wanted], made: Sequence[Candidate]) -> list[Wanted]:
    """What of a batch is worth another draw."""
    odd = {(one.row, one.source, one.index) for one in made if one.flags}
    kept = [
        replace(one, indexes=tuple(i for i in one.indexes if (one.prompt.encoded.row, one.source, i) in odd))
        for one in batch
    ]
    return [one for one in kept if one.indexes]


def _candidate(sources: Sources, wanted: Wanted, index: int, drawn: Answer, config: DecodeConfig) -> Candidate:
    encoded = wanted.prompt.encoded
    text = plain(sources.lm.tokenizer.decode(list(drawn.ids), skip_special_tokens=True))
    return Candidate(
        row=encoded.row,
        source=wanted.source,
        index=index,
        text=text,
        tokens=len(drawn.ids),
        stop=drawn.stop,
        seed=drawn.seed,
        flags=flags_of(text, drawn.ids, stop=drawn.stop, said=wanted.prompt.said),
        redrawn=(),
        prompt_tokens=encoded.prompt_length,
        prompt_sha256=encoded.prompt_sha256,
        latency_ms=round(drawn.seconds * 1000),
        base_revision=sources.lm.revision,
        adapter_sha256=sources.sha256[wanted.source],
        audio_kept=encoded.audio_kept,
        history_cut=encoded.history_cut,
        config_hash=config.hash(),
    )


def batches(wanted: Sequence[Wanted], config: DecodeConfig) -> Iterator[list[Wanted]]:
    """Cut rows, shortest first, where the padded size of prompts and answers would pass the token budget."""
    batch: list[Wanted] = []
    rows = 0
    for one in wanted:
        size = (len(one.prompt.encoded) + config.max_new_tokens) * (rows + len(one.indexes))
        if batch and size > config.tokens_per_batch:
            yield batch
            batch, rows = [], 0
        batch.append(one)
        rows += len(one.indexes)
    if batch:
        yield batch


@torch.no_grad()
def answer(
    sources: Sources,
    batch: Sequence[Wanted],
    config: DecodeConfig,
    *,
    draw_number: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
    side: str = "left",
) -> list[Answer] | None:
    """Answer each prompt as often as it has indexes, in their order.

    Padding goes on the left, so that the last position is every prompt's last token; `side` is there for the test
    that shows what happens otherwise. None when stopped half way.
    """
    began = time.monotonic()
    lm = sources.lm
    read = lm.embed([one.prompt.encoded for one in batch], side=side, prompts_only=True)
    rows = [(at, one, index) for at, one in enumerate(batch) for index in one.indexes]
    seeds = [seed_of(config.seed, one.prompt.encoded.row, index, draw_number) for _, one, index in rows]
    luck = [torch.Generator().manual_seed(seed) for seed in seeds]
    stop_ids = set(lm.stop_ids)

    with sources.answering([one.source for one in batch]) as voices:
        # read the prompts once, then go on from K copies of what was read
        cache = DynamicCache()
        hidden = lm.decoder(
            inputs_embeds=read.inputs_embeds,
            attention_mask=read.attention_mask,
            position_ids=read.position_ids,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, -1]
        copies = torch.tensor([at for at, _, _ in rows], device=lm.device)
        cache.batch_select_indices(copies)
        hidden, mask = hidden[copies], read.attention_mask[copies]
        position = read.attention_mask.sum(1)[copies]
        voices([one.source for _, one, _ in rows])

        said: list[list[int]] = [[] for _ in rows]
        ended: list[Answer | None] = [None] * len(rows)
        alive = list(range(len(rows)))  # which answers the rows of the cache belong to
        while True:
            if should_stop():
                return None
            drawn = draw(lm.head(hidden).float(), [luck[row] for row in alive], config)
            for row, token in zip(alive, drawn, strict=True):
                if ended[row] is None:
                    stop = _next(said[row], token, stop_ids, config.max_new_tokens)
                    if stop:
                        ended[row] = Answer(tuple(said[row]), stop, time.monotonic() - began, seeds[row])
            if all(ended):
                return [one for one in ended if one is not None]
            going = [at for at, row in enumerate(alive) if ended[row] is None]
            tokens = torch.tensor(drawn, device=lm.device)
            if 2 * len(going) <= len(alive):  # half of them are done: go on without them
                kept = torch.tensor(going, device=lm.device)
                cache.batch_select_indices(kept)
                mask, position, tokens = mask[kept], position[kept], tokens[kept]
                alive = [alive[at] for at in going]
                voices([rows[row][1].source for row in alive])
            mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
            hidden = lm.decoder(
                inputs_embeds=lm.model.get_input_embeddings()(tokens[:, None]),
                attention_mask=mask,
                position_ids=position[:, None],
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state[:, -1]
            position = position + 1


def _next(said: list[int], token: int, stop_ids: Collection[int], most: int) -> str | None:
    """Take one more token of an answer; say why it is over when it is."""
    if token in stop_ids:
        return "end"
    said.append(token)
    return "length" if len(said) == most else None


def draw(logits: Tensor, luck: Sequence[torch.Generator], config: DecodeConfig) -> list[int]:
    """Draw each row's next token: the likeliest, or by nucleus sampling (Holtzman et al. 2020) at a temperature.

    A row spends one number of its own generator, which lies on the CPU, whatever the device of the logits, shape
    (rows, vocabulary): the token is where the cumulated probabilities pass it.
    """
    if config.temperature == 0:
        return [int(token) for token in logits.argmax(-1).tolist()]
    spent = torch.stack([torch.rand(1, generator=one, dtype=torch.float64) for one in luck]).to(logits.device)
    shares = torch.softmax(logits.double() / config.temperature, -1)
    tokens: Tensor | None = None
    if config.top_p < 1:
        shares, tokens = torch.sort(shares, descending=True, stable=True)
        shares = shares.masked_fill(shares.cumsum(-1) - shares >= config.top_p, 0)  # the one that reaches it stays
    mass = shares.cumsum(-1)
    last = (mass < mass[:, -1:]).sum(-1, keepdim=True)  # what lies beyond has no share
    at = torch.minimum(torch.searchsorted(mass, spent * mass[:, -1:], right=True), last)
    return [int(token) for token in (at if tokens is None else tokens.gather(-1, at))[:, 0].tolist()]


def plain(text: str) -> str:
    """Leave out control characters: no person types them, and PostgreSQL takes no NUL."""
    return "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) != "Cc").strip()
