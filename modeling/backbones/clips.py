"""What is heard of a clip: the samples that a tower gets, and how much of a long one."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from modeling.backbones.errors import BackboneError

SHORTEST_SECONDS = 0.1  # a shorter clip gives the model at most one audio token, which it can't place
RATE_HZ = 16_000
MOST_WINDOWS = 20


@dataclass(frozen=True, slots=True)
class AudioPolicy:
    """How much of a clip is heard, and what of a longer one: its tail, its head, or windows as several clips."""

    max_seconds: float = 30.0
    over_long: str = "tail"

    def __post_init__(self) -> None:
        if self.over_long not in ("tail", "head", "windows"):
            raise BackboneError(
                "bad-policy", f"What is heard of a long clip is tail, head or windows, not {self.over_long}."
            )


TAIL = AudioPolicy()  # unless somebody chooses


def read_clip(path: Path, policy: AudioPolicy) -> tuple[list[np.ndarray], str]:
    """Read a clip as pieces of 16 kHz mono float32, and say what was kept: whole, tail, head or windows.

    There is one piece but for windows: those are even cuts, each at most max_seconds long, that leave nothing out.
    """
    try:
        with soundfile.SoundFile(path) as clip:
            rate, frames = clip.samplerate, clip.frames
            longest = round(policy.max_seconds * rate)
            windows = math.ceil(frames / longest) if policy.over_long == "windows" else 1
            if windows > MOST_WINDOWS:
                raise BackboneError(
                    "clip-too-long",
                    f"The clip {path.name} lasts {frames / rate:.0f} s: more than {MOST_WINDOWS} windows; cut it.",
                )
            if frames > longest and policy.over_long == "tail":
                clip.seek(frames - longest)
            wave = clip.read(longest * max(1, windows), dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, soundfile.SoundFileError) as error:
        raise BackboneError("clip-unreadable", f"The clip {path.name} can't be read as audio: {error}.") from None
    if len(wave) < SHORTEST_SECONDS * rate:
        raise BackboneError(
            "clip-too-short", f"The clip {path.name} lasts {len(wave) / rate:.2f} s; the model needs 0.1 s at least."
        )
    if rate != RATE_HZ:
        import soxr  # only clips from outside a snapshot have another rate

        wave = soxr.resample(wave, rate, RATE_HZ)
    most = round(policy.max_seconds * RATE_HZ)
    pieces = np.array_split(wave, windows) if windows > 1 else [wave]
    kept = policy.over_long if frames > longest else "whole"
    return [np.ascontiguousarray(piece[:most], dtype=np.float32) for piece in pieces], kept


def key_of(waves: Sequence[np.ndarray]) -> str | None:
    """Hash what is heard; where one sound is cut counts too."""
    sums = [hashlib.sha256(wave.tobytes()) for wave in waves]
    if len(sums) < 2:
        return sums[0].hexdigest() if sums else None
    return hashlib.sha256(b"".join(one.digest() for one in sums)).hexdigest()
