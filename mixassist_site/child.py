"""A child process that streams JSON events: torch work never happens in a worker's own process."""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from mixassist_site.jobs import ChildDied, JobError, JobStopped, Lease

log = logging.getLogger(__name__)

STOPPED = 3  # the exit code of a child that was asked to stop, and saved first
Event = dict[str, Any]


def run_child(module: str, request: Path, lease: Lease, on_event: Callable[[Event], None]) -> None:
    """Run `python -m module request` under a lease, handing each JSON line that it prints to `on_event`.

    Returns when the child has ended well. Raises JobError with the child's own sentence, JobStopped when it was
    asked to stop, ChildDied when it ended without an answer. The child holds our end of a pipe as its standard
    input: it ends by itself when this process dies.
    """
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if settings.HF_HOME:
        env["HF_HOME"] = settings.HF_HOME
    command = [sys.executable, "-m", module, str(request)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, start_new_session=True, **pipes)  # type: ignore[call-overload]
    lines: queue.Queue[bytes | None] = queue.Queue()
    readers = [
        threading.Thread(target=_read, args=(child.stdout, lines), daemon=True),
        threading.Thread(target=_log, args=(child.stderr, module), daemon=True),
    ]
    for reader in readers:
        reader.start()
    error: Event | None = None
    asked_at: float | None = None
    try:
        while True:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                line = b""
            if line is None:
                break
            event = _parse(line)
            if event and event.get("event") == "error":
                error = event
            elif event:
                on_event(event)
            if lease.should_stop():
                asked_at = asked_at or _ask_to_stop(child)
                if time.monotonic() - asked_at > settings.JOB_STOP_GRACE_SECONDS:
                    break
        code = child.wait(timeout=10) if asked_at is None else child.wait(timeout=settings.JOB_STOP_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        code = -signal.SIGKILL
    finally:
        _kill(child)
    if error:
        raise JobError(str(error.get("code", "failed")), str(error.get("message", "The job failed.")))
    if asked_at is not None or code == STOPPED:
        raise JobStopped
    if code != 0:
        raise ChildDied(f"{module} ended with code {code}")


def _read(pipe: Any, lines: "queue.Queue[bytes | None]") -> None:
    for line in pipe:
        lines.put(line)
    lines.put(None)


def _log(pipe: Any, module: str) -> None:
    for line in pipe:
        log.info("%s: %s", module, line.decode(errors="replace").rstrip())


def _parse(line: bytes) -> Event | None:
    if not line.strip():
        return None
    try:
        event = json.loads(line)
    except ValueError:
        log.info("not an event: %s", line.decode(errors="replace").rstrip())
        return None
    return event if isinstance(event, dict) else None


def _ask_to_stop(child: subprocess.Popen[bytes]) -> float:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    return time.monotonic()


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin:
        child.stdin.close()
