"""One request to one judge, through the openai client, to the configured address and nowhere else."""

import json
import math
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx2
import openai

from evaluation.judging.abilities import Abilities
from evaluation.judging.endpoints import Endpoint, Resolve, address_of, require_allowed
from evaluation.judging.errors import JudgeError
from evaluation.judging.parameters import parameters
from evaluation.judging.replies import Reply

MAX_BYTES = 2 * 2**20
LONGEST_WAIT_S = 300.0
MIN_SECRET = 6  # a shorter key can't be told from the words of an answer
HIDDEN = "[key]"
SLOW = "The judge did not answer in time."
REJECTED = "The judge's server turned the request down with status {status}."
PARAMETERS = (
    "max_completion_tokens", "max_tokens", "temperature", "seed", "reasoning_effort", "json_schema", "json_object",
    "response_format",
)  # fmt: skip


class Client:
    """A client of one endpoint; safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self.endpoint = endpoint
        self.key = os.environ.get(endpoint.api_key_env, "").strip() if endpoint.api_key_env else ""
        if endpoint.api_key_env and not self.key:
            message = f"The worker has no key: set {endpoint.api_key_env} in its environment."
            raise JudgeError("no-key", message, permanent=True)
        if not self.key.isascii() or not self.key.isprintable():
            raise JudgeError("no-key", f"What {endpoint.api_key_env} holds can't be a key.", permanent=True)
        self._client = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=self.key or "none",
            max_retries=0,
            timeout=endpoint.timeout_s,
            http_client=httpx2.Client(
                transport=Guarded(endpoint, with_key=bool(self.key), resolve=resolve),
                follow_redirects=False,
                trust_env=False,  # a proxy of the environment is another host
                timeout=endpoint.timeout_s,
            ),
        )

    def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        abilities: Abilities,
        *,
        schema: Mapping[str, Any] | None = None,
        seed: int | None = None,
        max_output_tokens: int | None = None,
    ) -> Reply:
        """Ask once; JudgeError says whether asking again may help, and whether money may have been spent."""
        wanted = parameters(self.endpoint, abilities, schema=schema, seed=seed, max_output_tokens=max_output_tokens)
        began = time.monotonic()
        try:
            answer = self._client.chat.completions.with_raw_response.create(
                model=self.endpoint.model, messages=cast(Any, list(messages)), **wanted
            )
            body = answer.content
        except openai.APIStatusError as error:
            raise self._turned_down(error) from None
        except openai.APITimeoutError:
            raise JudgeError("timeout", SLOW, permanent=False, may_be_charged=True) from None
        except openai.APIConnectionError as error:
            raise _cause(error) from None
        except (openai.OpenAIError, UnicodeError, ValueError):
            raise JudgeError("malformed", "The judge's server answered with no JSON.", permanent=False) from None
        return self._read(body, round((time.monotonic() - began) * 1000))

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _read(self, body: bytes, latency_ms: int) -> Reply:
        try:
            told = json.loads(self._without_key(json.dumps(json.loads(body))))
            choice = told["choices"][0]
            message = choice["message"]
            text = message.get("content")
            if isinstance(text, list):  # content in parts
                text = "".join(part.get("text", "") for part in text if isinstance(part, dict))
            text = text if isinstance(text, str) else ""
            usage = told.get("usage") if isinstance(told.get("usage"), dict) else {}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            message = "The judge's server answered with something that is no completion."
            raise JudgeError("malformed", message, permanent=False, may_be_charged=True) from None
        return Reply(
            text=_storable(text),
            refusal=_storable(message.get("refusal") or "")[:4000],
            finish=_storable(choice.get("finish_reason") or "")[:40],
            model=_storable(told.get("model") or "")[:120],
            fingerprint=_storable(told.get("system_fingerprint") or "")[:120],
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
            latency_ms=latency_ms,
            raw=json.dumps(told),
        )

    def _turned_down(self, error: openai.APIStatusError) -> JudgeError:
        status = error.status_code
        if 300 <= status < 400:
            return JudgeError(
                "redirect", "The judge's server sent the request elsewhere; it was not followed.", permanent=True
            )
        permanent = not (status in (408, 409, 425, 429) or status >= 500)
        code = {401: "unauthorised", 403: "unauthorised", 404: "not-found", 429: "too-many"}.get(status, "rejected")
        if status == 429 and _names_code(error, "insufficient_quota"):
            permanent, code = True, "no-credit"
        return JudgeError(
            code if permanent or status == 429 else "server",
            REJECTED.format(status=status),
            permanent=permanent,
            retry_after_s=_retry_after(error.response.headers),
            status=status,
            names=_named(error) if status in (400, 422) else "",
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, HIDDEN) if len(self.key) >= MIN_SECRET else text


class Guarded(httpx2.BaseTransport):
    """Connects to the one configured address, looked up once a request; no proxy, no redirect, no endless body."""

    def __init__(self, endpoint: Endpoint, *, with_key: bool, resolve: Resolve = socket.getaddrinfo) -> None:
        self.endpoint = endpoint
        self.with_key = with_key
        self.resolve = resolve
        self._inner = httpx2.HTTPTransport(trust_env=False, limits=httpx2.Limits(max_connections=64))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request if it goes where it may go, and read the answer within its bounds."""
        require_allowed(self.endpoint, str(request.url))
        host = request.url.host
        address = address_of(self.endpoint, with_key=self.with_key, resolve=self.resolve)
        until = time.monotonic() + self.endpoint.timeout_s
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
        pinned = httpx2.Request(
            method=request.method,
            url=request.url.copy_with(host=address),
            headers=[*headers, (b"accept-encoding", b"identity")],
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        answer = self._inner.handle_request(pinned)
        try:
            body = self._body(answer, until)
        finally:
            answer.close()
        kept = [
            (name, value)
            for name, value in answer.headers.raw
            if name.lower() not in (b"content-encoding", b"content-length")
        ]
        return httpx2.Response(answer.status_code, headers=kept, content=body, request=request)

    def close(self) -> None:
        """Let the connections go."""
        self._inner.close()

    def _body(self, answer: httpx2.Response, until: float) -> bytes:
        parts, size = [], 0
        for part in answer.stream:  # type: ignore[union-attr]
            size += len(part)
            if size > MAX_BYTES:
                message = "The judge's answer is longer than 2 MB."
                raise JudgeError("too-long", message, permanent=True, may_be_charged=True)
            if time.monotonic() > until:
                raise JudgeError("timeout", SLOW, permanent=False, may_be_charged=True)
            parts.append(part)
        return b"".join(parts)


def _cause(error: BaseException) -> JudgeError:
    """What a connection error comes from; never its words, which may quote an address or a key."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, JudgeError):
            return cause
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
            return JudgeError("unreachable", "The judge could not be reached.", permanent=False)
        cause = cause.__cause__
    return JudgeError("broken", "The connection to the judge broke off.", permanent=False, may_be_charged=True)


def _named(error: openai.APIStatusError) -> str:
    """The parameter of ours that an endpoint does not take, where its answer names one."""
    body = error.body if isinstance(error.body, dict) else {}
    told = " ".join(str(body.get(key) or "") for key in ("param", "code", "message", "detail"))
    if not told.strip():
        told = error.response.text[:4000]
    param = str(body.get("param") or "")
    if param in PARAMETERS:
        return param
    return next((name for name in PARAMETERS if re.search(rf"(?<![\w]){name}(?![\w])", told)), "")


def _names_code(error: openai.APIStatusError, code: str) -> bool:
    return isinstance(error.body, dict) and code in (error.body.get("code"), error.body.get("type"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    said = headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if math.isfinite(seconds) else None


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**31 else None


def _storable(said: Any) -> str:
    """A text that every database keeps: no NUL, no half characters."""
    text = said if isinstance(said, str) else ""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
