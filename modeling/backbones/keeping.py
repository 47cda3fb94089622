"""Where audio rows are kept, and how many: known without torch."""

import contextlib
from pathlib import Path
from typing import Any


def cache_of(request: dict[str, Any]) -> Path | None:
    """Where audio rows are kept, if anywhere."""
    folder = (request.get("cache") or {}).get("folder")
    return Path(folder) if folder else None


def trim(cache: Path | None, request: dict[str, Any]) -> None:
    """Keep the audio rows within what the request allows."""
    most = (request.get("cache") or {}).get("bytes")
    if cache and isinstance(most, int):
        prune(cache, most)


def prune(root: Path, most_bytes: int) -> int:
    """Drop what was used longest ago until the rest fits, and return how many files went."""
    found = []
    for path in root.glob("*/*/*.safetensors"):
        with contextlib.suppress(OSError):
            facts = path.stat()
            found.append((facts.st_mtime_ns, facts.st_size, path))
    size, gone = sum(bytes_ for _, bytes_, _ in found), 0
    for _, bytes_, path in sorted(found):
        if size <= most_bytes:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            size, gone = size - bytes_, gone + 1
    return gone
