"""How loud a recording is, and where it is silent, where somebody speaks and where the DAW plays, in one pass.

A recording is measured in cells of 20 ms (`measure`), and the cells are judged (`judge`). The judgement is a heuristic
to jump and to snap by, not an annotation: speech over playback counts as playback, so does a steady noise that is as
loud as music, and a solo voice or instrument may be taken for speech.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft  # four times as fast as numpy on single precision
from numpy.typing import NDArray

from annotation.audio.decode import Block, Master, open_master
from annotation.audio.facts import AudioLimits
from annotation.audio.timing import ms_at
from annotation.audio.whole import whole_file

VERSION = 2
CELL_MS = 20
STEP_MS = 100  # of the loudness that is drawn
STEP_DB = 4  # as it is written: what a pixel of the strip stands for, in a third of the bytes
QUIETEST = -100  # dBFS, and what digital silence counts as
BANDS_HZ = ((0, 150), (300, 3400))  # where kick and bass are and speech is not; what a telephone lets through

SILENT_MS = 250  # a shorter pause is part of the sound around it
SPEECH_MS, SPEECH_GAP_MS = 300, 300
PLAYBACK_MS, PLAYBACK_GAP_MS = 2000, 1000
WINDOW_MS = 1000  # what a cell is judged by: some four syllables, or two beats
PULSE_MS = 100, 500  # a band-pass of the envelope around 4 Hz: the mean of the short span less that of the long

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Spans = list[tuple[int, int]]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Cells:
    """What is measured of each cell, as arrays of one value a cell; powers are relative to full scale (a sample of 1).

    `power` is the mean of the channels' mean squares, `side` that of half their difference. `low`, `speech` and `all`
    are the energies of the middle's spectrum below 150 Hz, from 300 to 3400 Hz, and of all of it, in a unit of its own.
    """

    rate: int
    frames: int
    power: Floats
    side: Floats
    low: Floats
    speech: Floats
    all: Floats


@dataclass(frozen=True, slots=True)
class Levels:
    """Loudness in dBFS, one whole number every `step_ms`; spans in ms, half-open, sorted and apart."""

    step_ms: int
    loudness: list[int]
    silences: Spans
    speech: Spans
    playback: Spans

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def build(
    path: Path,
    out: Path,
    *,
    kind: str = "mixed",
    limits: AudioLimits | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the levels of a recording to `out` as gzipped JSON, which appears whole; return how much there is of each.

    `kind` is what the recording holds: mixed, dialogue or daw. Raises AudioError when the recording is damaged.
    """
    master = open_master(path, limits=limits)
    levels = judge(measure(master, progress), kind)
    told = levels.as_dict() | {"loudness": [STEP_DB * round(value / STEP_DB) for value in levels.loudness]}
    content = gzip.compress(json.dumps(told, separators=(",", ":")).encode(), compresslevel=9, mtime=0)
    with whole_file(out) as part:
        part.write_bytes(content)
    spans = {"silences": levels.silences, "speech": levels.speech, "playback": levels.playback}
    return {
        "version": VERSION,
        "hash": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "ms": {name: sum(end - start for start, end in found) for name, found in spans.items()},
    }


def measure(master: Master, progress: Progress | None = None) -> Cells:
    """Measure a recording cell by cell; AudioError when it is damaged or holds nothing."""
    report = progress or (lambda share: None)
    found: list[NDArray[np.float32]] = []
    frames = 0
    for chunk, starts, hop in _cells_of(master):
        found.append(_measured(chunk, starts, hop, master.rate))
        frames += len(chunk)
        report(min(0.98, frames / max(master.about, frames)))
    if not frames:
        raise master.ends_early(0)
    power, side, low, speech, whole = np.concatenate(found).astype(np.float64).T
    report(1.0)
    return Cells(master.rate, frames, power, side, low, speech, whole)


def judge(cells: Cells, kind: str = "mixed") -> Levels:
    """Tell silence, speech and playback apart.

    Silence lies below a threshold that the recording's own noise floor sets. Of the sound, `playback` is what scores as
    music for two seconds or more, and `speech` the rest; all sound is speech in a recording of kind "dialogue", and
    playback in one of kind "daw".
    """
    length_ms = ms_at(cells.frames, cells.rate)
    decibels = 10 * np.log10(np.maximum(cells.power, 10 ** (QUIETEST / 10)))
    silent = lasting(decibels < threshold_of(decibels), SILENT_MS)
    sound = ~silent
    if kind == "daw":
        playback = sound
    elif kind == "dialogue":
        playback = np.zeros_like(sound)
    else:
        playback = lasting(bridged(sound & (score_of(cells) > 0), PLAYBACK_GAP_MS), PLAYBACK_MS)
    speech = lasting(bridged(sound & ~playback, SPEECH_GAP_MS) & ~playback, SPEECH_MS)
    return Levels(STEP_MS, _loudness(cells), *(spans_of(mask, length_ms) for mask in (silent, speech, playback)))


