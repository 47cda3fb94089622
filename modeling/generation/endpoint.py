"""Answers of a server of the OpenAI kind that takes audio (vLLM and its like): asked in parallel, without torch.

Only the configured address is ever asked: redirects are refused and proxies ignored. What a server says beside its
answer is never shown, for it may quote the request; the key stays in the worker's environment.
"""

import base64
import io
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, replace
from http.client import HTTPException, HTTPResponse
from itertools import islice
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from modeling.backbones.errors import GenerationError
from modeling.backbones.example import Example
from modeling.generation.config import DecodeConfig
from modeling.generation.guards import flags_of, word_ids
from modeling.generation.luck import seed_of

MAX_ANSWER_BYTES = 2**20
MAX_TEXT = 20_000  # characters
SHORTEST_SECONDS = 0.1
MOST_WINDOWS = 20
TRIES = 4
LONGEST_PAUSE_S = 30.0
SEEDS = 2**31  # what servers take
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where answers come from; the key is named by the variable that holds it."""

    base_url: str
    model: str
    api_key_env: str = ""
    max_parallel: int = 4
    timeout_s: float = 120

    def __post_init__(self) -> None:
        if not all(isinstance(one, str) for one in (self.base_url, self.model, self.api_key_env)):
            raise ValueError("base_url, model and api_key_env are texts.")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url begins with http:// or https:// and names a host.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url has no credentials, “?” or “#” in it; name the key's variable in api_key_env.")
        if not self.model.strip() or len(self.model) > 200:
            raise ValueError("model is a name of at most 200 characters.")
        if isinstance(self.max_parallel, bool) or not isinstance(self.max_parallel, int):
            raise ValueError("max_parallel is a whole number.")
        if not 1 <= self.max_parallel <= 64:
            raise ValueError("max_parallel is between 1 and 64.")
        if isinstance(self.timeout_s, bool) or not isinstance(self.timeout_s, int | float):
            raise ValueError("timeout_s is a number of seconds.")
        if not 1 <= self.timeout_s <= 3600:
            raise ValueError("timeout_s is between 1 and 3600 seconds.")

    @classmethod
    def from_dict(cls, said: Any) -> Self:
        """What a setting says of one server; ValueError with a sentence for what is unclear."""
        known = {field.name for field in fields(cls)}
        if not isinstance(said, Mapping) or not {"base_url", "model"} <= said.keys() <= known:
            raise ValueError(
                "it is an object with base_url and model, and perhaps api_key_env, max_parallel and timeout_s."
            )
        return cls(**said)

    @property
    def host(self) -> str:
        """Whom it asks, for the record."""
        return urlsplit(self.base_url).netloc


class _Stay(HTTPRedirectHandler):
    """Go nowhere else: what is redirected is refused with its status."""

    def redirect_request(self, *args: Any) -> None:
        return None


def generate(
    endpoint: Endpoint,
    examples: Sequence[Example],
    config: DecodeConfig,
    *,
    source: str,
    skip: Collection[tuple[str, int]] = (),
    should_stop: Callable[[], bool] = lambda: False,
    pause: Pause = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Ask for each candidate that is missing, max_parallel at once; yields events as `modeling.generation` tells them.

    Ends early once should_stop says so. Raises GenerationError with a code that says what helps: no-key, refused,
    too-slow, unreachable, malformed.
    """
    key = _key(endpoint)
    opener = build_opener(ProxyHandler({}), _Stay)
    answerable, refused = [], []
    cut: dict[str, int] = {}
    for example in examples:
        shown = example if config.summaries else replace(example, summary=None)
        shown = shown if config.max_turns is None else shown.with_recent(config.max_turns)
        cut[example.row] = len(example.history) - len(shown.history)
        if shown.is_answerable:
            answerable.append(shown)
        else:
            words = f"The row {example.row} has nothing to answer: no words and no clip."
            refused.append({"row": example.row, "code": "nothing-asked", "message": words})
    have = set(skip)
    wanted = [(one, i) for one in answerable for i in range(config.candidates) if (one.row, i) not in have]
    yield {"event": "planned", "candidates": len(wanted), "rows": len(answerable), "refused": refused}

    def candidate(example: Example, index: int) -> dict[str, Any]:
        asking = _Asking(endpoint, opener, key, config, pause, should_stop)
        try:
            return _candidate(asking, example, index, source) | {"history_cut": cut[example.row]}
        except _ClipError as error:
            return {"event": "refused", "row": example.row, "code": error.code, "message": error.sentence}

    todo = iter(wanted)
    with ThreadPoolExecutor(endpoint.max_parallel, thread_name_prefix="answers") as pool:
        asked: set[Future[dict[str, Any]]] = set()
        try:
            while not should_stop():
                room = endpoint.max_parallel - len(asked)
                asked |= {pool.submit(candidate, *one) for one in islice(todo, room)}
                if not asked:
                    return
                done, asked = wait(asked, timeout=0.2, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _ClipError(GenerationError):
    """A clip that can't be sent: its row is refused, the others are answered."""


@dataclass(frozen=True, slots=True)
class _Asking:
    endpoint: Endpoint
    opener: OpenerDirector
    key: str
    config: DecodeConfig
    pause: Pause
    should_stop: Callable[[], bool]


def _candidate(asking: _Asking, example: Example, index: int, source: str) -> dict[str, Any]:
    """One answer, drawn once more from other luck where it is odd."""
    config = asking.config
    messages, kept = _told(example, config)
    said = "\n".join(message.text for message in example.messages())
    first = _draw(asking, messages, example.row, index, 0, said)
    again = config.redraw and config.temperature > 0 and first["flags"] and not asking.should_stop()
    second = _draw(asking, messages, example.row, index, 1, said) if again else first
    stands = first if second["flags"] else second
    redrawn = first["flags"] if again else []
    about = {"row": example.row, "source": source, "index": index, "audio_kept": kept, "redrawn": redrawn}
    nowhere = {"adapter_sha256": None, "prompt_tokens": 0, "prompt_sha256": ""}  # the server makes the prompt
    return {"event": "candidate", **about, **nowhere, **stands}


def _draw(
    asking: _Asking, messages: list[dict[str, Any]], row: str, index: int, draw_number: int, said: str
) -> dict[str, Any]:
    config = asking.config
    seed = seed_of(config.seed, row, index, draw_number) % SEEDS
    body = {
        "model": asking.endpoint.model,
        "messages": messages,
        "max_tokens": config.max_new_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "seed": seed,
    }
    began = time.monotonic()
    told = _asked(asking, json.dumps(body).encode())
    try:
        choice = told["choices"][0]
        text = choice["message"]["content"] or ""
        stop = "length" if choice.get("finish_reason") == "length" else "end"
        usage = told.get("usage") or {}
        tokens = int(usage.get("completion_tokens") or 0)
        kept = _plain(text)
    except (LookupError, TypeError, AttributeError, ValueError):
        raise GenerationError("malformed", "The server's answer is not of the form that it should have.") from None
    flags = list(flags_of(kept, word_ids(kept), stop=stop, said=said))
    return {"text": kept, "tokens": max(0, min(tokens, 2**31 - 1)), "stop": stop, "seed": seed, "flags": flags,
            "latency_ms": round(1000 * (time.monotonic() - began)),
            "served_by": _plain(str(told.get("model") or ""))[:200]}  # fmt: skip


def _asked(asking: _Asking, body: bytes) -> dict[str, Any]:
    """Post a request, again after a pause where that may help."""
    for attempt in range(TRIES):
        try:
            return _post(asking, body)
        except _MayPass as error:
            if attempt == TRIES - 1 or asking.should_stop():
                raise GenerationError(error.code, error.sentence) from None
            asking.pause(min(LONGEST_PAUSE_S, error.after_s or 2.0**attempt))
    raise AssertionError("the last try answers or raises")


class _MayPass(GenerationError):
    """A failure that another try may heal."""

    def __init__(self, code: str, sentence: str, after_s: float | None = None) -> None:
        super().__init__(code, sentence)
        self.after_s = after_s


def _post(asking: _Asking, body: bytes) -> dict[str, Any]:
    endpoint = asking.endpoint
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if asking.key:
        headers["Authorization"] = f"Bearer {asking.key}"
    address = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    until = time.monotonic() + endpoint.timeout_s
    try:
        asked = Request(address, body, headers, method="POST")  # noqa: S310 – an Endpoint is http or https
        with asking.opener.open(asked, timeout=endpoint.timeout_s) as answer:
            data = _read(answer, until)
    except HTTPError as error:
        error.close()
        words = f"The server {endpoint.host} answered with status {error.code}; look at its log."
        if error.code in (408, 409, 429) or error.code >= 500:
            raise _MayPass("refused", words, _seconds(error.headers.get("Retry-After"))) from None
        raise GenerationError("refused", words) from None
    except TimeoutError:
        raise _MayPass("too-slow", f"The server {endpoint.host} did not answer in time; try again later.") from None
    except (OSError, HTTPException, ValueError):  # a key that no header can hold is a ValueError that quotes it
        raise _MayPass("unreachable", f"The server {endpoint.host} could not be reached; try again later.") from None
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise GenerationError("malformed", "The server's answer is not of the form that it should have.")
    return told


def _read(answer: HTTPResponse, until: float) -> bytes:
    data = b""
    while piece := answer.read1(2**16):
        data += piece
        if len(data) > MAX_ANSWER_BYTES:
            raise GenerationError("malformed", "The server's answer is longer than 1 MB.")
        if time.monotonic() > until:
            raise TimeoutError
    return data


def _key(endpoint: Endpoint) -> str:
    if not endpoint.api_key_env:
        return ""
    key = os.environ.get(endpoint.api_key_env, "").strip()
    if not key:
        raise GenerationError("no-key", f"The worker has no key: set {endpoint.api_key_env} in its environment.")
    return key


def _seconds(said: str | None) -> float | None:
    try:
        return max(0.0, float(said or ""))
    except ValueError:
        return None


def _told(example: Example, config: DecodeConfig) -> tuple[list[dict[str, Any]], str | None]:
    """The messages as the server takes them, and what was kept of the clip."""
    kept: str | None = None
    messages = []
    for message in example.messages(system=config.system):
        content: Any = message.text
        if message.audio is not None:
            waves, kept = clips_of(message.audio, config)
            heard = [{"type": "input_audio", "input_audio": {"data": wave, "format": "wav"}} for wave in waves]
            content = heard + ([{"type": "text", "text": message.text}] if message.text else [])
        messages.append({"role": message.role, "content": content})
    return messages, kept


def clips_of(path: Path, config: DecodeConfig) -> tuple[list[str], str]:
    """A clip as base64 WAV, 16 bits mono at its own rate: whole, its tail, its head, or windows of even length."""
    import numpy as np  # the web process reads no clips
    import soundfile

    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise _ClipError("clip-unreadable", f"The clip {path.name} can't be read as audio: {error}.") from None
    wave = wave.mean(axis=1)
    if len(wave) < SHORTEST_SECONDS * rate:
        raise _ClipError("clip-too-short", f"The clip {path.name} is shorter than 0.1 s.")
    longest = round(config.max_audio_seconds * rate)
    pieces, kept = [wave], "whole"
    if len(wave) > longest:
        kept = config.over_long
        windows = -(-len(wave) // longest)
        if kept == "windows" and windows > MOST_WINDOWS:
            raise _ClipError("clip-too-long", f"The clip {path.name} has more than {MOST_WINDOWS} windows; cut it.")
        cuts = {"tail": [wave[-longest:]], "head": [wave[:longest]]}
        pieces = cuts.get(kept) or np.array_split(wave, windows)
    told = []
    for piece in pieces:
        file = io.BytesIO()
        soundfile.write(file, piece, rate, format="WAV", subtype="PCM_16")
        told.append(base64.b64encode(file.getvalue()).decode())
    return told, kept


def _plain(text: str) -> str:
    """An answer as a database keeps it."""
    whole = text.encode("utf-8", "ignore").decode()
    return "".join(sign for sign in whole if sign in "\n\t" or sign.isprintable() or sign.isspace()).strip()[:MAX_TEXT]
