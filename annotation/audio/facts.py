"""What is known about a recording, and how large one may be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from annotation.audio.errors import AudioError

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """The largest and smallest recording that is taken in."""

    max_duration_ms: int = 4 * HOUR_MS
    min_duration_ms: int = 100
    max_channels: int = 8
    max_rate: int = 192_000
    min_rate: int = 4_000

    def check(self, *, rate: int, channels: int, frames: int) -> None:
        """Raise AudioError when a recording of this shape is not taken in."""
        if channels < 1:
            raise AudioError("no-channels", "This file claims to have no channels. Export it again as WAV or FLAC.")
        if channels > self.max_channels:
            raise AudioError(
                "too-many-channels",
                f"This file has {channels} channels; at most {self.max_channels} are taken. "
                "Mix it down to stereo, or export the tracks as separate files.",
            )
        if rate < self.min_rate:
            raise AudioError(
                "rate-too-low",
                f"This file claims {rate} samples a second; at least {self.min_rate} are needed. "
                "Export it again at 48 kHz.",
            )
        if rate > self.max_rate:
            raise AudioError(
                "rate-too-high",
                f"This file has {rate} samples a second; at most {self.max_rate} are taken. Export it again at 48 kHz.",
            )
        if frames * 1000 < self.min_duration_ms * rate:
            raise AudioError(
                "too-short",
                f"This file holds {frames * 1000 // rate} ms of sound; at least {self.min_duration_ms} ms are needed. "
                "Check that the recording was saved.",
            )
        if frames * 1000 > self.max_duration_ms * rate:
            raise AudioError(
                "too-long",
                f"This file is {clock(frames / rate)} long; at most {clock(self.max_duration_ms / 1000)} are taken. "
                "Cut it into parts and upload each as a recording of its own.",
            )

    def max_frames(self, rate: int) -> int:
        return self.max_duration_ms * rate // 1000


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """One recording as its own bytes tell it.

    `container` is wav, rf64, flac, mp3, ogg or mp4. `frames` counts samples per channel as `decode` yields them.
    `duration_ms` is rounded down, so a span that ends there lies inside the recording.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    frames: int
    duration_ms: int
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def clock(seconds: float) -> str:
    """Write seconds as a person reads them: 1:02:03 or 4:05."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
