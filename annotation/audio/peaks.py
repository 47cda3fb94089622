"""The waveform pyramid of a recording: least and greatest sample of ever longer spans, built in one pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from annotation.audio.decode import BLOCK, Block, Master, open_master
from annotation.audio.facts import AudioLimits
from annotation.audio.tiles import BASE, COARSEST, FACTOR, SCALE, Level, Peaks, read_peaks, read_tile
from annotation.audio.timing import ms_at
from annotation.audio.whole import whole_folder

__all__ = ["DRAWN", "build", "drawn_channels", "read_peaks", "read_tile"]

DRAWN = 2  # channels on the screen
Points = NDArray[np.int8]  # shape (points, channels, 2): least, greatest
Progress = Callable[[float], None]


def build(path: Path, folder: Path, *, limits: AudioLimits | None = None, progress: Progress | None = None) -> Peaks:
    """Build the pyramid of a recording into `folder`, which appears whole; return its facts.

    Mono and stereo are drawn as they are. Of more channels the 1st, 3rd, 5th … make the upper curve and the 2nd, 4th …
    the lower one, each as the envelope of its channels: nothing that any microphone heard is averaged away.
    Raises AudioError when the recording is damaged.
    """
    master = open_master(path, limits=limits)
    report = progress or (lambda share: None)
    if master.seekable and master.frames:
        base, frames = _base_by_two(master, master.frames, report)
    else:
        base, frames = _base_in_order(master, report)
    if not frames:
        raise master.ends_early(0)
    levels = [base]
    while len(levels[-1]) > COARSEST:
        levels.append(_coarser(levels[-1]))
    peaks = Peaks(
        rate=master.rate,
        frames=frames,
        duration_ms=ms_at(frames, master.rate),
        source_channels=master.channels,
        channels=base.shape[1],
        levels=tuple(Level(BASE * FACTOR**k, len(points)) for k, points in enumerate(levels)),
    )
    with whole_folder(folder) as part:
        digest = hashlib.sha256(json.dumps(peaks.as_dict(), sort_keys=True).encode())
        for k, points in enumerate(levels):
            content = points.tobytes()
            digest.update(content)
            (part / f"level{k}.bin").write_bytes(content)
        peaks = replace(peaks, hash=digest.hexdigest())
        (part / "peaks.json").write_text(json.dumps(peaks.as_dict(), indent=1, sort_keys=True) + "\n")
    report(1.0)
    return peaks


def drawn_channels(channels: int) -> int:
    return min(channels, DRAWN)


def _base_by_two(master: Master, frames: int, report: Progress) -> tuple[Points, int]:
    """Fill level 0 with two threads, each of which seeks to its half."""
    points = np.empty((-(-frames // BASE), drawn_channels(master.channels), 2), np.int8)
    middle = -(-frames // BLOCK) // 2 * BLOCK
    wrong: list[BaseException] = []
    halt = Event()

    def work(start: int, stop: int, report: Progress | None) -> None:
        at = start
        try:
            for block in master.blocks(start, stop):
                first = at // BASE
                found = _quantised(block)
                points[first : first + len(found)] = found
                at += len(block)
                if halt.is_set():
                    return
                if report:
                    report((at - start) / (stop - start))
        except BaseException as error:  # raised again below, in the thread that was asked
            wrong.append(error)
            halt.set()

    second = Thread(target=work, args=(middle, frames, None), name="peaks-second-half")
    second.start()
    try:
        if middle:
            work(0, middle, lambda share: report(share * 0.95))
    except BaseException:
        halt.set()
        raise
    finally:
        second.join()
    if wrong:
        raise wrong[0]
    return points, frames


def _base_in_order(master: Master, report: Progress) -> tuple[Points, int]:
    """Fill level 0 from a recording that can only be decoded front to back; its length is known at the end."""
    pieces: list[Points] = []
    frames = 0
    for block in master.blocks():
        pieces.append(_quantised(block))
        frames += len(block)
        report(min(0.95, frames / max(master.about, frames)))
    if not pieces:
        return np.empty((0, drawn_channels(master.channels), 2), np.int8), 0
    return np.concatenate(pieces), frames


def _quantised(block: Block) -> Points:
    """Return the points of a block, as bytes: shape (points, channels drawn, 2)."""
    least, greatest = _drawn(*_extremes(block))
    points = np.empty((*least.shape, 2), np.int8)
    points[..., 0] = least.astype(np.int32) * SCALE // 32767  # rounds down
    points[..., 1] = -(greatest.astype(np.int32) * -SCALE // 32767)  # rounds up
    return points


def _extremes(block: Block) -> tuple[Block, Block]:
    """Return least and greatest of every BASE frames, each of shape (points, channels).

    The span is folded in halves, which numpy does sixteen samples at a time; `.min(axis=1)` takes six times as long.
    """
    ragged = -len(block) % BASE
    if ragged:
        block = np.concatenate([block, np.repeat(block[-1:], ragged, axis=0)])
    least = greatest = block.reshape(-1, BASE, block.shape[1])
    half = BASE
    while half > 1:
        half //= 2
        least, greatest = (
            np.minimum(least[:, :half], least[:, half:]),
            np.maximum(greatest[:, :half], greatest[:, half:]),
        )
    return least[:, 0], greatest[:, 0]


def _drawn(least: Block, greatest: Block) -> tuple[Block, Block]:
    if least.shape[1] <= DRAWN:
        return least, greatest
    return (
        np.stack([least[:, side::2].min(axis=1) for side in range(DRAWN)], axis=1),
        np.stack([greatest[:, side::2].max(axis=1) for side in range(DRAWN)], axis=1),
    )


def _coarser(points: Points) -> Points:
    """Fold every FACTOR points into one: rounding is monotone, so bytes give what the samples would have given."""
    ragged = -len(points) % FACTOR
    if ragged:
        points = np.concatenate([points, np.repeat(points[-1:], ragged, axis=0)])
    quads = points.reshape(-1, FACTOR, *points.shape[1:])
    coarser = np.empty((len(quads), *points.shape[1:]), np.int8)
    coarser[..., 0] = quads[..., 0].min(axis=1)
    coarser[..., 1] = quads[..., 1].max(axis=1)
    return coarser
