"""Walk the boxes of an MP4 file (ISO 14496-12): is it whole, and what does it hold?"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from annotation.audio.errors import AudioError

PARENTS = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex"})
MAX_BOXES = 200_000  # four hours in one-second fragments are 28,800


@dataclass(frozen=True, slots=True)
class Box:
    path: str
    at: int
    head: int
    size: int


def top_boxes(path: Path) -> Iterator[Box]:
    """Yield the outermost boxes; AudioError when one reaches past the end of the file."""
    with path.open("rb") as file:
        yield from _boxes(file, 0, path.stat().st_size, "")


def all_boxes(path: Path) -> Iterator[Box]:
    """Yield the outermost boxes and those inside the movie header, depth first."""
    with path.open("rb") as file:
        yield from _deep(file, 0, path.stat().st_size, "")


def check_whole(path: Path) -> None:
    """Raise AudioError when the file stops inside a box, or has no movie header."""
    names = {box.path for box in top_boxes(path)}
    if "moov" not in names:
        raise AudioError(
            "truncated-mp4",
            "This MP4 has no index: the recording was broken off or the copy was cut short. Copy it again, or repair "
            "it with the program that recorded it.",
        )


def _boxes(file: BinaryIO, start: int, end: int, parent: str) -> Iterator[Box]:
    at = start
    for _ in range(MAX_BOXES):
        if at == end:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            raise _cut()
        size, name, length = struct.unpack_from(">I", head)[0], head[4:8], 8
        if size == 1 and len(head) == 16:
            size, length = struct.unpack_from(">Q", head, 8)[0], 16
        elif size == 0:
            size = end - at
        if size < length or at + size > end:
            raise _cut()
        yield Box(parent + name.decode("latin-1"), at, length, size)
        at += size
    raise AudioError("mp4-damaged", "This MP4 is in too many pieces to be read. Convert it to M4A again.")


def _deep(file: BinaryIO, start: int, end: int, parent: str) -> Iterator[Box]:
    for box in _boxes(file, start, end, parent):
        yield box
        if box.path.rpartition("/")[2].encode("latin-1") in PARENTS and box.path.count("/") < 8:
            yield from _deep(file, box.at + box.head, box.at + box.size, box.path + "/")


def _cut() -> AudioError:
    return AudioError(
        "truncated-mp4",
        "This MP4 stops before its end: the copy was cut short. Copy it from where it was recorded again.",
    )
