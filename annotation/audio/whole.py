"""Files appear whole: they are written beside their place and renamed into it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_AFTER_S = 86_400  # a part this old belongs to a process that died with its machine


# .NAME.PID-RANDOM.part: the process id is there so that a parent can sweep up after a child that was killed
PART = re.compile(r"\.\d+-[0-9a-f]{8}\.part$")
_open: set[Path] = set()


def _part(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in place.parent.glob(".*.part"):
        with suppress(OSError):
            if PART.search(old.name) and time.time() - old.stat().st_mtime > STALE_AFTER_S:
                _remove(old)
    return place.with_name(f".{place.name}.{os.getpid()}-{secrets.token_hex(4)}.part")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `place` when the block ends well, and is gone when it does not."""
    part = _part(place)
    _open.add(part)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(place)
    except BaseException:
        _remove(part)
        raise
    finally:
        _open.discard(part)


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of `place` when the block ends well."""
    part = _part(place)
    _open.add(part)
    try:
        part.mkdir()
        yield part
        for written in part.iterdir():
            with written.open("rb") as handle:
                os.fsync(handle.fileno())
        if place.exists():
            old = _part(place)
            place.rename(old)
            part.rename(place)
            _remove(old)
        else:
            part.rename(place)
    except BaseException:
        _remove(part)
        raise
    finally:
        _open.discard(part)


def drop_open() -> None:
    """Remove what this process is writing, just before it ends without finishing it."""
    for part in tuple(_open):
        _remove(part)


def sweep(place: Path, pid: int) -> None:
    """Remove what a killed process `pid` left beside `place`, and beside what lies below it."""
    if place.parent.is_dir():
        for part in place.parent.glob(f".{place.name}.{pid}-*.part"):
            _remove(part)
    if place.is_dir():
        for part in place.rglob(f".*.{pid}-*.part"):
            _remove(part)
