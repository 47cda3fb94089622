"""Candidates: answers of a base and of its adapters, in left-padded batches, each with its own luck.

A prompt is read once: its keys and values are repeated for its K candidates, and what a clip sounds like is heard once
for all sources. A candidate's tokens are drawn from a generator of its own, so that neither its neighbours in the batch
nor an interruption change what it says.
"""

import hashlib
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import peft
import torch
from torch import Tensor
from transformers import DynamicCache

from modeling.backbones.audio_lm import AudioLM, AudioPolicy, Encoded
from modeling.backbones.errors import BackboneError, GenerationError
from modeling.backbones.example import Example
from modeling.generation.guards import flags_of
from modeling.training.checkpoint import sha256_of
from modeling.training.config import fits, hash_of, words_for

Key = tuple[str, str, int]  # row, source, index


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """How answers are drawn; temperature 0 takes the likeliest token each time."""

    max_new_tokens: int = 128
    candidates: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    tokens_per_batch: int = 16_384  # padded prompt and answer, times candidates; memory alone hangs on it
    max_tokens: int = 2048  # of a prompt; older turns make room first
    max_audio_seconds: float = 30.0
    over_long: str = "tail"
    summaries: bool = True
    system: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    threads: int = 1
    quantization: str | None = None

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "candidates", "tokens_per_batch", "max_tokens", "threads"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _require(
            self.temperature == 0 or self.temperature >= 0.01, "temperature", "0, or 0.01 or more", self.temperature
        )
        _require(0 < self.top_p <= 1, "top_p", "above 0, at most 1", self.top_p)
        _require(self.over_long in ("tail", "head"), "over_long", "tail or head", self.over_long)
        _require(self.max_audio_seconds >= 1, "max_audio_seconds", "at least 1", self.max_audio_seconds)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        known = {field.name: field.type for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise GenerationError(
                    "unknown-config-key", f"There is no decoding option {name}; the options are {', '.join(known)}."
                )
            _require(fits(value, known[name]), name, f"of type {words_for(known[name])}", value)
        whole: dict[str, Any] = {
            name: float(value) if known[name] is float else value for name, value in values.items()
        }
        return cls(**whole)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def hash(self) -> str:
        """Hash what an answer hangs on; the batch's size and the machine are not among it."""
        return hash_of({name: value for name, value in self.to_dict().items() if name not in BESIDE_THE_POINT})


BESIDE_THE_POINT = {"tokens_per_batch", "device", "threads"}


@dataclass(frozen=True, slots=True)
class Source:
    """Who answers: the base by itself, or one of its adapters."""

    key: str
    adapter: Path | None = None


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
    prompt_tokens: int
    prompt_sha256: str
    latency_ms: int  # from the batch's start until this answer was whole
    base_revision: str
    adapter_sha256: str | None
    audio_kept: str | None
    config_hash: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A row that is ready to be answered."""

    encoded: Encoded
    said: str  # what stood before, for the guard against echoes


class Sources:
    """The base and its adapters in one model; each adapter is loaded once and switched on in turn."""

    def __init__(self, lm: AudioLM, sources: Sequence[Source]) -> None:
        self.lm = lm
        self.sha256: dict[str, str | None] = {}
        self.model: Any = None
        for source in sources:
            if source.key in self.sha256:
                raise GenerationError("doubled-source", f"The source {source.key} is named more than once.")
            self.sha256[source.key] = None if source.adapter is None else self._load(source.key, source.adapter)
        lm.model.eval()

    def _load(self, key: str, folder: Path) -> str:
        weights = folder / "adapter_model.safetensors"
        if not weights.is_file() or not (folder / "adapter_config.json").is_file():
            raise GenerationError(
                "adapter-missing", f"The adapter {key} has no safetensors weights in {folder}; train it again."
            )
        name = self._name(key)
        try:
            if self.model is None:
                self.model = peft.PeftModel.from_pretrained(self.lm.model, folder, adapter_name=name)
            else:
                self.model.load_adapter(folder, adapter_name=name)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise GenerationError("adapter-misfit", f"The adapter {key} does not fit this base: {reason}") from None
        return sha256_of(weights)

    @contextmanager
    def answering(self, key: str) -> Iterator[None]:
        """Let one source answer."""
        aside: AbstractContextManager[Any] = nullcontext()
        if self.model is not None and self.sha256[key] is None:
            aside = self.model.disable_adapter()
        elif self.model is not None:
            self.model.set_adapter(self._name(key), inference_mode=True)
        with aside:
            yield

    @staticmethod
    def _name(key: str) -> str:
        return "a" + hashlib.sha256(key.encode()).hexdigest()[:16]  # torch takes no dots in a module's name


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
                plain, policy=policy, system=config.system, max_tokens=config.max_tokens, with_answer=False
            )
        except BackboneError as error:
            refused.append({"row": example.row, "code": error.code, "message": error.sentence})
            continue
        lm.hear(encoded)
        said = "\n".join(message.text for message in plain.messages())
        prompts.append(Prompt(encoded=replace(encoded, features={}), said=said))
    return prompts, refused


def generate(
    sources: Sources,
    prompts: Sequence[Prompt],
    config: DecodeConfig,
    *,
    skip: Collection[Key] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Candidate]:
    """Yield each missing candidate as its batch is done, source by source, short prompts first.

    Ends early, between two tokens, once should_stop says so; a batch that is not done is dropped.
    """
    have = set(skip)
    for key in sources.sha256:
        missing = [
            (prompt, indexes)
            for prompt in sorted(prompts, key=lambda one: (len(one.encoded), one.encoded.row))
            if (indexes := [i for i in range(config.candidates) if (prompt.encoded.row, key, i) not in have])
        ]
        for batch in batches(missing, config):
            with sources.answering(key):
                answers = answer(sources.lm, batch, config, should_stop=should_stop)
            if answers is None:
                return
            for (prompt, index), (ids, stop, seconds) in zip(
                [(prompt, index) for prompt, indexes in batch for index in indexes], answers, strict=True
            ):
                text = plain(sources.lm.tokenizer.decode(ids, skip_special_tokens=True))
                yield Candidate(
                    row=prompt.encoded.row,
                    source=key,
                    index=index,
                    text=text,
                    tokens=len(ids),
                    stop=stop,
                    seed=seed_of(config.seed, prompt.encoded.row, index),
                    flags=flags_of(text, ids, stop=stop, said=prompt.said),
                    prompt_tokens=prompt.encoded.prompt_length,
                    prompt_sha256=prompt.encoded.prompt_sha256,
                    latency_ms=round(seconds * 1000),
                    base_revision=sources.lm.revision,
                    adapter_sha256=sources.sha256[key],
                    audio_kept=prompt.encoded.audio_kept,
                    config_hash=config.hash(),
                )


Wanted = tuple[Prompt, list[int]]
Answer = tuple[list[int], str, float]


def batches(wanted: Sequence[Wanted], config: DecodeConfig) -> Iterator[list[Wanted]]:
    """Cut rows, shortest first, where the padded size of prompts and answers would pass the token budget."""
    batch: list[Wanted] = []
    rows = 0
    for prompt, indexes in wanted:
        size = (len(prompt.encoded) + config.max_new_tokens) * (rows + len(indexes))
        if batch and size > config.tokens_per_batch:
            yield batch
            batch, rows = [], 0
        batch.append((prompt, indexes))
        rows += len(indexes)
    if batch:
        yield batch


@torch.no_grad()
def answer(
    lm: AudioLM,
    batch: Sequence[Wanted],
    config: DecodeConfig,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    side: str = "left",
) -> list[Answer] | None:
    """Answer each prompt as often as it has indexes; ids without the closing token, why it stopped, and when.

    Padding goes on the left, so that the last position is every prompt's last token; `side` is there for the test
    that shows what happens otherwise. None when stopped half way.
    """
    began = time.monotonic()
    read = lm.embed([prompt.encoded for prompt, _ in batch], side=side, prompts_only=True)
    repeats = torch.tensor([len(indexes) for _, indexes in batch], device=lm.device)
    seeds = [seed_of(config.seed, prompt.encoded.row, index) for prompt, indexes in batch for index in indexes]
    luck = [torch.Generator().manual_seed(seed) for seed in seeds]
    stop_ids = set(lm.stop_ids)

    # read the prompts once, then go on from K copies of what was read
    cache = DynamicCache()
    hidden = lm.decoder(
        inputs_embeds=read.inputs_embeds,
        attention_mask=read.attention_mask,
        position_ids=read.position_ids,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state[:, -1]
    copies = torch.repeat_interleave(torch.arange(len(batch), device=lm.device), repeats)
    cache.batch_select_indices(copies)
    hidden, mask = hidden[copies], read.attention_mask[copies]
    position = read.attention_mask.sum(1)[copies]

    said: list[list[int]] = [[] for _ in seeds]
    ended: list[Answer | None] = [None] * len(seeds)
    pad = int(lm.tokenizer.pad_token_id or 0)
    while True:
        if should_stop():
            return None
        drawn = draw(lm.head(hidden).float().cpu(), luck, config)
        for row, token in enumerate(drawn):
            if ended[row] is not None:
                drawn[row] = pad
            elif token in stop_ids:
                ended[row] = (said[row], "end", time.monotonic() - began)
            else:
                said[row].append(token)
                if len(said[row]) == config.max_new_tokens:
                    ended[row] = (said[row], "length", time.monotonic() - began)
        if all(ended):
            return [one for one in ended if one is not None]
        mask = torch.cat([mask, mask.new_ones(len(seeds), 1)], dim=1)
        hidden = lm.decoder(
            inputs_embeds=lm.model.get_input_embeddings()(torch.tensor(drawn, device=lm.device)[:, None]),
            attention_mask=mask,
            position_ids=position[:, None],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, -1]
        position = position + 1


def draw(logits: Tensor, luck: Sequence[torch.Generator], config: DecodeConfig) -> list[int]:
    """Draw each row's next token: the likeliest, or by nucleus sampling (Holtzman et al. 2020) at a temperature."""
    if config.temperature == 0:
        return [int(token) for token in logits.argmax(-1)]
    ordered, tokens = torch.sort(torch.softmax(logits / config.temperature, -1), descending=True, stable=True)
    ordered[ordered.cumsum(-1) - ordered >= config.top_p] = 0  # the token that reaches top_p stays
    return [
        int(tokens[row, torch.multinomial(ordered[row], 1, generator=generator)]) for row, generator in enumerate(luck)
    ]


def plain(text: str) -> str:
    """Leave out control characters: no person types them, and PostgreSQL takes no NUL."""
    return "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) != "Cc").strip()


def seed_of(seed: int, row: str, index: int) -> int:
    """Give every candidate luck of its own, the same from every source and in every batch."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{row}/{index}".encode()).digest()[:6], "big")


def _require(holds: bool, name: str, words: str, value: Any) -> None:
    if not holds:
        raise GenerationError("bad-config-value", f"The decoding option {name} must be {words}, got {value!r}.")
