"""Have a limited child process work on a recording: the only door through which the site opens uploaded audio."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from annotation.audio.errors import AudioError
from annotation.audio.limits import ChildLimits
from annotation.audio.whole import sweep

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package `annotation`
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")  # and no secret of the site
PATHS = ("path", "folder", "out", "proxy")
POLL_S = 0.1
COMPLAINTS = 1 << 16  # bytes of the child's stderr that are kept for the log

Progress = Callable[[float], None]


def run(
    act: str,
    request: dict[str, Any],
    *,
    limits: ChildLimits | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Run one act of `annotation.audio.__main__` on a request in a process of its own and return its result.

    `on_progress` hears shares from 0 to 1. Raises the child's AudioError, or one of its own: "stopped" when
    `should_stop` said so, "too-slow" after the wall-clock or processor limit, "too-hungry", or "decoder-died".
    Half-written files are gone in every case.
    """
    limits = limits or ChildLimits()
    request = _absolute(request)
    with subprocess.Popen(
        [sys.executable, "-m", "annotation.audio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        complaints = bytearray()
        answer: dict[str, Any] = {}
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(
                    json.dumps({"act": act, "request": request, "limits": asdict(limits)}).encode() + b"\n"
                )
                process.stdin.flush()
            deadline = time.monotonic() + limits.wall_s
            for line in _lines(process.stdout, process.stderr, complaints):
                if should_stop is not None and should_stop():
                    raise AudioError("stopped", "Stopped as asked.")
                if time.monotonic() > deadline:
                    raise AudioError(*TOO_SLOW)
                if not line:
                    continue
                answer = json.loads(line)
                if on_progress is not None and "progress" in answer:
                    on_progress(answer["progress"])
            process.wait(timeout=max(1.0, deadline - time.monotonic()))
        except BaseException:
            _kill(process)
            _sweep(request, process.pid)
            raise
        finally:
            _report(act, request, process, complaints)
    if "result" in answer:
        result: dict[str, Any] = answer["result"]
        return result
    _sweep(request, process.pid)
    if "error" in answer:
        raise AudioError(answer["error"]["code"], answer["error"]["message"])
    raise AudioError(*_verdict(process.returncode, complaints))


TOO_SLOW = (
    "too-slow",
    "This file took longer to work on than a recording should. Convert it to plain WAV or FLAC and upload that.",
)
TOO_HUNGRY = (
    "too-hungry",
    "This file needs more memory than a recording should. Convert it to plain WAV or FLAC and upload that.",
)
DIED = ("decoder-died", "The decoder gave up on this file. Convert it to plain WAV or FLAC and upload that.")


def _verdict(status: int, complaints: bytes | bytearray) -> tuple[str, str]:
    """Say why a child ended without an answer."""
    # SIGXCPU is the processor limit; a SIGKILL that was not sent from here is the kernel's, short of memory
    if status == -signal.SIGXCPU:
        return TOO_SLOW
    refused = (
        b"MemoryError",
        b"annot allocate memory",
        b"bad_alloc",
        b"failed to map segment",
        b"can't start new thread",
    )
    if status == -signal.SIGKILL or any(words in complaints for words in refused):
        return TOO_HUNGRY
    return DIED


def _absolute(request: dict[str, Any]) -> dict[str, Any]:
    """Name files so that the child, which runs in another folder, finds the same ones."""
    found = {key: os.path.abspath(value) if key in PATHS else value for key, value in request.items()}  # noqa: PTH100
    if "paths" in found:
        found["paths"] = [os.path.abspath(value) for value in found["paths"]]  # noqa: PTH100
    return found


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    # one thread for numpy's linear algebra: its pools take address space and do nothing here
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _lines(stdout: IO[bytes], stderr: IO[bytes], complaints: bytearray) -> Iterator[bytes]:
    """Yield the child's lines as they come, and an empty one every moment; its stderr goes to `complaints`."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        selector.register(stderr, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=POLL_S)
            for key, _ in ready:
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is stderr:
                    complaints += piece
                    del complaints[:-COMPLAINTS]
                else:
                    *lines, rest = (rest + piece).split(b"\n")
                    yield from lines
            yield b""


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _sweep(request: dict[str, Any], pid: int) -> None:
    for key in ("folder", "out"):
        if key in request:
            sweep(Path(request[key]), pid)


def _report(act: str, request: dict[str, Any], process: subprocess.Popen[bytes], complaints: bytearray) -> None:
    if complaints:
        level = logging.DEBUG if process.returncode == 0 else logging.WARNING
        log.log(
            level,
            "audio child %s on %s ended with %s: %s",
            act,
            request.get("path"),
            process.returncode,
            complaints.decode(errors="replace").strip(),
        )
