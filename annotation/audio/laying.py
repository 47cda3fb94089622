"""Lay clips end to end into one 16-bit mono WAV, with silence where there is none."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from annotation.audio.clip import wav_header
from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits
from annotation.audio.whole import whole_file

MIN_MS = 100  # a shorter clip gives nobody anything to hear


def lay(
    parts: Sequence[dict[str, Any]],
    out: Path,
    *,
    rate: int = 16_000,
    limits: AudioLimits | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Write `parts` one after the other: {"path", "ms"} is a clip, or `ms` of silence without a path or when it fails.

    A clip of that rate keeps its samples; it is filled up with silence to a whole millisecond, so that the next begins
    at one. Returns for each part {"ms", "sha256", "filled", "resampled"}, or {"ms", "error"} for a clip that can't be
    read or is shorter than MIN_MS; `sha256` is of the samples.
    """
    per_ms = rate // 1000
    told: list[dict[str, Any]] = []
    frames = 0
    with whole_file(out) as part, part.open("wb") as file:
        file.write(wav_header(rate, 0))
        for number, one in enumerate(parts, 1):
            begun = file.tell()
            try:
                found = _copy(Path(one["path"]), file, rate, limits) if one["path"] else None
            except AudioError as error:
                found = None
                told.append({"ms": one["ms"], "error": {"code": error.code, "message": error.message}})
            if found is None:
                file.seek(begun)
                file.truncate()
                _silence(file, one["ms"] * per_ms)
                frames += one["ms"] * per_ms
                if len(told) < number:
                    told.append({"ms": one["ms"]})
            else:
                length, digest, resampled = found
                ms = math.ceil(length / per_ms)
                _silence(file, ms * per_ms - length)
                frames += ms * per_ms
                told.append({"ms": ms, "sha256": digest, "filled": ms * per_ms - length, "resampled": resampled})
            if progress is not None:
                progress(number / len(parts))
        file.seek(0)
        file.write(wav_header(rate, frames))
    return {"parts": told, "frames": frames}


def _copy(path: Path, file: Any, rate: int, limits: AudioLimits | None) -> tuple[int, str, bool]:
    """Write a clip's samples; how many, their hash, and whether they are other than the file's."""
    master = open_master(path, limits=limits)
    digest, length = hashlib.sha256(), 0
    for samples in _at_rate(master.blocks(), master.rate, rate):
        content = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
        file.write(content)
        digest.update(content)
        length += len(samples)
    if length < MIN_MS * rate // 1000:
        raise AudioError("too-short", f"This clip is shorter than {MIN_MS} ms.")
    return length, digest.hexdigest(), master.rate != rate or master.channels != 1


def _at_rate(blocks: Iterator[NDArray[np.int16]], source: int, rate: int) -> Iterator[NDArray[np.float64]]:
    stream = soxr.ResampleStream(source, rate, 1, dtype="float64", quality="VHQ") if source != rate else None
    for block in blocks:
        mono = block.mean(axis=1, dtype=np.float64)
        yield mono if stream is None else stream.resample_chunk(mono)
    if stream is not None:
        yield stream.resample_chunk(np.empty(0), last=True)


def _silence(file: Any, frames: int) -> None:
    for at in range(0, frames, 1 << 16):
        file.write(bytes(2 * min(1 << 16, frames - at)))
