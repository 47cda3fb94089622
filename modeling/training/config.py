"""How an adapter is trained: one frozen config, its presets and its hash."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from types import NoneType
from typing import Any, Self, get_args

from modeling.backbones.errors import TrainingError

CHOICES = {
    "scope": ("decoder", "decoder+head"),
    "variant": ("lora", "rslora", "dora", "pissa", "loraplus"),
    "schedule": ("cosine", "constant"),
    "gradient_checkpointing": ("auto", "on", "off"),
    "loss_on": ("last", "all"),
    "over_long": ("tail", "head", "windows"),
    "validate_on": ("same", "content", "all"),
    "dtype": ("auto", "float32", "bfloat16"),
    "quantization": (None, "4bit"),
}


TOO_LARGE = 10**31
BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "epochs": (1, 1000),
    "max_steps": (1, 1_000_000),
    "rank": (1, 1024),
    "alpha": (1, 8192),
    "dropout": (0, 1),
    "loraplus_ratio": (1, 1024),
    "learning_rate": (0, 1e30),  # what is too high diverges, and says so
    "warmup_ratio": (0, 1),
    "weight_decay": (0, 10),
    "clip": (0, 1e30),
    "examples_per_step": (1, 4096),
    "tokens_per_microbatch": (1, 10_000_000),
    "fraction": (0, 1),
    "subset_seed": (0, 2**31 - 1),
    "max_turns": (0, 1000),
    "max_tokens": (1, 1_000_000),
    "max_audio_seconds": (1, 3600),
    "eval_every": (0, 1_000_000),
    "patience": (0, 1000),
    "min_delta": (0, 1000),
    "checkpoint_every": (1, 1_000_000),
    "threads": (1, 1024),
}
ABOVE_ZERO = ("learning_rate", "clip", "fraction")
DEVICE = r"auto|cpu|cuda(:\d{1,2})?"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Every choice of a run; two runs with one hash, snapshot and base give one adapter."""

    seed: int = 0
    epochs: int = 1  # the paper's 241 examples overfit after the first pass
    max_steps: int | None = None  # optimizer steps; in place of epochs
    # the adapter
    rank: int = 16
    alpha: int = 32  # scale is alpha / rank
    dropout: float = 0.05
    variant: str = "lora"  # rslora scales by alpha / √rank; dora, pissa and loraplus are told in docs/training.md
    loraplus_ratio: float = 16.0  # of B's learning rate to A's, where the variant is loraplus
    scope: str = "decoder"  # which linear layers learn; the head only where the base is a toy
    # the optimizer
    learning_rate: float = 1e-4
    schedule: str = "cosine"
    warmup_ratio: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0  # norm of the whole gradient
    examples_per_step: int = 8
    tokens_per_microbatch: int = 4200  # padded; memory alone hangs on it, the loss does not
    gradient_checkpointing: str = "auto"  # on where the microbatch would not fit the GPU otherwise
    # the examples
    has_content_only: bool = True
    fraction: float = 1.0  # of the turns that are left, the same share of each conversation; smaller lies in larger
    subset_seed: int = 0  # which turns those are, apart from the seed of the run
    loss_on: str = "last"  # the answer alone, or all of the expert's turns that are shown
    summaries: bool = True
    system: str | None = None
    max_turns: int | None = None  # of the history; null is as many as the tokens allow
    max_tokens: int = 2048  # older turns of the history make room first
    max_audio_seconds: float = 30.0  # Qwen2-Audio hears 30 s and drops the rest unsaid
    over_long: str = "tail"  # of a longer clip: what is nearest to the question, its head, or all in windows
    # validation
    validate_on: str = "same"  # the turns that are watched: chosen like those learnt from, with content, or all
    eval_every: int = 0  # optimizer steps; 0 is at the end of each epoch alone
    patience: int = 0  # looks at validation without a gain after which the run ends with its best; 0 is never
    min_delta: float = 0.0  # what counts as a gain
    # the run
    checkpoint_every: int = 20
    dtype: str = "auto"  # bfloat16 on a GPU, float32 on a CPU
    device: str = "auto"
    threads: int = 1  # fixed, for sums in another order are other sums
    quantization: str | None = None  # "4bit" needs bitsandbytes and a GPU

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            _require(value is None or least <= value <= most, name, f"from {least:,} to {most:,}", value)
        for name in ABOVE_ZERO:
            _require(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        _require(self.dropout < 1, "dropout", "below 1", self.dropout)
        _require(self.warmup_ratio < 1, "warmup_ratio", "below 1", self.warmup_ratio)
        _require(re.fullmatch(DEVICE, self.device) is not None, "device", "auto, cpu, cuda or cuda:N", self.device)
        _require(self.system is None or _is_plain(self.system), "system", "a text of plain characters", self.system)
        for name, choices in CHOICES.items():
            words = "one of " + ", ".join("null" if choice is None else str(choice) for choice in choices)
            _require(getattr(self, name) in choices, name, words, getattr(self, name))
        for clashes, sentence in self._clashes():
            if clashes:
                raise TrainingError("bad-combination", sentence)

    def _clashes(self) -> Iterator[tuple[bool, str]]:
        """Name what can't be had together, and what to do."""
        four_bit = self.quantization == "4bit"
        yield (
            four_bit and self.variant == "pissa",
            "The variant pissa takes a base's weights apart, which 4-bit weights don't allow; choose another variant, "
            "or no quantization.",
        )
        yield (
            four_bit and self.scope == "decoder+head",
            "The scope decoder+head and 4-bit quantization don't go together; choose the scope decoder.",
        )
        yield (
            four_bit and self.device == "cpu",
            "The 4-bit quantization needs a GPU, and device is cpu; choose auto, or no quantization.",
        )
        yield (
            self.min_delta > 0 and self.patience == 0,
            "The option min_delta says what patience counts as a gain; set patience to 1 or more, or leave min_delta.",
        )
        yield (
            self.loraplus_ratio != 16.0 and self.variant != "loraplus",
            f"The option loraplus_ratio belongs to the variant loraplus, not to {self.variant}; change one of the two.",
        )
        yield (
            self.loss_on == "all" and self.max_turns == 0,
            "With loss_on all, the expert's earlier turns are learnt, and max_turns 0 shows none; change one.",
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, base_kind: str = "qwen2_audio") -> Self:
        """Lay the given values over the preset of a kind of base; an unknown name or a wrong type is refused."""
        known = {field.name: field.type for field in fields(cls)}
        for name, value in values.items():
            if name == "gradient_checkpointing" and isinstance(value, bool):
                continue
            if name not in known:
                raise TrainingError(
                    "unknown-config-key", f"There is no training option {name}; the options are {', '.join(known)}."
                )
            _require(fits(value, known[name]), name, f"of type {words_for(known[name])}", value)
            _require(
                not isinstance(value, (int, float)) or abs(value) < TOO_LARGE, name, "a number of usual size", value
            )
        chosen = defaults_for(base_kind) | dict(values)
        if isinstance(chosen.get("gradient_checkpointing"), bool):  # as it was before there was auto
            chosen["gradient_checkpointing"] = "on" if chosen["gradient_checkpointing"] else "off"
        whole: dict[str, Any] = {
            name: float(value) if known[name] is float else value for name, value in chosen.items()
        }
        return cls(**whole)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def hash(self) -> str:
        return hash_of(self.to_dict())


def defaults_for(base_kind: str) -> dict[str, Any]:
    """Say what a kind of base changes in the defaults, which are those of the paper's 7B model."""
    if base_kind not in PRESETS:
        raise TrainingError("unknown-base-kind", f"The base is one of {', '.join(PRESETS)}, not {base_kind}.")
    return dict(PRESETS[base_kind])


PRESETS: dict[str, dict[str, Any]] = {
    "qwen2_audio": {},
    # random weights have nothing to lose: a few steps at a high rate learn the answers by heart
    "tiny": {
        "max_steps": 80,
        "learning_rate": 5e-3,
        "dropout": 0.0,
        "scope": "decoder+head",
        "has_content_only": False,
        "max_tokens": 1536,
        "dtype": "float32",
        "device": "cpu",
    },
}


def hash_of(value: Any) -> str:
    """Hash a JSON value over its one canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _is_plain(text: str) -> bool:
    """Whether every database and tokenizer takes this text: no half characters, no control characters but breaks."""
    return not any(unicodedata.category(sign) in ("Cs", "Cc") and sign not in "\n\t" for sign in text)


def _require(holds: bool, name: str, words: str, value: Any) -> None:
    if not holds:
        told = repr(value) if not isinstance(value, int) or abs(value) < TOO_LARGE else "a number beyond all bounds"
        raise TrainingError("bad-config-value", f"The training option {name} must be {words}, got {told}.")


def fits(value: Any, annotation: Any) -> bool:
    """Say whether a JSON value has the type of a dataclass's field; a whole number will do for a float."""
    kinds = get_args(annotation) or (annotation,)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def words_for(annotation: Any) -> str:
    kinds = get_args(annotation) or (annotation,)
    return " or ".join("null" if kind is NoneType else kind.__name__ for kind in kinds)
