"""The log-mel spectrogram of a recording as tiles: palette pictures that lie on a light and a dark page alike.

A column is HOP frames, a row one of BINS mel bands, the lowest at the bottom; level 1 holds the greatest of every FOLD
columns of level 0. A pixel of value v stands for v / 255 · 80 - 80 dB against the loudest band of the whole recording;
what is quieter is transparent. All tiles are TILE columns wide: the last of a level is filled up with nothing.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.fft
from librosa.filters import mel
from numpy.typing import NDArray

from annotation.audio.decode import Block, Master, open_master
from annotation.audio.facts import AudioLimits
from annotation.audio.proxy import fold
from annotation.audio.tiles import picture_name
from annotation.audio.whole import whole_folder

VERSION = 1
HOP = 1024  # frames
BINS = 128
LOW_HZ, HIGH_HZ = 30, 16_000
RANGE_DB = 80
TILE = 1024  # columns
FOLD = 8
WINDOW_HZ = 24  # a window is long enough to part frequencies so far from each other: the lowest bands are 57 Hz wide
COLOURS = (  # value, red, green, blue, opacity: of middle lightness, so that they stand out on black and on white
    (0, 80, 100, 210, 0),
    (64, 96, 84, 214, 70),
    (140, 168, 58, 190, 170),
    (200, 224, 62, 100, 235),
    (255, 246, 148, 24, 255),
)

Windows = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """What was painted; `hash` is the sha256 of these facts and of all tiles, and goes into their address."""

    rate: int
    frames: int
    columns: tuple[int, ...]  # of each level
    ms_per_column: tuple[float, ...]
    tile_columns: int
    bins: int
    low_hz: int
    high_hz: int
    hash: str = ""
    version: int = VERSION

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def build(
    path: Path, folder: Path, *, limits: AudioLimits | None = None, progress: Progress | None = None
) -> Spectrogram:
    """Paint a recording's spectrogram into `folder`, which appears whole; return its facts.

    The power of the channels is averaged, not their samples: nothing cancels. The bands are those of Slaney's mel scale
    (Auditory Toolbox, 1998), triangles of height 1. Raises AudioError when the recording is damaged.
    """
    master = open_master(path, limits=limits)
    report = progress or (lambda share: None)
    high = min(HIGH_HZ, master.rate // 2)
    with whole_folder(folder) as part:
        known = part / "decibels.raw"  # the loudest is known at the end: 0.7 MB a minute wait on the disk
        with known.open("wb") as file:
            frames, loudest = _measure(master, high, file, lambda share: report(share * 0.85))
        columns = -(-frames // HOP)
        digest = hashlib.sha256()
        levels = (columns, -(-columns // FOLD))
        with known.open("rb") as file:
            for name, content, share in _paint(file, columns, loudest):
                (part / name).write_bytes(content)
                digest.update(content)
                report(0.85 + 0.15 * share)
        known.unlink()
        facts = {"rate": master.rate, "frames": frames, "columns": levels, "high_hz": high}
        digest.update(json.dumps({**facts, "version": VERSION}, sort_keys=True).encode())
    report(1.0)
    return Spectrogram(
        rate=master.rate,
        frames=frames,
        columns=levels,
        ms_per_column=(HOP * 1000 / master.rate, FOLD * HOP * 1000 / master.rate),
        tile_columns=TILE,
        bins=BINS,
        low_hz=LOW_HZ,
        high_hz=high,
        hash=digest.hexdigest(),
    )


def window_frames(rate: int) -> int:
    """Return how many frames a column hears: a power of two, at least two columns' own."""
    return 1 << max(HOP, rate // WINDOW_HZ - 1).bit_length()


def _measure(master: Master, high: int, file: BinaryIO, report: Progress) -> tuple[int, float]:
    """Write every column's bands in dB as half floats; return the frames heard and the greatest dB."""
    size = window_frames(master.rate)
    bands = mel(sr=master.rate, n_fft=size, n_mels=BINS, fmin=LOW_HZ, fmax=high, norm=None).T
    bell = np.hanning(size + 1)[:-1]
    heard, loudest = 0, -np.inf

    def blocks() -> Iterator[Block]:
        nonlocal heard
        for block in master.blocks():
            heard += len(block)
            yield fold(block, 2)

    for windows in _windows(blocks(), size):
        windows *= bell
        spectra = scipy.fft.rfft(windows, overwrite_x=True)
        power = (spectra.real**2 + spectra.imag**2).mean(axis=1) @ bands
        decibels = 10 * np.log10(power + 1e-6)  # one step of one sample is far above
        loudest = max(loudest, float(decibels.max()))
        file.write(decibels.astype(np.float16).tobytes())
        report(min(1.0, heard / max(master.about, heard)))
    if not heard:
        raise master.ends_early(0)
    return heard, loudest


def _windows(blocks: Iterator[Block], size: int) -> Iterator[Windows]:
    """Yield what each column hears, shape (columns, channels, size), from blocks of any length.

    The window of a column lies around its middle; before the recording and after it there is silence.
    """
    rest: Block | None = None
    heard = done = 0
    for block in blocks:
        if rest is None:
            rest = np.zeros(((size - HOP) // 2, block.shape[1]), np.int16)
        heard += len(block)
        sound = np.concatenate([rest, block])
        count = max(0, (len(sound) - size) // HOP + 1)
        yield from _framed(sound, count, size)
        rest, done = sound[count * HOP :], done + count
    missing = -(-heard // HOP) - done
    if rest is not None and missing:
        silence = np.zeros(((missing - 1) * HOP + size - len(rest), rest.shape[1]), np.int16)
        yield from _framed(np.concatenate([rest, silence]), missing, size)


def _framed(sound: Block, count: int, size: int) -> Iterator[Windows]:
    if count:
        framed = np.lib.stride_tricks.sliding_window_view(sound, size, axis=0)[: count * HOP : HOP]
        yield framed.astype(np.float64)  # in single precision, bytes differ with the length of blocks


def _paint(file: BinaryIO, columns: int, loudest: float) -> Iterator[tuple[str, bytes, float]]:
    """Yield name and bytes of every tile, and how far the work is."""
    wide: list[Pixels] = []  # level 1 as it grows: a byte for what was eight
    for tile, at in enumerate(range(0, columns, TILE)):
        count = min(TILE, columns - at)
        decibels = np.frombuffer(file.read(count * BINS * 2), np.float16).reshape(count, BINS).astype(np.float32)
        values = np.clip(np.rint((decibels - loudest) / RANGE_DB * 255 + 255), 0, 255).astype(np.uint8)
        values = np.concatenate([values, np.zeros((TILE - count, BINS), np.uint8)])
        yield picture_name(0, tile), png(values.T[::-1]), (at + count) / columns
        wide.append(values.reshape(-1, FOLD, BINS).max(axis=1))
    for tile, first in enumerate(range(0, len(wide), FOLD)):
        values = np.concatenate(wide[first : first + FOLD])
        values = np.concatenate([values, np.zeros((TILE - len(values), BINS), np.uint8)])
        yield picture_name(1, tile), png(values.T[::-1]), 1.0


def png(values: Pixels) -> bytes:
    """Write values, shape (rows, columns), as a palette picture with opacity (W3C PNG, 2003, sections 4 and 11)."""
    rows, columns = values.shape
    lines = np.zeros((rows, columns + 1), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = values
    at, *parts = zip(*COLOURS, strict=True)
    red, green, blue, opacity = (np.rint(np.interp(np.arange(256), at, part)).astype(np.uint8) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            (b"PLTE", np.stack([red, green, blue], axis=1).tobytes()),
            (b"tRNS", opacity.tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 6)),
            (b"IEND", b""),
        )
    )
