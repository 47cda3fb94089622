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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

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
    child = _start(module, request)
    lines: queue.Queue[bytes | None] = queue.Queue()
    last_words: deque[str] = deque(maxlen=20)
    readers = [
        threading.Thread(target=_read, args=(child.stdout, lines), daemon=True),
        threading.Thread(target=_log, args=(child.stderr, module, last_words), daemon=True),
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
            if asked_at and time.monotonic() - asked_at > settings.JOB_STOP_GRACE_SECONDS:
                break
        code = _end(child, patience=0 if line is not None else 10)
    finally:
        _end(child, patience=0)
        for reader in readers:
            reader.join(timeout=5)
    if code == 0 and error is None:
        return  # it had finished before it could heed a stop
    if asked_at is not None or code == STOPPED:
        raise JobStopped
    if error:
        raise JobError(str(error.get("code", "failed"))[:40], str(error.get("message", "The job failed.")))
    raise ChildDied("\n".join([f"{module} ended with code {code}", *last_words]))


def _start(module: str, request: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if settings.HF_HOME:
        env["HF_HOME"] = settings.HF_HOME
    return subprocess.Popen(
        [sys.executable, "-m", module, str(request)],
        cwd=settings.BASE_DIR,
        env=env,
        start_new_session=True,  # a Ctrl-C at the worker's terminal is the worker's to pass on
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _read(pipe: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    with pipe:
        for line in pipe:
            lines.put(line)
    lines.put(None)


def _log(pipe: IO[bytes], module: str, last_words: deque[str]) -> None:
    with pipe:
        for line in pipe:
            words = line.decode(errors="replace").rstrip()
            last_words.append(words)
            log.info("%s: %s", module, words)


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


def _end(child: subprocess.Popen[bytes], *, patience: float) -> int:
    """Wait for the child that long, then end it and all that it started."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=patience)
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    if child.stdin:
        child.stdin.close()
    return child.wait()
