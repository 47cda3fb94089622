"""A fake judge server: the scripted judge of the product, and everything that can go wrong with an endpoint."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any

from evaluation.judging.abilities import QUESTION
from evaluation.judging.scripted import ScriptedJudge

KEY = "sk-the-secret-of-this-test"


class FakeJudge(ScriptedJudge):
    """`rejects` names parameters that it does not take; `faults` what it says in place of a verdict, once each first.

    A fault is a status, a text, a dict for the message, bytes for the body, or a function of the handler.
    """

    def __init__(
        self,
        character: str = "good",
        *,
        rejects: tuple[str, ...] = (),
        names_them: bool = True,
        around: str = "{}",
        always: Any = None,
        faults: tuple[Any, ...] = (),
        headers: dict[str, str] | None = None,
        wait_s: float = 0.0,
        usage: bool = True,
    ) -> None:
        super().__init__(character, wait_s=wait_s)
        self.rejects = rejects
        self.names_them = names_them
        self.around = around
        self.always = always
        self.faults = list(faults)
        self.headers = headers or {}
        self.usage = usage
        self.lock = threading.Lock()
        self.asked: list[dict[str, Any]] = []  # every request with a question to judge
        self.probed = 0
        self.keys: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.times: list[float] = []

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = json.loads(body)
        is_probe = asked["messages"] == QUESTION
        with self.lock:
            self.keys.add(handler.headers.get("Authorization", ""))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            if is_probe:
                self.probed += 1
            else:
                self.asked.append(asked)
                self.times.append(time.monotonic())
        try:
            time.sleep(self.wait_s)
            self._answer(handler, asked, is_probe)
        finally:
            with self.lock:
                self.at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, asked: dict[str, Any], is_probe: bool) -> None:
        form = (asked.get("response_format") or {}).get("type", "")
        wrong = [name for name in self.rejects if name in asked or name == form]
        if wrong:
            named = {"message": f"Unsupported parameter: '{wrong[0]}'", "param": wrong[0]} if self.names_them else {}
            return self.tell(handler, 400, {"error": {"message": "Bad request", **named}})
        with self.lock:
            fault = self.faults.pop(0) if self.faults and not is_probe else self.always
        if fault is not None and not (is_probe and not isinstance(fault, int | bytes)):
            return self._fail(handler, asked, fault)
        told = self.completion(asked, self.around.replace("{}", self.verdict(asked)))
        if not self.usage:
            del told["usage"]
        return self.tell(handler, 200, told)

    def _fail(self, handler: BaseHTTPRequestHandler, asked: dict[str, Any], fault: Any) -> None:
        if callable(fault):
            fault(self, handler, asked)
        elif isinstance(fault, int):
            self.tell(handler, fault, {"error": {"message": "a secret of the server"}}, **self.headers)
        elif isinstance(fault, bytes):
            self.tell(handler, 200, fault)
        elif isinstance(fault, dict):
            self.tell(handler, 200, self.completion(asked, None, **fault))
        else:
            self.tell(handler, 200, self.completion(asked, fault))

    def bought(self) -> Counter[str]:
        """How often each question was asked."""
        return Counter(json.dumps(asked["messages"]) for asked in self.asked)


def slow(seconds: float):
    """A fault: the answer comes late."""

    def wait(judge: FakeJudge, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        time.sleep(seconds)
        judge.tell(handler, 200, judge.completion(asked, judge.verdict(asked)))

    return wait


def trickle(judge: FakeJudge, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
    """A fault: an endless body, a little at a time."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def cut_off(judge: FakeJudge, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
    """A fault: the connection ends within the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')
    handler.close_connection = True


def main() -> None:
    """Serve from a process of its own, and count to a file what was asked: `python -m tests.fake_judge FILE WAIT`."""
    import sys
    from pathlib import Path

    judge = FakeJudge(wait_s=float(sys.argv[2]))
    told = judge.endpoint(max_parallel=int(sys.argv[3]))
    Path(sys.argv[1]).write_text(json.dumps(told))
    judge.server.serve_forever()


if __name__ == "__main__":
    main()
