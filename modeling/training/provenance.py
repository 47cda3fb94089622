"""Which code trained: its own hash, and the commit that it stands at where it lies in a git repository."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

ROOM = Path(__file__).resolve().parents[1]  # all that a training run is made by


def code(room: Path = ROOM) -> dict[str, Any]:
    """The sha256 of a folder's Python, its git commit, and whether it differs from that; None where git can't tell."""
    sources = sorted(room.rglob("*.py"))
    told = b"".join(str(path.relative_to(room)).encode() + b"\0" + path.read_bytes() + b"\0" for path in sources)
    commit = _git(room, "rev-parse", "HEAD")
    changed = _git(room, "status", "--porcelain", "--", ".") if commit else None
    return {
        "sha256": hashlib.sha256(told).hexdigest(),
        "commit": commit,
        "dirty": None if changed is None else bool(changed),
    }


def _git(room: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(room), *words], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
