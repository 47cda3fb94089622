"""Every audio-language family through one door: load, encode, hear, embed, continue.

    decoder = model.get_decoder()               the language model; LoRA goes into its linear layers, by full name
    head    = model.get_output_embeddings()     hidden states → logits, asked for the needed positions alone
    rows    = the decoder's inputs_embeds where input_ids is the audio token: what the tower and the projector heard

The rows are caught on their way into the decoder, because calling a tower by hand leaves out masks that the model's own
forward adds. A frozen tower gives the same rows every time, so they are caught once for each clip and used again.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor, nn

from modeling.backbones.clips import RATE_HZ, TAIL, AudioPolicy, key_of, read_clip
from modeling.backbones.ears import PROCESSORS
from modeling.backbones.errors import BackboneError
from modeling.backbones.example import Example, Message
from modeling.backbones.hearing import AudioRows
from modeling.backbones.registry import Family, family_of, require_packages
from modeling.backbones.weights import folder_of, revision_of

IGNORED = -100  # the label of a token that the loss leaves out


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example as the model takes it: ids and labels of shape (length,), features with one row for each clip."""

    row: str
    input_ids: Tensor
    labels: Tensor
    prompt_length: int
    features: dict[str, Tensor]
    clip_key: str | None  # sha256 of what is heard; equal keys have equal audio rows
    audio_kept: str | None  # whole, tail, head or windows; None without a clip
    history_cut: int  # messages left out, for want of room or because so few turns were asked for

    @property
    def prompt_ids(self) -> Tensor:
        return self.input_ids[: self.prompt_length]

    @property
    def prompt_sha256(self) -> str:
        return hashlib.sha256(self.prompt_ids.numpy().astype("<i8").tobytes()).hexdigest()

    @property
    def labelled(self) -> int:
        """How many tokens the loss looks at."""
        return int((self.labels != IGNORED).sum())

    def __len__(self) -> int:
        return int(self.input_ids.shape[0])


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples ready for the decoder: (rows, length, width) and (rows, length)."""

    inputs_embeds: Tensor
    attention_mask: Tensor
    position_ids: Tensor
    labels: Tensor


class _Caught(Exception):
    """Carries the decoder's input out of the forward pass, which need not go on."""

    def __init__(self, inputs_embeds: Tensor) -> None:
        super().__init__()
        self.inputs_embeds = inputs_embeds


