"""How answers are drawn: one frozen config and its hash, read without torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from modeling.backbones.errors import GenerationError
from modeling.training.config import fits, hash_of, words_for

OVER_LONG = ("tail", "head", "windows")
BESIDE_THE_POINT = {"tokens_per_batch", "device", "threads"}
# what decides about the prompt: an adapter is asked as it was taught
SHOWN = ("max_tokens", "max_turns", "max_audio_seconds", "over_long", "summaries", "system")


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
    over_long: str = "tail"  # or head, or windows: even cuts as several clips
    max_turns: int | None = None  # of the history; all of it
    summaries: bool = True
    system: str | None = None
    redraw: bool = True  # what is flagged is drawn once more, where luck can change it
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
        _require(self.over_long in OVER_LONG, "over_long", "tail, head or windows", self.over_long)
        _require(self.max_turns is None or self.max_turns >= 0, "max_turns", "0 or more, or null", self.max_turns)
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


def _require(holds: bool, name: str, words: str, value: Any) -> None:
    if not holds:
        raise GenerationError("bad-config-value", f"The decoding option {name} must be {words}, got {value!r}.")