def threshold_of(decibels: Floats) -> float:
    """Return the level in dBFS below which a recording is silent, from the levels of its cells.

    The floor is the level that a twentieth of the cells stay below, the top that which a twentieth exceed. Silence
    reaches 10 dB above the floor, but not beyond two fifths of the way to the top, and down to 45 dB below the top in
    any case. Where all is of one level there is no telling: it is silence when it lies below -50 dBFS.
    """
    floor, top = (float(level) for level in np.percentile(decibels, (5, 95)))
    if top - floor < 6:
        return -50.0
    return max(floor + min(10.0, 0.4 * (top - floor)), top - 45)


def _cells_of(master: Master) -> Iterator[tuple[Block, NDArray[np.int64], int]]:
    """Yield a recording in chunks of whole cells, with where each cell begins in its chunk and how long it is.

    A cell begins at `frames_at` its time; where 20 ms are no whole number of frames, a frame between two is left out.
    """
    hop = CELL_MS * master.rate // 1000
    rest: Block | None = None
    done = cell = 0  # frames and cells before the chunk
    for block in master.blocks():
        chunk = block if rest is None else np.concatenate([rest, block])
        starts = _starts(cell, len(chunk) // hop + 1, master.rate) - done
        starts = starts[starts <= len(chunk)]
        end, count = int(starts[-1]), len(starts) - 1
        if count:
            yield chunk[:end], starts[:-1], hop
        rest, done, cell = chunk[end:].copy(), done + end, cell + count
    if rest is not None and len(rest):
        yield rest, np.zeros(1, np.int64), len(rest)


def _starts(cell: int, count: int, rate: int) -> NDArray[np.int64]:
    """Return the frame at which each of some cells begins."""
    return (np.arange(cell, cell + count, dtype=np.int64) * CELL_MS * rate + 500) // 1000


def _measured(chunk: Block, starts: NDArray[np.int64], hop: int, rate: int) -> NDArray[np.float32]:
    """Return power, side, and the energies low, speech and all of the cells of a chunk, shape (cells, 5)."""
    channels = chunk.shape[1]
    if channels > 2:
        left, right = (chunk[:, first::2].mean(axis=1, dtype=np.float32) for first in (0, 1))
    else:
        left, right = (chunk[:, channel].astype(np.float32) for channel in (0, channels - 1))
    middle, side = _rows(left + right, starts, hop), _rows(left - right, starts, hop)
    full = np.float32(65536.0) ** 2 * hop  # middle and side are sums of two
    side_power = np.einsum("ij,ij->i", side, side) / full
    power = np.einsum("ij,ij->i", middle, middle) / full + side_power
    if channels > 2:  # what differs between the channels of one side counts too
        squares = np.square(chunk, dtype=np.float32).mean(axis=1)
        power = _rows(squares, starts, hop).mean(axis=1) / np.float32(32768.0) ** 2
    spectrum = scipy.fft.rfft(middle * np.hanning(hop + 1)[:-1].astype(np.float32))
    parts = spectrum.view(np.float32)  # real and imaginary parts, one beside the other
    np.square(parts, out=parts)
    return np.column_stack([power, side_power, parts @ _bands(hop, rate)])


def _rows(sound: NDArray[np.float32], starts: NDArray[np.int64], hop: int) -> NDArray[np.float32]:
    """Return the cells as rows: a view where they lie end to end."""
    if len(sound) == len(starts) * hop:
        return sound.reshape(len(starts), hop)
    return np.lib.stride_tricks.sliding_window_view(sound, hop)[starts]


@cache
def _bands(hop: int, rate: int) -> NDArray[np.float32]:
    """Return what adds up the squared parts of a cell's spectrum: low, speech and all, shape (2 × bins, 3)."""
    bins = np.arange(hop // 2 + 1) * rate / hop
    bands = [(bins >= low) & (bins < high) for low, high in (*BANDS_HZ, (0, rate))]
    return np.repeat(np.stack(bands, axis=1).astype(np.float32), 2, axis=0)


def _loudness(cells: Cells) -> list[int]:
    """Return the mean power of every STEP_MS in whole dBFS."""
    edges = np.append(_starts(0, len(cells.power), cells.rate), cells.frames)
    lengths = np.diff(edges)
    steps = np.arange(0, len(cells.power), STEP_MS // CELL_MS)
    power = np.add.reduceat(cells.power * lengths, steps) / np.add.reduceat(lengths, steps)
    decibels = 10 * np.log10(np.maximum(power, 10 ** (QUIETEST / 10)))
    found: list[int] = np.clip(np.rint(decibels), QUIETEST, 0).astype(int).tolist()
    return found


def score_of(cells: Cells) -> Floats:
    """Score each cell by the second around it: above 0 for music, below for speech.

    The weights are rounded from logistic regressions on sessions with known truth.
    """
    evidence = evidence_of(cells)
    weights = STEREO if "moving_image" in evidence else MONO
    score = np.full_like(cells.power, weights["bias"])
    for name, value in evidence.items():
        score += weights[name] * value
    return score


STEREO = {"bias": -1.7, "pulse": -2.7, "speech": -0.4, "low": 0.3, "moving_low": 0.9, "moving_image": 2.3}
MONO = {"bias": 0.7, "pulse": -2.7, "speech": -1.9, "low": -0.2, "moving_low": 2.2}


def evidence_of(cells: Cells) -> dict[str, Floats]:
    """Return what speaks for music or speech around each cell, as common logarithms.

    `pulse`: how much the envelope of the speech band moves around 4 Hz, the rate of syllables, against its mean
    (Scheirer and Slaney 1997, "4 Hz modulation energy"). `speech`, `low`: the bands' shares of the energy.
    `moving_low`: how much the low share changes from cell to cell, as under a kick. `moving_image`, in stereo: how much
    the level of the side against the middle changes, in dB², since a voice stays where it is.
    """
    window = WINDOW_MS // CELL_MS
    weight = np.sqrt(cells.power) + 1e-6  # what is louder counts for more
    whole = mean_of(cells.all, window) + 1e-9
    envelope = np.sqrt(cells.speech)
    short, long = (mean_of(envelope, span // CELL_MS) for span in PULSE_MS)
    pulse = mean_of((short - long) ** 2, window) / (mean_of(envelope, window) ** 2 + 1e-9)
    evidence = {
        "pulse": np.log10(pulse + 1e-3),
        "speech": np.log10(mean_of(cells.speech, window) / whole + 1e-2),
        "low": np.log10(mean_of(cells.low, window) / whole + 1e-3),
        "moving_low": np.log10(_spread(cells.low / (cells.all + 1e-9), weight, window) + 1e-3),
    }
    if cells.side.sum() > 1e-4 * cells.power.sum():
        image = 10 * np.log10((cells.side + 1e-8) / (cells.power + 1e-8))
        evidence["moving_image"] = np.log10(_spread(image, weight, window) + 0.3)
    return evidence


def mean_of(values: Floats, count: int) -> Floats:
    """Return the mean of the `count` values around each, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values)) - count // 2
    first, last = np.clip(at, 0, len(values)), np.clip(at + count, 0, len(values))
    mean: Floats = (sums[last] - sums[first]) / np.maximum(last - first, 1)
    return mean


def _spread(values: Floats, weight: Floats, count: int) -> Floats:
    """Return the weighted variance of the `count` values around each."""
    whole = mean_of(weight, count)
    middle = mean_of(weight * values, count) / whole
    spread: Floats = np.maximum(mean_of(weight * values**2, count) / whole - middle**2, 0.0)
    return spread


def _runs(mask: Bools) -> list[tuple[int, int]]:
    """Return where a mask is true, as half-open runs of cells."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def lasting(mask: Bools, least_ms: int) -> Bools:
    """Keep the runs that last so long."""
    kept = np.zeros_like(mask)
    for start, end in _runs(mask):
        if (end - start) * CELL_MS >= least_ms:
            kept[start:end] = True
    return kept


def bridged(mask: Bools, gap_ms: int) -> Bools:
    """Fill gaps between runs that are shorter than this."""
    filled = mask.copy()
    runs = _runs(mask)
    for (_, end), (start, _) in pairwise(runs):
        if (start - end) * CELL_MS < gap_ms:
            filled[end:start] = True
    return filled


def spans_of(mask: Bools, length_ms: int) -> Spans:
    spans = [(start * CELL_MS, min(end * CELL_MS, length_ms)) for start, end in _runs(mask)]
    return [(start, end) for start, end in spans if start < end]