@dataclass(slots=True)
class AudioLM:
    """A loaded base model with its processor."""

    model: Any
    processor: Any
    family: Family
    revision: str  # sha256 over the checkpoint's configuration and weights
    device: torch.device
    dtype: torch.dtype
    end_of_turn: str = ""
    heard: dict[str, Tensor] = field(default_factory=dict)  # clip key → audio rows, (tokens, width)
    rows: AudioRows | None = None  # the same on disk, where somebody keeps them
    quantization: str | None = None

    def __post_init__(self) -> None:
        self.end_of_turn = self._end_of_turn()

    @classmethod
    def load(
        cls,
        path_or_hub_id: str | Path,
        revision: str | None = None,
        *,
        dtype: str = "auto",
        device: str = "auto",
        quantization: str | None = None,
    ) -> Self:
        """Load a checkpoint directory, or a hub id when the hub may be asked; weights come from safetensors alone."""
        where = resolve_device(device)
        precision = resolve_dtype(dtype, where)
        folder = folder_of(path_or_hub_id, revision)
        family, model, processor = _opened(folder, precision, where, quantization)
        model.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        return cls(
            model=model,
            processor=processor,
            family=family,
            revision=revision_of(folder),
            device=where,
            dtype=precision,
            quantization=quantization,
        )

    # the parts, by name

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    @property
    def longest_seconds(self) -> float:
        """How much of one clip is heard: what the processor takes at once, or cuts into windows by itself."""
        most = self.family.max_seconds or math.inf
        at_once = getattr(getattr(self.processor, "feature_extractor", None), "chunk_length", None)
        return most if at_once is None or self.family.cuts_windows else min(most, float(at_once))

    @property
    def decoder(self) -> nn.Module:
        return cast(nn.Module, self.model.get_decoder())

    @property
    def head(self) -> nn.Module:
        return cast(nn.Module, self.model.get_output_embeddings())

    @property
    def audio_token_id(self) -> int:
        return int(self.tokenizer.convert_tokens_to_ids(self.processor.audio_token))

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """The tokens after which an answer is over."""
        listed = self.model.generation_config.eos_token_id
        ids = set(listed if isinstance(listed, list) else [listed]) | {self.tokenizer.eos_token_id}
        ids.add(self.tokenizer(self.end_of_turn, add_special_tokens=False)["input_ids"][-1])
        return tuple(sorted(i for i in ids if i is not None))

    def linear_names(self, scope: str = "decoder") -> list[str]:
        """Name the linear layers that may learn, in full: a bare `q_proj` would match the audio tower's as well."""
        parts = {id(module) for module in self.decoder.modules() if isinstance(module, nn.Linear)}
        if scope == "decoder+head":
            parts.add(id(self.head))
        return sorted(name for name, module in self.model.named_modules() if id(module) in parts)

    # from an example to ids

    def encode(
        self,
        example: Example,
        *,
        policy: AudioPolicy = TAIL,
        system: str | None = None,
        max_tokens: int | None = None,
        max_turns: int | None = None,
        loss_on: str = "last",
        with_answer: bool = True,
    ) -> Encoded:
        """Turn an example into ids, labels on the answer and its end of turn alone, and audio features.

        The prompt is what the chat template renders with a generation prompt; the answer's ids follow. Of the history
        the last max_turns are shown; where all is longer than max_tokens, the oldest messages go first. With loss_on
        "all" the expert's earlier turns that are shown have labels too. Raises BackboneError for a clip that can't
        be heard, and for a turn that is too long by itself.
        """
        if loss_on not in ("last", "all"):
            raise BackboneError("bad-loss", f"The loss is on the last answer or on all of the expert's, not {loss_on}.")
        if with_answer and not example.is_trainable:
            raise BackboneError("no-answer", f"The row {example.row} has no expert answer to learn from.")
        if not example.is_answerable:
            raise BackboneError("nothing-asked", f"The row {example.row} has nothing to answer: no words and no clip.")
        waves, kept = self._listen(example, policy)
        answer_ids: list[int] = []
        if with_answer:
            answer_ids = self._ids(self._plain(example.answer or "") + self.end_of_turn)
        shortened = example if max_turns is None else example.with_recent(max_turns)
        while True:
            messages = shortened.messages(system=system)
            inputs = self._prompt(messages, waves)
            prompt_ids = inputs.pop("input_ids")[0]
            length = len(prompt_ids) + len(answer_ids)
            if max_tokens is None or length <= max_tokens:
                break
            if not shortened.history:
                raise BackboneError(
                    "too-long", f"The row {example.row} has {length} tokens; at most {max_tokens} are allowed."
                )
            shortened = shortened.without_oldest_turn()
        labels = torch.tensor([IGNORED] * len(prompt_ids) + answer_ids, dtype=torch.int64)
        if loss_on == "all":
            for at in self._earlier_answers(messages, prompt_ids.tolist()):
                labels[at] = prompt_ids[at]
        return Encoded(
            row=example.row,
            input_ids=torch.cat([prompt_ids, torch.tensor(answer_ids, dtype=torch.int64)]),
            labels=labels,
            prompt_length=len(prompt_ids),
            features=inputs,
            clip_key=key_of(waves),
            audio_kept=kept,
            history_cut=len(example.history) - len(shortened.history),
        )

    def _listen(self, example: Example, policy: AudioPolicy) -> tuple[list[np.ndarray], str | None]:
        if example.audio is None:
            return [], None
        # what lies beyond, a processor drops without a word
        waves, kept = read_clip(
            example.audio, replace(policy, max_seconds=min(policy.max_seconds, self.longest_seconds))
        )
        if len(waves) > 1 and not self.family.several_clips:
            raise BackboneError(
                "one-clip",
                f"{self.family.name} hears one clip at a time; let it hear the tail or the head of a long one.",
            )
        return waves, kept

    def _prompt(self, messages: Sequence[Message], waves: Sequence[np.ndarray]) -> dict[str, Tensor]:
        text = self._render(messages, answer_next=True, clips=len(waves))
        if not waves:
            return {"input_ids": self.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]}
        inputs = self.processor(text=[text], audio=list(waves), sampling_rate=RATE_HZ, return_tensors="pt")
        return {name: value for name, value in inputs.items() if name != "attention_mask"}

    def _render(self, messages: Sequence[Message], *, answer_next: bool, clips: int = 1) -> str:
        rendered = self.processor.apply_chat_template(
            [{"role": message.role, "content": self._content(message, clips)} for message in messages],
            add_generation_prompt=answer_next,
            tokenize=False,
        )
        return str(rendered)

    def _content(self, message: Message, clips: int) -> list[dict[str, str]]:
        heard = [{"type": "audio", "audio": ""}] * clips if message.audio is not None else []
        return [*heard, {"type": "text", "text": self._plain(message.text)}]

    def _earlier_answers(self, messages: Sequence[Message], prompt_ids: list[int]) -> Iterator[slice]:
        """Find the expert's turns in a prompt: what each adds to the ids of the prompt that asked for it.

        The clip comes after them all, so the ids before it are those of the rendered text.
        """
        for at, message in enumerate(messages):
            before = messages[:at]
            if message.role != "assistant" or all(one.role == "system" for one in before):
                continue  # nothing was asked before it
            asked = self._ids(self._render(before, answer_next=True))
            answered = asked + self._ids(self._plain(message.text) + self.end_of_turn)
            if prompt_ids[: len(answered)] != answered:
                raise BackboneError(
                    "turns-rewritten",
                    f"The chat template of {self.family.name} shows earlier turns in other words than were said, "
                    "so only the last answer can be learnt.",
                )
            yield slice(len(asked), len(answered))

    def _plain(self, text: str) -> str:
        """Take control tokens out of people's words: a typed `<|im_end|>` must not end a turn."""
        control = "|".join(sorted(map(re.escape, self.tokenizer.get_added_vocab()), key=len, reverse=True))
        found = 1 if control else 0
        while found:  # what is left may make another: <|im_<|im_end|>end|>
            text, found = re.subn(control, "", text)
        return text.strip()

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _end_of_turn(self) -> str:
        """Read off the chat template what closes an answer."""
        question, answer = Message("user", "a"), "b"
        prompt = self._render([question], answer_next=True)
        whole = self._render([question, Message("assistant", answer)], answer_next=False)
        if whole.startswith(prompt + answer) and (end := whole[len(prompt + answer) :].strip()):
            return end
        return str(self.tokenizer.eos_token)

    # from ids to the decoder's input

    @torch.no_grad()
    def hear(self, encoded: Encoded) -> Tensor:
        """Catch the audio rows of an example, shape (audio tokens, width), once for each clip."""
        if encoded.clip_key is None:
            return torch.empty(0)
        if encoded.clip_key not in self.heard:
            self.heard[encoded.clip_key] = self._kept_rows(encoded, encoded.clip_key)
        return self.heard[encoded.clip_key]

    def _kept_rows(self, encoded: Encoded, clip_key: str) -> Tensor:
        count = int((encoded.input_ids == self.audio_token_id).sum())
        found = self.rows.read(clip_key, count=count) if self.rows else None
        if found is None:
            found = self._listen_through(encoded)
            if self.rows:
                self.rows.write(clip_key, found)
        return found

    def _listen_through(self, encoded: Encoded) -> Tensor:
        ids = encoded.input_ids[None].to(self.device)
        features = {
            name: value.to(self.device, self.dtype if value.is_floating_point() else value.dtype)
            for name, value in encoded.features.items()
        }
        embeds = self._catch(input_ids=ids, attention_mask=torch.ones_like(ids), **features)
        return embeds[ids == self.audio_token_id].to("cpu")

    def keep_rows_in(self, root: Path | None) -> None:
        """Look for audio rows in a folder, and keep there what is heard; every run and answer may share it."""
        precision = f"{self.dtype_name}/{self.quantization or 'whole'}"
        self.rows = AudioRows(root, self.revision, precision) if root else None

    def _catch(self, **inputs: Tensor) -> Tensor:
        def carry_out(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            raise _Caught(kwargs["inputs_embeds"])

        hook = self.decoder.register_forward_pre_hook(carry_out, with_kwargs=True)
        try:
            self.model(**inputs)
        except _Caught as caught:
            return caught.inputs_embeds
        finally:
            hook.remove()
        raise AssertionError("the decoder was never called")

    @torch.no_grad()
    def embed(self, examples: Sequence[Encoded], *, side: str = "right", prompts_only: bool = False) -> Batch:
        """Pad examples and lay each clip's rows over its audio tokens; generation pads on the left."""
        ids = [example.prompt_ids if prompts_only else example.input_ids for example in examples]
        longest = max(len(one) for one in ids)
        shape = (len(ids), longest)
        input_ids = torch.full(shape, int(self.tokenizer.pad_token_id or 0))
        labels = torch.full(shape, IGNORED)
        mask = torch.zeros(shape, dtype=torch.int64)
        for index, (one, example) in enumerate(zip(ids, examples, strict=True)):
            at = slice(longest - len(one), longest) if side == "left" else slice(0, len(one))
            input_ids[index, at] = one
            labels[index, at] = example.labels[: len(one)]
            mask[index, at] = 1
        embeds = self.model.get_input_embeddings()(input_ids.to(self.device))
        for index, example in enumerate(examples):
            rows = self.hear(example)
            if len(rows):
                audio = (input_ids[index] == self.audio_token_id) & (mask[index] == 1)
                embeds[index, audio.to(self.device)] = rows.to(self.device, embeds.dtype)
        return Batch(
            inputs_embeds=embeds,
            attention_mask=mask.to(self.device),
            position_ids=(mask.cumsum(1) - 1).clamp(min=0).to(self.device),
            labels=labels.to(self.device),
        )

    def loss_sum(self, batch: Batch) -> tuple[Tensor, int]:
        """Sum the cross-entropy over the labelled tokens, and count them; no other position gets logits."""
        hidden = self.decoder(
            inputs_embeds=batch.inputs_embeds,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        ).last_hidden_state
        targets = batch.labels[:, 1:]
        wanted = targets != IGNORED
        logits = self.head(hidden[:, :-1][wanted]).float()
        return nn.functional.cross_entropy(logits, targets[wanted], reduction="sum"), int(wanted.sum())


def load(
    path_or_hub_id: str | Path,
    revision: str | None = None,
    *,
    dtype: str = "auto",
    device: str = "auto",
    quantization: str | None = None,
) -> AudioLM:
    """Load a base model; see AudioLM.load."""
    return AudioLM.load(path_or_hub_id, revision, dtype=dtype, device=device, quantization=quantization)


def _opened(
    folder: Path, precision: torch.dtype, where: torch.device, quantization: str | None
) -> tuple[Family, Any, Any]:
    """Open a checkpoint's config, weights and processor; whatever is wrong with them is one sentence."""
    options: dict[str, Any] = {"dtype": precision, "use_safetensors": True, "trust_remote_code": False}
    if quantization == "4bit":
        options |= {"quantization_config": _four_bit(precision), "device_map": {"": str(where)}}
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        family = family_of(config)
        require_packages(family)
        trained = getattr(transformers, str(family.class_name))
        model, told = trained.from_pretrained(folder, output_loading_info=True, **options)
        if absent := sorted(told["missing_keys"]):
            raise BackboneError(
                "weights-missing",
                f"The checkpoint {folder.name} lacks {len(absent)} of its weights, {absent[0]} first; fetch it again.",
            )
        if quantization is None:
            model.to(where)
        open_processor = PROCESSORS.get(family.key, transformers.AutoProcessor)
        processor = open_processor.from_pretrained(folder, trust_remote_code=False)
    except (BackboneError, torch.OutOfMemoryError):
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise BackboneError("base-unreadable", f"The checkpoint {folder.name} can't be opened: {reason}") from error
    return family, model, processor


def resolve_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise BackboneError("no-gpu", "The run asks for a GPU, and this machine has none; set device to auto or cpu.")
    return torch.device(device)


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return cast(torch.dtype, getattr(torch, dtype))


def _four_bit(precision: torch.dtype) -> Any:
    try:
        import bitsandbytes  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        raise BackboneError("no-bitsandbytes", "4-bit loading needs the package bitsandbytes; install it.") from None
    return transformers.BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=precision,
        bnb_4bit_use_double_quant=True,
    )


@contextmanager
def steady(threads: int, device: torch.device) -> Iterator[None]:
    """Make sums come out the same each time: a fixed number of threads, deterministic kernels."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    # a GPU kernel without a deterministic twin warns and runs; on a CPU every run repeats to the bit
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(before)
