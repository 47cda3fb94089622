"""A draft of a context summary, asked of a language model behind an address of the OpenAI kind."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

MAX_TEXT = 20_000  # characters of what is told and of what comes back
MAX_ANSWER = 2**20  # bytes
MAX_MODEL = 120  # characters, as a summary keeps it
NAMES = {"base_url", "model", "api_key_env", "timeout_s"}
FIRST = "Nothing was said before this turn: a draft needs an earlier turn of the same conversation."


class DraftingError(Exception):
    """Why there is no draft, in a sentence that names neither key nor address."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where drafts come from; the key stays in the environment of the worker."""

    base_url: str
    model: str
    api_key_env: str = ""
    timeout_s: float = 60

    def __post_init__(self) -> None:
        if not all(isinstance(each, str) for each in (self.base_url, self.model, self.api_key_env)):
            raise ValueError("base_url, model and api_key_env are texts.")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url begins with http:// or https:// and names a host.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url has no credentials, “?” or “#” in it; name the key's variable in api_key_env.")
        if not self.model.strip() or len(self.model) > MAX_MODEL:
            raise ValueError(f"model is a name of at most {MAX_MODEL} characters.")
        if isinstance(self.timeout_s, bool) or not isinstance(self.timeout_s, int | float):
            raise ValueError("timeout_s is a number of seconds.")
        if not 1 <= self.timeout_s <= 600:
            raise ValueError("timeout_s is between 1 and 600 seconds.")

    @classmethod
    def read(cls, text: str) -> "Endpoint | None":
        """What a setting says; None for an empty one, ValueError with a sentence for one that says nothing clear."""
        if not text.strip():
            return None
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("it is not JSON.") from None
        if not isinstance(said, dict) or not {"base_url", "model"} <= said.keys() <= NAMES:
            raise ValueError("it is an object with base_url and model, and perhaps api_key_env and timeout_s.")
        return cls(**said)


@dataclass(frozen=True, slots=True)
class Before:
    """What was said before a turn, the earliest first: (amateur, expert) by turns, and the last summary among it."""

    turns: Sequence[tuple[str, str]]
    summary: str = ""


def prompt(before: Before, most_words: int) -> list[dict[str, str]]:
    """The messages that ask for a draft; of a long conversation, its end."""
    if not any(side for turn in before.turns for side in turn):
        raise DraftingError("first-turn", FIRST)
    system = (
        f"Summarise in at most {most_words} words what was said and done before the next turn of this conversation "
        "between an amateur and an expert about mixing music. Tell only what stands here; never guess what comes. "
        "Answer with the summary alone."
    )
    said = [
        f"{who}: {text}" for turn in before.turns for who, text in zip(("Amateur", "Expert"), turn, strict=True) if text
    ]
    head = f"Summary so far: {before.summary[: MAX_TEXT // 4]}\n" if before.summary else ""
    told = "\n".join(said)[-(MAX_TEXT - len(head)) :]
    return [{"role": "system", "content": system}, {"role": "user", "content": head + told}]


def digest(messages: list[dict[str, str]]) -> str:
    """The hash of what was asked."""
    return hashlib.sha256(json.dumps(messages, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class _Stay(HTTPRedirectHandler):
    """Go nowhere else: the key is for this host alone."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Let a redirect be an error like any other."""
        return


def ask(endpoint: Endpoint, messages: list[dict[str, str]]) -> str:
    """The model's words; DraftingError when there are none."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.api_key_env:
        key = os.environ.get(endpoint.api_key_env, "").strip()
        if not key:
            raise DraftingError("no-key", f"The worker has no key: set {endpoint.api_key_env} in its environment.")
        headers["Authorization"] = f"Bearer {key}"
    body = json.dumps({"model": endpoint.model, "messages": messages}).encode()
    address = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    until = time.monotonic() + endpoint.timeout_s
    try:
        asked = Request(address, body, headers, method="POST")  # noqa: S310 – an Endpoint is http or https
        with build_opener(_Stay).open(asked, timeout=endpoint.timeout_s) as answer:
            data = _read(answer, until)
    except HTTPError as error:
        error.close()
        raise DraftingError("refused", f"The language model's server answered with status {error.code}.") from None
    except TimeoutError:
        raise DraftingError("too-slow", "The language model did not answer in time; try again later.") from None
    except (OSError, HTTPException, ValueError):  # a key that no header can hold is a ValueError that quotes it
        raise DraftingError("unreachable", "The language model could not be reached; try again later.") from None
    return _words(data)


def _read(answer: HTTPResponse, until: float) -> bytes:
    data = b""
    while piece := answer.read1(2**16):
        data += piece
        if len(data) > MAX_ANSWER:
            raise DraftingError("too-long", "The language model's answer is longer than 1 MB.")
        if time.monotonic() > until:
            raise TimeoutError
    return data


def _words(data: bytes) -> str:
    try:
        text = json.loads(data)["choices"][0]["message"]["content"]
        kept: str = text.replace("\0", "").encode("utf-8", "ignore").decode().strip()[:MAX_TEXT].strip()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise DraftingError("malformed", "The language model's answer holds no text.") from None
    if not kept:
        raise DraftingError("empty", "The language model answered with no words; try again.")
    return kept
