"""What the child process that opens uploaded files may use; it limits itself before it loads a decoder."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Address space (not resident memory), processor time, size of a file written, open files, wall-clock time."""

    memory_bytes: int = 2 * GIB
    cpu_s: int = 1_800
    file_bytes: int = 8 * GIB
    open_files: int = 64
    wall_s: float = 3_600.0


def apply(limits: ChildLimits) -> None:
    """Set the limits on this process, for good."""
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_s),
    ):
        # a limit that the system already holds lower stays; macOS knows no RLIMIT_AS
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU else most))
