"""What a child process owes its parent: events on standard output, heed to SIGTERM, an end when the parent dies."""

import errno
import json
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from modeling.backbones.errors import CoreError

DONE, FAILED, MISUSED, STOPPED, ORPHANED = range(5)

Emit = Callable[[dict[str, Any]], None]
Work = Callable[[dict[str, Any], Emit, Callable[[], bool]], int]


def run_child(name: str, arguments: list[str], work: Work) -> int:
    """Do the work of a request file, or of a folder's request.json, and say as an event what went wrong.

    Returns the exit code.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {name} REQUEST.json, or a folder that holds a request.json", file=sys.stderr)
        return MISUSED
    should_stop = stop_on_sigterm()
    emit = open_events()
    end_with_parent()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    log = logging.getLogger(name)
    try:
        return work(read_request(Path(arguments[0])), emit, should_stop)
    except CoreError as error:
        log.exception("refused")
        emit({"event": "error", "code": error.code, "message": error.sentence})
    except Exception as error:  # the parent needs a sentence whatever happens; the log has the rest
        log.exception("failed")
        emit({"event": "error", **describe(error)})
    return FAILED


def read_request(path: Path) -> dict[str, Any]:
    if path.is_dir():
        return {**read_request(path / "request.json"), "folder": str(path.resolve())}
    try:
        request = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CoreError("bad-request", f"The request {path.name} can't be read: {error}.") from None
    if not isinstance(request, dict):
        raise CoreError("bad-request", f"The request {path.name} is no JSON object.")
    return request


def describe(error: Exception) -> dict[str, str]:
    """Find the code and the sentence of a failure that nobody foresaw in detail."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return {"code": "oom", "message": "The memory ran out; lower the token budget of a batch and try again."}
    # safetensors hands on the system's number in its sentence alone
    if getattr(error, "errno", None) == errno.ENOSPC or f"(os error {errno.ENOSPC})" in str(error):
        return {"code": "disk-full", "message": "The disk is full; make room and try again."}
    reason = (str(error).splitlines() or [""])[0][:300]
    return {"code": "crashed", "message": f"The work broke off: {type(error).__name__}: {reason}"}


def open_events() -> Emit:
    """Keep standard output for events: whatever else prints goes to standard error, where the log is."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def emit(event: dict[str, Any]) -> None:
        try:
            stream.write(json.dumps(event, ensure_ascii=False) + "\n")
            stream.flush()
        except BrokenPipeError:
            os._exit(ORPHANED)

    return emit


def stop_on_sigterm() -> Callable[[], bool]:
    """Turn SIGTERM into a question that a loop asks when it is at a good place to stop."""
    asked = threading.Event()

    def heed(signum: int, frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, heed)
    return asked.is_set


def end_with_parent() -> None:
    """End at once when standard input ends, if it is a pipe: its other end was the parent's."""
    if sys.stdin is None or not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def wait() -> None:
        while os.read(0, 65536):
            pass
        os._exit(ORPHANED)

    threading.Thread(target=wait, name="parent", daemon=True).start()
