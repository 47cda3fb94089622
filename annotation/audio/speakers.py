"""Who speaks when, told from two microphones that hear both people: whoever is louder at their own speaks.

A proposal, to cut and to listen by: it knows no voices, and takes whatever a microphone hears best for its person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits
from annotation.audio.levels import (
    CELL_MS,
    QUIETEST,
    SILENT_MS,
    SPEECH_GAP_MS,
    SPEECH_MS,
    Bools,
    Floats,
    Spans,
    bridged,
    lasting,
    mean_of,
    measure,
    spans_of,
    threshold_of,
)

VERSION = 1
SMOOTH_MS = 200  # a syllable
APART_DB = 6.0  # less between "the one speaks" and "the other speaks" is no telling
BOTH = 0.25  # of the way from where the one speaks to the middle, on either side of it: both do
ROUNDS = 50

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Speakers:
    """When each of two people speaks: spans in ms of the common clock, and how well the microphones part them."""

    first: Spans
    second: Spans
    apart_db: float


def build(
    paths: Sequence[Path],
    offsets_ms: Sequence[int],
    *,
    limits: AudioLimits | None = None,
    progress: Progress | None = None,
) -> Speakers:
    """Measure two recordings, each of which begins at its offset on the common clock, and tell who speaks when.

    Raises AudioError when one is damaged, or when both hear both people equally loud.
    """
    report = progress or (lambda share: None)
    measured: list[Floats] = []
    for number, path in enumerate(paths):

        def heard(share: float, number: int = number) -> None:
            report((number + share) / len(paths))

        measured.append(measure(open_master(path, limits=limits), heard).power)
    return who_speaks(*_on_one_clock(measured, offsets_ms))


def _on_one_clock(powers: Sequence[Floats], offsets_ms: Sequence[int]) -> list[Floats]:
    """Put cells on the clock that begins at 0, to half a cell; where a recording is not, it is silent."""
    starts = [round(offset / CELL_MS) for offset in offsets_ms]
    count = max(0, *(start + len(power) for start, power in zip(starts, powers, strict=True)))
    placed = []
    for start, power in zip(starts, powers, strict=True):
        cells = np.zeros(count)
        cells[max(0, start) : max(0, start + len(power))] = power[max(0, -start) :]
        placed.append(cells)
    return placed


def who_speaks(first: Floats, second: Floats) -> Speakers:
    """Tell two speakers apart by the power of cells of 20 ms at the microphone of each, shape (cells,).

    How much louder the first microphone is than the second lies around two levels, one for each speaker, whatever the
    gains; the middle between them parts the two (two-means). Where it lies close to that middle both speak.
    """
    levels = [_decibels(power) for power in (first, second)]
    sounding = [~lasting(level < threshold_of(level), SILENT_MS) for level in levels]
    smooth = [_decibels(mean_of(power, SMOOTH_MS // CELL_MS)) for power in (first, second)]
    louder = smooth[0] - smooth[1]
    either = sounding[0] | sounding[1]
    low, high = _two_means(louder[either])
    if high - low < APART_DB:
        raise AudioError(
            "not-apart",
            "Both recordings hear both people equally loud, so nobody can tell from them who speaks. "
            "Choose the recordings of two microphones, each nearer to one person.",
        )
    middle, near = (low + high) / 2, BOTH * (high - low) / 2
    speech = [
        sounding[0] & (louder > middle - near),
        sounding[1] & (louder < middle + near),
    ]
    length_ms = len(first) * CELL_MS
    spans = [spans_of(lasting(bridged(mask, SPEECH_GAP_MS), SPEECH_MS), length_ms) for mask in speech]
    return Speakers(spans[0], spans[1], round(high - low, 1))


def _decibels(power: Floats) -> Floats:
    decibels: Floats = 10 * np.log10(np.maximum(power, 10 ** (QUIETEST / 10)))
    return decibels


def _two_means(values: Floats) -> tuple[float, float]:
    """The two levels around which values lie, the lower first; equal where there is nothing to part."""
    if not len(values):
        return 0.0, 0.0
    low, high = (float(level) for level in np.percentile(values, (10, 90)))
    for _ in range(ROUNDS):
        above: Bools = values > (low + high) / 2
        if above.all() or not above.any():
            break
        moved = float(values[~above].mean()), float(values[above].mean())
        if moved == (low, high):
            break
        low, high = moved
    return low, high
