"""Where judges are asked: who they are, what they cost, and which addresses a request may go to."""

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from evaluation.judging.errors import JudgeError

NAME = re.compile(r"[\w.:/@+-]{1,80}")
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
EFFORTS = ("", "minimal", "low", "medium", "high")
SCRIPTED = "scripted"  # the family of judges that are programs
FINGERPRINT = "scripted-1"  # of each of their answers, whatever family their endpoint is given
MARK = "scripted judge, no language model"  # what stands wherever their verdicts stand
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[..., list[Any]]


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens; `nano` counts billionths of a dollar, so that sums are exact."""

    input: float
    output: float

    def nano(self, tokens_in: int, tokens_out: int) -> int:
        """What so many tokens cost, rounded up."""
        return -(-round(self.input * 1_000_000) * tokens_in // 1000) + -(
            -round(self.output * 1_000_000) * tokens_out // 1000
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One judge: an address of the OpenAI kind and a model behind it; the key stays in the environment."""

    name: str
    base_url: str
    model: str
    api_key_env: str = ""
    family: str = ""
    price: Price | None = None  # None: nobody said what it costs
    max_parallel: int = 1
    per_minute: int = 0  # requests; 0: as many as come
    timeout_s: float = 60
    max_output_tokens: int = 4096  # reasoning counts
    reasoning_effort: str = ""
    temperature: float = 0.0
    backoff_s: float = 1.0

    def __post_init__(self) -> None:
        for field in ("name", "base_url", "model", "api_key_env", "family", "reasoning_effort"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"{field} is a text.")
        if not NAME.fullmatch(self.name):
            raise ValueError("a judge's name has 1 to 80 letters, digits or . : / @ + - _.")
        if not self.model.strip() or len(self.model) > 120 or not self.model.isprintable():
            raise ValueError("model is a name of at most 120 characters.")
        if len(self.family) > 40 or not self.family.isprintable():
            raise ValueError("family is a word of at most 40 characters.")
        if self.api_key_env and not VARIABLE.fullmatch(self.api_key_env):
            raise ValueError("api_key_env names an environment variable; the key itself never stands here.")
        if self.reasoning_effort not in EFFORTS:
            raise ValueError(f"reasoning_effort is one of {', '.join(EFFORTS[1:])}.")
        _number("max_parallel", self.max_parallel, 1, 64, whole=True)
        _number("per_minute", self.per_minute, 0, 100_000, whole=True)
        _number("timeout_s", self.timeout_s, 0.1, 1800)
        _number("max_output_tokens", self.max_output_tokens, 16, 100_000, whole=True)
        _number("temperature", self.temperature, 0, 2)
        _number("backoff_s", self.backoff_s, 0, 60)
        self.origin  # noqa: B018 – an address that can't be read is refused here

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: requests go exactly there."""
        try:
            parts = urlsplit(self.base_url)
            port = parts.port
        except ValueError:
            raise ValueError("base_url is no address.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url begins with http:// or https:// and names a host.")
        if "@" in parts.netloc or parts.query or parts.fragment or not self.base_url.isascii():
            raise ValueError("base_url has no credentials, “?” or “#” in it; name the key's variable in api_key_env.")
        if any(sign in self.base_url for sign in "\\ \t\r\n") or "/../" in f"{parts.path}/" or "%" in self.base_url:
            raise ValueError("base_url is written plainly, without spaces, backslashes, per cent signs or “..”.")
        _require_plain_host(parts.hostname)
        return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)

    @property
    def is_on_this_machine(self) -> bool:
        """Whether it is a server on this machine, as Ollama and vLLM often are."""
        host = self.origin[1]
        address = _literal(host)
        return host == "localhost" or bool(address and address.is_loopback)

    @property
    def is_scripted(self) -> bool:
        """Whether its verdicts come from a program and not from a language model."""
        return self.family.casefold() == SCRIPTED

    @property
    def known_price(self) -> Price | None:
        """The price; nothing on this machine without a key; None where nobody knows."""
        if self.price is None and self.is_on_this_machine and not self.api_key_env:
            return Price(0, 0)
        return self.price

    @property
    def digest(self) -> str:
        """The hash of where it is and which model it names: what was found out about it holds for that."""
        return sha256(f"{self.base_url.rstrip('/')}\n{self.model}".encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """What may be stored and shown: everything, since the key is not here."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told["price"] = {"input": self.price.input, "output": self.price.output} if self.price else None
        return told

    @classmethod
    def from_dict(cls, name: str, said: Any) -> "Endpoint":
        """An endpoint as settings write it; ValueError with a sentence for what is unclear."""
        if not isinstance(said, Mapping):
            raise ValueError("it is an object with base_url and model.")
        known = {field.name for field in fields(cls)} - {"name"}
        values = {key: value for key, value in said.items() if key != "name"}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"there is no option {unknown[0]}; there are {', '.join(sorted(known))}.")
        if missing := [key for key in ("base_url", "model") if key not in values]:
            raise ValueError(f"{missing[0]} is missing.")
        if values.get("price") is not None:
            values["price"] = _price(values["price"])
        return cls(name=name, **values)


