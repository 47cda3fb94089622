"""A scripted judge: a program behind an address of the OpenAI kind, for demonstrations and tests without a network.

It is no language model, and knows nothing of mixing; `python -m evaluation.judging.scripted --port 8140` serves one on
this machine. Its models are its characters: `scripted-good`, and three that have a fault. Its endpoints are of the
family "scripted", every answer bears its fingerprint, and what it judged is marked by either.
"""

import argparse
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evaluation.judging.endpoints import FINGERPRINT, SCRIPTED

PREFIX = "scripted-"  # of its models' names, before the character
Said = dict[str, str]  # label → answer, in the order in which they are shown
_FENCED = re.compile(r"^(#[0-9A-F]{16}#) begins: ([^\n]*)\n(.*?)\n\1 ends: \2$", re.DOTALL | re.MULTILINE)
_WORDS = re.compile(r"[a-z]{6,}")
_FIGURES = re.compile(r"\d+(?:\.\d+)?\s*(?:k?hz|db|ms|%|:1)", re.IGNORECASE)
_CRAFT = re.compile(
    r"\b(?:kick|snare|drums?|cymbals?|bass|guitars?|vocals?|keys|reverb|delay|gain|level|fader|sweep|eq|mute|solo|ring|play)\b"
)
_ORDERS = re.compile(
    r"rank (?:me|this answer|it) first|give this answer the best|this answer is the best", re.IGNORECASE
)


def answers_in(messages: Sequence[dict[str, str]]) -> tuple[Said, str]:
    """The answers between the fences, and everything else that stands between fences."""
    text = next((each["content"] for each in messages if each["role"] == "user"), "")
    found: Said = {}
    rest = []
    for _, head, body in _FENCED.findall(text):
        if re.fullmatch(r"R\d+", head):
            found[head] = body
        else:
            rest.append(body)
    return found, "\n".join(rest)


def by_substance(said: Said, context: str, lot: str) -> list[list[str]]:
    """Rank by figures, by words of the craft and by those of the conversation that an answer takes up.

    Of two alike the shorter is better, so that it prefers the same answer in every order; between answers that are the
    same it draws lots.
    """
    heard = set(_WORDS.findall(context.casefold()))

    def worth(label: str) -> tuple[int, int, str]:
        text = said[label].casefold()
        craft = set(_CRAFT.findall(text)) | set(_WORDS.findall(text)) & heard
        points = 3 * len(set(_FIGURES.findall(said[label]))) + len(craft)
        return -points, len(said[label]), sha256(f"{lot}{label}".encode()).hexdigest()

    return [[label] for label in sorted(said, key=worth)]


def by_length(said: Said, context: str, lot: str) -> list[list[str]]:
    """Prefer whatever is longest."""
    return [[label] for label in sorted(said, key=lambda label: -len(said[label]))]


def by_place(said: Said, context: str, lot: str) -> list[list[str]]:
    """Prefer whatever is shown first."""
    return [[label] for label in said]


def obedient(said: Said, context: str, lot: str) -> list[list[str]]:
    """Do what an answer orders; rank by substance otherwise."""
    ranked = by_substance(said, context, lot)
    return sorted(ranked, key=lambda group: not _ORDERS.search(said[group[0]]))


TASTES: dict[str, Callable[[Said, str, str], list[list[str]]]] = {
    "good": by_substance,
    "longest": by_length,
    "first": by_place,
    "obedient": obedient,
}


class ScriptedJudge:
    """A server on this machine; `port` 0 takes any that is free.

    A model named after a taste of `TASTES` has it, any other model has that of `character`.
    """

    def __init__(self, character: str = "good", port: int = 0, wait_s: float = 0.0) -> None:
        if character not in TASTES:
            raise ValueError(f"there is no character {character}; there are {', '.join(TASTES)}")
        self.character = character
        self.wait_s = wait_s
        judge = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer a request for a completion."""
                size = int(self.headers.get("Content-Length") or 0)
                judge.answer(self, self.rfile.read(size))

            def log_message(self, *_: Any) -> None:
                """Keep still."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", port), Answering)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"

    def endpoint(self, **more: Any) -> dict[str, Any]:
        """How JUDGE_ENDPOINTS names it."""
        named = {"base_url": self.address, "model": f"{PREFIX}{self.character}", "family": SCRIPTED}
        return {**named, "price": {"input": 0, "output": 0}, "max_parallel": 4, **more}

    def endpoints(self) -> dict[str, dict[str, Any]]:
        """Each of its characters as a judge of its own, by name."""
        return {f"{PREFIX}{taste}": self.endpoint(model=f"{PREFIX}{taste}") for taste in TASTES}

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        time.sleep(self.wait_s)
        try:
            asked = json.loads(body)
            told = self.completion(asked, self.verdict(asked))
        except (ValueError, LookupError, TypeError, AttributeError):
            return self.tell(handler, 400, {"error": {"message": "This is no request for a completion."}})
        return self.tell(handler, 200, told)

    def verdict(self, asked: dict[str, Any]) -> str:
        """What it says to a question."""
        messages, model = asked["messages"], str(asked.get("model", ""))
        character = model.removeprefix(PREFIX)
        if character not in TASTES or character == model:
            character = self.character
        said, context = answers_in(messages)
        if not said:
            return json.dumps({"ranking": [["R1"]]})
        if '"scores"' in messages[0]["content"]:
            points = min(5, 1 + len(set(_FIGURES.findall(said["R1"]))))
            if character == "longest":
                points = min(5, 1 + len(said["R1"]) // 40)
            return json.dumps({"scores": {"accuracy": points, "helpfulness": points, "fluency": 3}})
        lot = sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        return json.dumps({"ranking": TASTES[character](said, context, lot)})

    def completion(self, asked: dict[str, Any], text: str | None, **more: Any) -> dict[str, Any]:
        """A completion as endpoints of the OpenAI kind send one."""
        size = sum(len(each["content"]) for each in asked["messages"])
        return {
            "id": "scripted",
            "object": "chat.completion",
            "model": asked.get("model", ""),
            "system_fingerprint": FINGERPRINT,
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, **more}}
            ],
            "usage": {"prompt_tokens": size // 4, "completion_tokens": len(text or "") // 4},
        }

    def tell(self, handler: BaseHTTPRequestHandler, status: int, said: Any, **headers: str) -> None:
        """Send an answer; bytes as they are, everything else as JSON."""
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def start(self) -> "ScriptedJudge":
        """Serve from a thread."""
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True, name="scripted-judge"
        )
        self.thread.start()
        return self

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)


def main() -> None:
    """Serve until Ctrl-C, and say how it is configured."""
    parser = argparse.ArgumentParser(description="A scripted judge: a program, and no language model.")
    parser.add_argument("--port", type=int, default=0)
    judge = ScriptedJudge(port=parser.parse_args().port)
    print(json.dumps(judge.endpoints()), flush=True)
    try:
        judge.server.serve_forever()
    except KeyboardInterrupt:
        judge.server.server_close()


if __name__ == "__main__":
    main()
