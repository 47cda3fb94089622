"""The side of whoever asks: a child that buys answers, and what an earlier one left in the spool."""

import contextlib
import fcntl
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evaluation.judging.__main__ import LOCK
from evaluation.judging.abilities import Abilities
from evaluation.judging.endpoints import Endpoint
from evaluation.judging.errors import JudgeError
from evaluation.judging.replies import Reply

ROOT = Path(__file__).resolve().parent.parent.parent
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: a reply or an error."""

    id: str
    reply: Reply | None = None
    error: JudgeError | None = None


class ChildGone(Exception):
    """The child that buys answers ended though it was still needed."""


class Buyer:
    """Holds a child that asks one endpoint; it outlives whoever dies, until what is under way has been answered."""

    def __init__(self, endpoint: Endpoint, spool: Path) -> None:
        self.under_way: set[str] = set()
        self._answers: queue.Queue[Answer | None] = queue.Queue()
        key = {endpoint.api_key_env: os.environ.get(endpoint.api_key_env, "")} if endpoint.api_key_env else {}
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | key  # no other secret, no proxy
        self._child = subprocess.Popen(
            [sys.executable, "-m", "evaluation.judging", str(spool)],
            cwd=ROOT,
            env=env,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._child.stdout is not None
        threading.Thread(target=self._listen, args=(self._child.stdout,), daemon=True).start()
        self._spoke = 0.0
        self._say(json.dumps({"endpoint": endpoint.as_dict()}))

    def __enter__(self) -> "Buyer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self,
        id: str,
        messages: Sequence[Mapping[str, str]],
        abilities: Abilities,
        *,
        schema: Mapping[str, Any] | None = None,
        seed: int | None = None,
        max_output_tokens: int | None = None,
    ) -> None:
        """Let the child ask; the answer comes from `next`."""
        request = {
            "id": id,
            "messages": list(messages),
            "abilities": abilities.as_dict(),
            "schema": schema,
            "seed": seed,
            "max_output_tokens": max_output_tokens,
        }
        self.under_way.add(id)
        self._say(json.dumps(request))

    def next(self, timeout_s: float) -> Answer | None:
        """The next answer; None when none came in time. ChildGone where nobody will answer any more."""
        if time.monotonic() - self._spoke > 5:
            self._say("")
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if answer is None:
            raise ChildGone
        self.under_way.discard(answer.id)
        return answer

    def close(self) -> None:
        """Begin nothing more; the child ends by itself once all is answered."""
        with contextlib.suppress(OSError):
            assert self._child.stdin is not None
            self._child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=0 if self.under_way else 5)

    def _say(self, line: str) -> None:
        self._spoke = time.monotonic()
        try:
            assert self._child.stdin is not None
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
        except (OSError, ValueError):
            raise ChildGone from None

    def _listen(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with contextlib.suppress(ValueError, TypeError, LookupError):
                    self._answers.put(answer_of(json.loads(line)))
        self._answers.put(None)


def answer_of(told: Mapping[str, Any]) -> Answer:
    """What a child told of one request."""
    if "reply" in told:
        return Answer(told["id"], reply=Reply.from_dict(told["reply"]))
    failure = dict(told["failure"])
    message = failure.pop("message")
    return Answer(told["id"], error=JudgeError(failure.pop("code"), message, **failure))


def wait_for_orphan(spool: Path, patience_s: float, should_stop: Callable[[], bool]) -> bool:
    """Wait until a child that lost its parent has ended; False when it did not in time."""
    path = spool / LOCK
    if not path.exists():
        return True
    until = time.monotonic() + patience_s
    with path.open("r+") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > until or should_stop():
                    return False
                time.sleep(0.05)
                continue
            fcntl.flock(lock, fcntl.LOCK_UN)
            return True


def left_in(spool: Path) -> tuple[dict[str, Answer], set[str]]:
    """Answers that nobody took, by their request, and the requests that were sent and never answered."""
    answers = {}
    for path in spool.glob("*.json"):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            answer = answer_of(json.loads(path.read_text()))
            answers[answer.id] = answer
    sent = {path.stem for path in spool.glob("*.sent")}
    return answers, sent - set(answers)


def forget(spool: Path, id: str) -> None:
    """Take a request's traces away, once its answer is stored."""
    for suffix in (".json", ".sent"):
        (spool / f"{id}{suffix}").unlink(missing_ok=True)
