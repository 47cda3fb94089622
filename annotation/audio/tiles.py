"""A waveform pyramid on disk: what its folder holds, and how one tile of it is read.

`level<k>.bin` holds the points of level k one after the other; a point is, for each channel drawn, the least and the
greatest sample of its span as two signed bytes. Level 0 has 256 frames a point, each level above four times as many.
A byte v stands for v / 127 of full scale; the least is rounded down and the greatest up, so that no peak is hidden.
A tile is 8,192 points of one level. `peaks.json` tells the rest, and is the last file to appear.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotation.audio.errors import AudioError

VERSION = 1
BASE = 256  # frames a point on level 0
FACTOR = 4
TILE = 8192  # points
SCALE = 127
COARSEST = 1024  # the last level has no more points than this: an overview for any screen is at most one level below


@dataclass(frozen=True, slots=True)
class Level:
    samples_per_point: int
    points: int

    @property
    def tiles(self) -> int:
        return -(-self.points // TILE)


@dataclass(frozen=True, slots=True)
class Peaks:
    """What a pyramid holds. `channels` are those drawn, `source_channels` those recorded.

    `hash` is the sha256 of these facts and of all levels, and goes into the URL of the tiles.
    """

    rate: int
    frames: int
    duration_ms: int
    source_channels: int
    channels: int
    levels: tuple[Level, ...]
    hash: str = ""
    version: int = VERSION
    base: int = BASE
    factor: int = FACTOR
    tile_points: int = TILE
    scale: int = SCALE

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_peaks(folder: Path) -> Peaks:
    """Read a pyramid's facts; AudioError when it was not built, or by another version of this code."""
    try:
        known = json.loads((folder / "peaks.json").read_text())
        levels = tuple(Level(**level) for level in known.pop("levels"))
        peaks = Peaks(levels=levels, **known)
    except FileNotFoundError as error:
        raise AudioError(
            "no-peaks", "The waveform of this recording has not been drawn yet. Wait for its job to end."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise AudioError("stale-peaks", "The waveform of this recording is damaged. Have it drawn again.") from error
    if peaks.version != VERSION:
        raise AudioError(
            "stale-peaks", "The waveform of this recording was drawn by an older version. Have it drawn again."
        )
    return peaks


def read_tile(folder: Path, level: int, tile: int) -> bytes:
    """Return the bytes of one tile, shorter at the end of a level; AudioError when there is none of that number."""
    width = read_peaks(folder).channels * 2 * TILE
    if level >= 0 and tile >= 0:
        try:
            with (folder / f"level{level}.bin").open("rb") as file:
                file.seek(tile * width)
                if found := file.read(width):
                    return found
        except FileNotFoundError:
            pass
    raise AudioError("no-such-tile", f"The waveform has no tile {tile} on level {level}.")


def picture_name(level: int, tile: int) -> str:
    """Return what a tile of a spectrogram is called in its folder."""
    return f"level{level}-{tile}.png"
