"""A recording's waveform as the path of an SVG: small enough to come with a page, and drawn without a script."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

from annotation.audio.tiles import SCALE, Peaks, read_peaks, read_tile

WIDTH = 640
HEIGHT = 100
MOST_GAIN = 4  # as the timeline stretches a quiet recording


def outline(folder: Path, *, offset_ms: int, length_ms: int) -> str:
    """Draw the coarsest level of a pyramid whose recording begins at `offset_ms` of a session of `length_ms`.

    Returns path data for the box 0 0 640 100, one stroke a column from its least to its greatest sample over all
    channels, stretched so that the loudest fills the height, by four at most. Raises AudioError without a pyramid.
    """
    peaks = read_peaks(folder)
    points = array("b", read_tile(folder, len(peaks.levels) - 1, 0))
    loudest = max(1, max(points), -min(points))
    scale = min(MOST_GAIN, SCALE / loudest) * HEIGHT / 2 / SCALE
    middle = HEIGHT // 2
    drawn = []
    for column, part in _columns(peaks, points, offset_ms, length_ms):
        top, bottom = round(middle - max(part) * scale), round(middle - min(part) * scale)
        drawn.append(f"M{column} {top}v{max(1, bottom - top)}")
    return "".join(drawn)


def _columns(peaks: Peaks, points: array[int], offset_ms: int, length_ms: int) -> Iterator[tuple[int, array[int]]]:
    """The columns in which the recording sounds, each with the points that fall into it; one at least."""
    stride = 2 * peaks.channels
    count = len(points) // stride
    per_column = length_ms / WIDTH * count / max(1, peaks.duration_ms)
    before = offset_ms * count / max(1, peaks.duration_ms)
    for column in range(WIDTH):
        begin = column * per_column - before
        first, last = int(begin), int(begin + per_column)
        if begin >= 0 and first < count:
            yield column, points[first * stride : max(first + 1, last) * stride]
