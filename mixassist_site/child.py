"""A child process that streams JSON events: torch work never happens in a worker's own process.

One that did well may rest with what it has in memory, for the next request that wants the same.
"""

import atexit
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


class Child:
    """A started child, with threads that read what it says."""

    def __init__(self, module: str, argument: str) -> None:
        self.module = module
        self.process = _start(module, argument)
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.last_words: deque[str] = deque(maxlen=20)
        self.readers = [
            threading.Thread(target=_read, args=(self.process.stdout, self.lines), daemon=True),
            threading.Thread(target=_log, args=(self.process.stderr, module, self.last_words), daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def ask(self, request: Path) -> bool:
        """Hand a request to a child that stays; False when it has gone."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{request}\n".encode())
            self.process.stdin.flush()
        except OSError:
            return False
        return self.process.poll() is None

    def end(self, patience: float = 0) -> int:
        """Wait that long, then end it and all that it started; its exit code."""
        code = _end(self.process, patience=patience)
        for reader in self.readers:
            reader.join(timeout=5)
        return code


class Rest:
    """The one child of this process that waits, with what it holds in memory, for another request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._timer: threading.Timer | None = None
        self.holds = ""

    @property
    def label(self) -> str:
        """A name for what is held: the key, where it is told as an object with one."""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return str(json.loads(self.holds)["key"])
        return self.holds

    def take(self, module: str, holds: str) -> Child | None:
        """The child that holds this, for whoever asks; any other is let go, for its memory is wanted."""
        child, held = self._out()
        if child is None:
            return None
        if (child.module, held) == (module, holds) and child.process.poll() is None:
            return child
        child.end()
        return None

    def put(self, child: Child, holds: str) -> None:
        """Let a child wait for GENERATION_IDLE_SECONDS, in place of any that waits."""
        self.let_go()
        timer = threading.Timer(settings.GENERATION_IDLE_SECONDS, self._too_long, [child])
        timer.daemon = True
        with self._lock:
            self._child, self.holds, self._timer = child, holds, timer
        timer.start()

    def let_go(self) -> None:
        """End the child that waits."""
        child, _ = self._out()
        if child is not None:
            child.end()

    def _too_long(self, child: Child) -> None:
        with self._lock:
            is_still_here = self._child is child
        if is_still_here:
            self.let_go()

    def _out(self) -> tuple[Child | None, str]:
        with self._lock:
            child, held, timer = self._child, self.holds, self._timer
            self._child, self.holds, self._timer = None, "", None
        if timer is not None:
            timer.cancel()
        return child, held


REST = Rest()
atexit.register(REST.let_go)


def run_child(
    module: str, request: Path, lease: Lease, on_event: Callable[[Event], None], *, holds: str | None = None
) -> None:
    """Run `python -m module request` under a lease, handing each JSON line that it prints to `on_event`.

    Returns when the child has ended well. Raises JobError with the child's own sentence, JobStopped when it was
    asked to stop, ChildDied when it ended without an answer. The child holds our end of a pipe as its standard
    input: it ends by itself when this process dies. With `holds`, a word for what it has in memory, a child that did
    well stays for the next request that says the same word; it knows `--stay`, and says "ready" after each request.
    """
    stays = holds is not None and settings.GENERATION_IDLE_SECONDS > 0
    rested = REST.take(module, holds or "")
    if rested is not None and not rested.ask(request):
        rested.end()
        rested = None
    child = rested or _asked(module, request, stays=stays)
    error: Event | None = None
    asked_at: float | None = None
    is_ready = False
    try:
        while True:
            try:
                line = child.lines.get(timeout=0.2)
            except queue.Empty:
                line = b""
            if line is None and child is rested and asked_at is None:  # it died while it waited
                child.end()
                child, rested = _asked(module, request, stays=stays), None
                continue
            if line is None:
                break
            event = _parse(line)
            rested = None if event else rested
            if event and event.get("event") == "ready":
                is_ready = True
                break
            if event and event.get("event") == "error":
                error = event
            elif event:
                on_event(event)
            if lease.should_stop():
                asked_at = asked_at or _ask_to_stop(child.process)
            if asked_at and time.monotonic() - asked_at > settings.JOB_STOP_GRACE_SECONDS:
                break
        if is_ready and asked_at is None:
            REST.put(child, holds or "")
            return
        code = 0 if is_ready else child.end(patience=0 if line is not None else 10)
    except BaseException:
        is_ready = False
        raise
    finally:
        if asked_at is not None or not is_ready:
            child.end()
    if code == 0 and error is None:
        return  # it had finished before it could heed a stop
    if asked_at is not None or code == STOPPED:
        raise JobStopped
    if error:
        raise JobError(str(error.get("code", "failed"))[:40], str(error.get("message", "The job failed.")))
    raise ChildDied("\n".join([f"{module} ended with code {code}", *child.last_words]))


def _asked(module: str, request: Path, *, stays: bool) -> Child:
    """Start a child with a request; one that stays hears of it as of all that follow."""
    child = Child(module, "--stay" if stays else str(request))
    if stays:
        child.ask(request)
    return child


def _start(module: str, argument: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if settings.HF_HOME:
        env["HF_HOME"] = settings.HF_HOME
    return subprocess.Popen(
        [sys.executable, "-m", module, argument],
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
        with contextlib.suppress(OSError):
            child.stdin.close()
    return child.wait()
