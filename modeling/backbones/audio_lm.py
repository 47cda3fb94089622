"""Every audio-language family through one door: load, encode, hear, embed, continue.

    decoder = model.get_decoder()               the language model; LoRA goes into its linear layers, by full name
    head    = model.get_output_embeddings()     hidden states → logits, asked for the needed positions alone
    rows    = the decoder's inputs_embeds where input_ids is the audio token: what the tower and the projector heard

The rows are caught on their way into the decoder, because calling a tower by hand leaves out masks that the model's own
forward adds. A frozen tower gives the same rows every time, so they are caught once for each clip and used again.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import soundfile
import torch
import transformers
from torch import Tensor, nn

from modeling.backbones.errors import BackboneError
from modeling.backbones.example import Example, Message

IGNORED = -100  # the label of a token that the loss leaves out
SHORTEST_SECONDS = 0.1  # a shorter clip gives the model at most one audio token, which it can't place
RATE_HZ = 16_000
UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# families whose config names no class that trains
OVERRIDE: dict[str, str] = {
    "qwen2_5_omni": "Qwen2_5OmniThinkerForConditionalGeneration",
    "qwen3_omni_moe": "Qwen3OmniMoeThinkerForConditionalGeneration",
}


@dataclass(frozen=True, slots=True)
class AudioPolicy:
    """How much of a clip is heard, and which end of a longer one."""

    max_seconds: float = 30.0
    over_long: str = "tail"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example as the model takes it: ids and labels of shape (length,), features with one row for each clip."""

    row: str
    input_ids: Tensor
    labels: Tensor
    prompt_length: int
    features: dict[str, Tensor]
    clip_key: str | None  # sha256 of what is heard; equal keys have equal audio rows
    audio_kept: str | None  # whole, tail or head; None without a clip
    history_cut: int  # turns left out for want of room

    @property
    def prompt_ids(self) -> Tensor:
        return self.input_ids[: self.prompt_length]

    @property
    def prompt_sha256(self) -> str:
        return hashlib.sha256(self.prompt_ids.numpy().astype("<i8").tobytes()).hexdigest()

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
    revision: str  # sha256 over the checkpoint's configuration and weights
    device: torch.device
    dtype: torch.dtype
    end_of_turn: str = ""
    heard: dict[str, Tensor] = field(default_factory=dict)  # clip key → audio rows, (tokens, width)

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
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        architecture = OVERRIDE.get(config.model_type) or (config.architectures or [""])[0]
        family = getattr(transformers, architecture, None)
        if family is None:
            raise BackboneError("unknown-architecture", f"This version of transformers has no class {architecture!r}.")
        options: dict[str, Any] = {"dtype": precision, "use_safetensors": True, "trust_remote_code": False}
        if quantization == "4bit":
            options |= {"quantization_config": _four_bit(precision), "device_map": {"": str(where)}}
        model = family.from_pretrained(folder, **options)
        if quantization is None:
            model.to(where)
        model.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        processor = transformers.AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, trust_remote_code=False
        )
        return cls(model=model, processor=processor, revision=revision_of(folder), device=where, dtype=precision)

    # the parts, by name

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

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
        policy: AudioPolicy = AudioPolicy(),
        system: str | None = None,
        max_tokens: int | None = None,
        with_answer: bool = True,
    ) -> Encoded:
        """Turn an example into ids, labels on the answer and its end of turn alone, and audio features.

        The prompt is what the chat template renders with a generation prompt; the answer's ids follow. Where that is
        longer than max_tokens, the oldest turns go first. Raises BackboneError for a clip that can't be heard, and
        for a turn that is too long by itself.
        """
        if with_answer and not example.is_trainable:
            raise BackboneError("no-answer", f"The row {example.row} has no expert answer to learn from.")
        if not example.is_answerable:
            raise BackboneError("nothing-asked", f"The row {example.row} has nothing to answer: no words and no clip.")
        wave, kept = (None, None) if example.audio is None else read_clip(example.audio, policy)
        answer_ids: list[int] = []
        if with_answer:
            answer_ids = self._ids(self._plain(example.answer or "") + self.end_of_turn)
        shortened = example
        while True:
            inputs = self._prompt(shortened.messages(system=system), wave)
            prompt_ids = inputs.pop("input_ids")[0]
            length = len(prompt_ids) + len(answer_ids)
            if max_tokens is None or length <= max_tokens:
                break
            if not shortened.history:
                raise BackboneError(
                    "too-long", f"The row {example.row} has {length} tokens; at most {max_tokens} are allowed."
                )
            shortened = shortened.without_oldest_turn()
        return Encoded(
            row=example.row,
            input_ids=torch.cat([prompt_ids, torch.tensor(answer_ids, dtype=torch.int64)]),
            labels=torch.tensor([IGNORED] * len(prompt_ids) + answer_ids, dtype=torch.int64),
            prompt_length=len(prompt_ids),
            features=inputs,
            clip_key=None if wave is None else hashlib.sha256(wave.tobytes()).hexdigest(),
            audio_kept=kept,
            history_cut=len(example.history) - len(shortened.history),
        )

    def _prompt(self, messages: Sequence[Message], wave: np.ndarray | None) -> dict[str, Tensor]:
        text = self._render(messages, answer_next=True)
        if wave is None:
            return {"input_ids": self.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]}
        inputs = self.processor(text=[text], audio=[wave], sampling_rate=RATE_HZ, return_tensors="pt")
        return {name: value for name, value in inputs.items() if name != "attention_mask"}

    def _render(self, messages: Sequence[Message], *, answer_next: bool) -> str:
        rendered = self.processor.apply_chat_template(
            [{"role": message.role, "content": self._content(message)} for message in messages],
            add_generation_prompt=answer_next,
            tokenize=False,
        )
        return str(rendered)

    def _content(self, message: Message) -> list[dict[str, str]]:
        clip = [{"type": "audio", "audio": ""}] if message.audio is not None else []
        return [*clip, {"type": "text", "text": self._plain(message.text)}]

    def _plain(self, text: str) -> str:
        """Take control tokens out of people's words: a typed `<|im_end|>` must not end a turn."""
        control = sorted(map(re.escape, self.tokenizer.get_added_vocab()), key=len, reverse=True)
        return re.sub("|".join(control), "", text).strip() if control and "<" in text else text.strip()

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
            ids = encoded.input_ids[None].to(self.device)
            features = {
                name: value.to(self.device, self.dtype if value.is_floating_point() else value.dtype)
                for name, value in encoded.features.items()
            }
            embeds = self._catch(input_ids=ids, attention_mask=torch.ones_like(ids), **features)
            self.heard[encoded.clip_key] = embeds[ids == self.audio_token_id].to("cpu")
        return self.heard[encoded.clip_key]

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