def read_all(said: Any) -> tuple[dict[str, Endpoint], dict[str, str]]:
    """The endpoints of the setting by name, and a sentence for each that can't be used."""
    if not isinstance(said, Mapping):
        return {}, {"JUDGE_ENDPOINTS": "JUDGE_ENDPOINTS is a JSON object of name and endpoint."}
    found, wrong = {}, {}
    for name, values in said.items():
        try:
            found[str(name)] = Endpoint.from_dict(str(name), values)
        except (ValueError, TypeError) as error:
            wrong[str(name)] = f"The judge {name} in JUDGE_ENDPOINTS can't be used: {error}"
    return found, wrong


def require_allowed(endpoint: Endpoint, url: str) -> None:
    """Refuse a request to any other scheme, host or port than the configured one, or outside its path."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = -1
    base = urlsplit(endpoint.base_url).path.rstrip("/") + "/"
    if (
        (parts.scheme, parts.hostname, port) != endpoint.origin
        or "@" in parts.netloc
        or not parts.path.startswith(base)
    ):
        raise JudgeError(
            "other-host", "The request would have gone to another address; nothing was sent.", permanent=True
        )


def address_of(endpoint: Endpoint, *, with_key: bool, resolve: Resolve = socket.getaddrinfo) -> str:
    """The one IP address that a request may connect to, looked up once.

    A name that leads to this machine or to a link-local, multicast or reserved address is refused: only an endpoint
    that is configured as such is on this machine. A key never travels without TLS but here and in a private network.
    """
    scheme, host, port = endpoint.origin
    literal = _literal(host)
    if literal is not None:
        found = [literal]
    else:
        try:
            found = [
                ipaddress.ip_address(row[4][0].split("%")[0]) for row in resolve(host, port, type=socket.SOCK_STREAM)
            ]
        except (OSError, ValueError):
            raise JudgeError("unreachable", "The judge's host name leads nowhere.", permanent=False) from None
        if not found:
            raise JudgeError("unreachable", "The judge's host name leads nowhere.", permanent=False)
    for each in found:
        plain = getattr(each, "ipv4_mapped", None) or each
        wrong = plain.is_link_local or plain.is_multicast or plain.is_unspecified
        if plain.is_loopback:
            wrong = not endpoint.is_on_this_machine
        elif endpoint.is_on_this_machine or (plain.is_reserved and literal is None):
            wrong = True
        if wrong:
            message = "The judge's host name leads to an address that it may not lead to; nothing was sent."
            raise JudgeError("other-host", message, permanent=True)
        if with_key and scheme == "http" and not (plain.is_loopback or plain.is_private):
            message = "A key is sent over https:// alone, or within a private network; change base_url."
            raise JudgeError("no-tls", message, permanent=True)
    return str(found[0])


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _require_plain_host(host: str) -> None:
    """Refuse what only looks like a name: 2130706433, 0x7f.1, 127.1, ::ffff:127.0.0.1, a dot at the end."""
    address = _literal(host)
    if address is not None:
        if str(address) != host or getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None):
            raise ValueError("base_url writes an IP address in its usual form.")
        return
    last = host.rsplit(".", 1)[-1]
    if not HOST.fullmatch(host) or len(host) > 253 or last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last):
        raise ValueError("base_url names a host by its plain name, or by an IP address in its usual form.")


def _price(said: Any) -> Price:
    if not isinstance(said, Mapping) or set(said) != {"input", "output"}:
        raise ValueError("price is null, or input and output in dollars per million tokens.")
    for value in said.values():
        _number("price", value, 0, 1_000_000)
    return Price(float(said["input"]), float(said["output"]))


def _number(name: str, value: Any, least: float, most: float, *, whole: bool = False) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise ValueError(f"{name} is a {'whole ' if whole else ''}number from {least} to {most}.")
