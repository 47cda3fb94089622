"""A report is computed anew when the code that computes it is another."""

from pathlib import Path

import evaluation
from evaluation.freshness import COMPUTE, code_version

ROOM = Path(evaluation.__file__).parent


def test_every_part_that_computes_is_there():
    for part in COMPUTE:
        assert list(ROOM.glob(part)), part


def test_another_line_in_any_of_them_is_another_version(monkeypatch):
    before = code_version()
    read = Path.read_bytes
    for part in COMPUTE:
        changed = next(iter(sorted(ROOM.glob(part))))
        monkeypatch.setattr(Path, "read_bytes", lambda path, at=changed: read(path) + b"\n" * (path == at))
        code_version.cache_clear()
        assert code_version() != before, part
    monkeypatch.undo()
    code_version.cache_clear()
    assert code_version() == before
