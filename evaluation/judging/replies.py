"""What an endpoint said."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint said, without its key: the text that verdicts are read from, and what it cost."""

    text: str
    refusal: str = ""
    finish: str = ""
    model: str = ""
    fingerprint: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: int = 0
    raw: str = ""  # the whole body as JSON in ASCII

    def as_dict(self) -> dict[str, Any]:
        """The reply for files."""
        return asdict(self)

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Reply":
        """A reply from a file."""
        return cls(**said)
