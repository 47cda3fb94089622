"""Buys answers, as a child: `python -m evaluation.judging SPOOL`.

The first line of standard input is {"endpoint": {…}}; each further one a request {"id", "messages", "abilities",
"schema", "seed", "max_output_tokens"} or an empty line, which says that somebody is still there. Each request ends in
one line of output: {"id", "reply": {…}} or {"id", "failure": {"code", "message", "permanent", "retry_after_s",
"may_be_charged", "status", "names"}}.

A request is noted in SPOOL before it is sent, and its reply lies there, whole, before it is told. When whoever asked
dies, what is under way is waited for and kept; nothing new is begun. So an answer that was paid for is never lost with
a worker, and never bought again.
"""

import fcntl
import json
import os
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ALONE_SECONDS = 30.0  # without a word from who asked, and with nothing under way
LOCK = "lock"


def main(folder: str) -> int:
    """Answer requests until standard input ends."""
    spool = Path(folder)
    spool.mkdir(parents=True, exist_ok=True)
    with (spool / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the one before may still be waiting for its last answers
        return _serve(spool)


def _serve(spool: Path) -> int:
    from evaluation.judging.client import Client
    from evaluation.judging.endpoints import Endpoint
    from evaluation.judging.errors import JudgeError

    said = json.loads(sys.stdin.readline() or "null")
    if said is None:
        return 0
    endpoint = Endpoint.from_dict(said["endpoint"]["name"], said["endpoint"])
    client: Client | None = None
    refusal: JudgeError | None = None
    try:
        client = Client(endpoint)
    except JudgeError as error:
        refusal = error
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    waiting: set[str] = set()
    guard = threading.Lock()

    def work(request: dict[str, Any]) -> None:
        number = request["id"]
        try:
            if client is None:
                assert refusal is not None
                raise refusal
            _put(spool / f"{number}.sent", "")
            told = {"id": number, "reply": _ask(client, request)}
            _put(spool / f"{number}.json", json.dumps(told))
        except JudgeError as error:
            told = {"id": number, "failure": _failure(error)}
            _put(spool / f"{number}.json", json.dumps(told))
        finally:
            with guard:
                waiting.discard(number)
        _tell(told)

    with ThreadPoolExecutor(max_workers=endpoint.max_parallel) as pool:
        while True:
            try:
                line = lines.get(timeout=ALONE_SECONDS)
            except queue.Empty:
                with guard:
                    if waiting:
                        continue
                return 0
            if line is None:
                return 0  # the pool waits for what is under way
            if line.strip():
                request = json.loads(line)
                with guard:
                    waiting.add(request["id"])
                pool.submit(work, request)


def _ask(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    from evaluation.judging.abilities import Abilities

    reply = client.ask(
        request["messages"],
        Abilities.from_dict(request["abilities"]),
        schema=request.get("schema"),
        seed=request.get("seed"),
        max_output_tokens=request.get("max_output_tokens"),
    )
    return dict(reply.as_dict())


def _failure(error: Any) -> dict[str, Any]:
    names = ("code", "message", "permanent", "retry_after_s", "may_be_charged", "status", "names")
    return {name: getattr(error, name) for name in names}


def _listen(lines: "queue.Queue[str | None]") -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


def _put(path: Path, text: str) -> None:
    """A file that is there whole or not at all, also after the power went."""
    beside = path.with_suffix(".part")
    with beside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


_voice = threading.Lock()


def _tell(event: dict[str, Any]) -> None:
    try:
        with _voice:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        pass  # nobody listens any more: the spool has it


if __name__ == "__main__":
    code = main(sys.argv[1])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(code)
    sys.exit(code)