def read_clip(path: Path, policy: AudioPolicy) -> tuple[np.ndarray, str]:
    """Read a clip as 16 kHz mono float32, and say which part was kept: whole, tail or head."""
    try:
        with soundfile.SoundFile(path) as clip:
            rate, frames = clip.samplerate, clip.frames
            longest = round(policy.max_seconds * rate)
            if frames > longest and policy.over_long == "tail":
                clip.seek(frames - longest)
            wave = clip.read(longest, dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, soundfile.SoundFileError) as error:
        raise BackboneError("clip-unreadable", f"The clip {path.name} can't be read as audio: {error}.") from None
    if len(wave) < SHORTEST_SECONDS * rate:
        raise BackboneError(
            "clip-too-short", f"The clip {path.name} lasts {len(wave) / rate:.2f} s; the model needs 0.1 s at least."
        )
    if rate != RATE_HZ:
        import soxr  # only clips from outside a snapshot have another rate

        wave = soxr.resample(wave, rate, RATE_HZ)
    wave = np.ascontiguousarray(wave[: round(policy.max_seconds * RATE_HZ)], dtype=np.float32)
    return wave, policy.over_long if frames > longest else "whole"


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


def revision_of(folder: Path) -> str:
    """Hash what makes a checkpoint: every small file whole, of the weights the size and both ends of each shard."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".jinja", ".txt", ".model", ".safetensors"}:
            digest.update(json.dumps([path.name, path.stat().st_size]).encode())
            digest.update(_ends(path) if path.suffix == ".safetensors" else path.read_bytes())
    return digest.hexdigest()


def _ends(path: Path, mebibyte: int = 1 << 20) -> bytes:
    with path.open("rb") as file:
        start = file.read(mebibyte)  # the header with names, shapes and offsets is here
        file.seek(max(len(start), path.stat().st_size - mebibyte))
        return start + file.read(mebibyte)


def folder_of(path_or_hub_id: str | Path, revision: str | None) -> Path:
    """The checkpoint directory, or that of a hub id, fetched where the hub may be asked; safetensors alone will do."""
    folder = Path(path_or_hub_id)
    if not folder.is_dir():
        if not _may_be_hub_id(str(path_or_hub_id)):
            raise BackboneError("base-missing", f"There is no base model at {path_or_hub_id}.")
        if os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
            raise BackboneError(
                "hub-offline",
                f"The base {path_or_hub_id} would come from the hub, and HF_HUB_OFFLINE forbids that; "
                "give the path of a checkpoint directory.",
            )
        folder = _fetch(str(path_or_hub_id), revision)
    if not (folder / "config.json").is_file():
        raise BackboneError("base-incomplete", f"The folder {folder.name} has no config.json, so it is no checkpoint.")
    if not any(folder.glob("*.safetensors")):
        if any(path for pattern in UNSAFE for path in folder.glob(pattern)):
            raise BackboneError(
                "unsafe-weights",
                f"The checkpoint {folder.name} has pickled weights only, which can run code when opened; "
                "convert it to safetensors.",
            )
        raise BackboneError("base-incomplete", f"The checkpoint {folder.name} has no safetensors weights.")
    return folder


def _may_be_hub_id(name: str) -> bool:
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _fetch(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download  # asks the network, so only where that is meant

    try:
        fetched = snapshot_download(
            hub_id, revision=revision, allow_patterns=["*.json", "*.jinja", "*.txt", "*.model", "*.safetensors"]
        )
    except (OSError, ValueError) as error:  # the hub's own errors are OSErrors
        reason = str(error).splitlines()[0]
        raise BackboneError("hub-failed", f"The base {hub_id} could not be fetched from the hub: {reason}") from None
    return Path(fetched)


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
