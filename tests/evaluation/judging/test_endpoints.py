"""A request goes to the configured scheme, host and port, or nowhere."""

import socket

import pytest

from evaluation.judging.endpoints import Endpoint, Price, address_of, read_all, require_allowed
from evaluation.judging.errors import JudgeError


def endpoint(base_url="https://judge.example/v1", **more) -> Endpoint:
    return Endpoint.from_dict("judge", {"base_url": base_url, "model": "m", **more})


def names(*addresses):
    """A resolver that leads to these addresses."""
    return lambda host, port, **_: [(socket.AF_INET, 1, 6, "", (address, port)) for address in addresses]


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/v1", "http://0x7f.0.0.1/v1", "http://0x7f000001/v1", "http://127.1/v1", "http://0177.0.0.1/v1",
        "http://[::ffff:127.0.0.1]/v1", "http://[::ffff:7f00:1]/v1", "http://[0:0:0:0:0:0:0:1]/v1", "http://localhost./v1",
        "http://a@127.0.0.1/v1", "http://127.0.0.1@evil.example/v1", "ftp://a.example", "//a.example", "a.example/v1",
        "http://ａ.example/v1", "http://a.example/v1?x", "http://a.example/v1#x", "http://a.example/../v1",
        "http://a.example:99999/v1", "http://a.example\\@b.example/v1", "http://a_b.example/v1", "http://1.2.3.4.5/v1",
        "http://a.example/%2e%2e/", "http:///v1", "http://127.0.0.1 /v1", "http://[2002:7f00:1::]/v1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_written_plainly_is_refused(url):
    with pytest.raises(ValueError, match=r"base_url|address"):
        endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://judge.example/v1/chat", "https://judge.example:444/v1/chat", "https://judge.example.evil/v1/chat",
        "https://evil/v1/chat", "https://judge.example@evil/v1/chat", "https://evil@judge.example/v1/chat",
        "https://127.0.0.1/v1/chat", "https://judge.example/v2/chat", "https://judge.example/v1evil/chat",
        "https://JUDGE.example.:443/v1/x", "https://2130706433/v1/x",
    ],
)  # fmt: skip
def test_a_request_to_any_other_address_is_refused(url):
    with pytest.raises(JudgeError, match="another address"):
        require_allowed(endpoint(), url)


def test_a_request_to_the_configured_address_is_allowed():
    require_allowed(endpoint(), "https://judge.example/v1/chat/completions")
    require_allowed(endpoint("http://127.0.0.1:11434/v1"), "http://127.0.0.1:11434/v1/chat/completions")
    assert endpoint("http://127.0.0.1:11434/v1").origin == ("http", "127.0.0.1", 11434)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "::",
     "224.0.0.1", "fe80::1", "240.0.0.1"],
)  # fmt: skip
def test_a_name_that_leads_to_this_machine_or_to_nobody_is_refused(address):
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(JudgeError, match="may not lead to"):
            address_of(endpoint(), with_key=True, resolve=names(*found))


def test_this_machine_is_reached_where_it_is_configured_and_nowhere_else():
    assert address_of(endpoint("http://127.0.0.1:8000/v1"), with_key=False) == "127.0.0.1"
    assert address_of(endpoint("http://[::1]:8000/v1"), with_key=False) == "::1"
    assert address_of(endpoint("http://localhost:8000/v1"), with_key=False, resolve=names("127.0.0.1")) == "127.0.0.1"
    with pytest.raises(JudgeError, match="may not lead to"):
        address_of(endpoint("http://localhost:8000/v1"), with_key=False, resolve=names("93.184.216.34"))
    with pytest.raises(JudgeError, match="may not lead to"):
        address_of(endpoint("http://169.254.169.254/v1"), with_key=False)


def test_a_key_travels_under_tls_or_in_a_private_network():
    open_ = endpoint("http://judge.example/v1", api_key_env="KEY")
    with pytest.raises(JudgeError, match="https"):
        address_of(open_, with_key=True, resolve=names("93.184.216.34"))
    assert address_of(open_, with_key=True, resolve=names("10.0.0.7")) == "10.0.0.7"
    assert address_of(endpoint(), with_key=True, resolve=names("93.184.216.34")) == "93.184.216.34"


@pytest.mark.parametrize(
    "said",
    [
        {"model": "m"}, {"base_url": "https://a.example"}, {"base_url": 1, "model": "m"}, [], "x", None,
        {"base_url": "https://a.example", "model": "m", "api_key": "sk-secret"},
        {"base_url": "https://a.example", "model": "m", "api_key_env": "sk-not a name"},
        {"base_url": "https://a.example", "model": "m", "price": {"input": 1}},
        {"base_url": "https://a.example", "model": "m", "price": {"input": -1, "output": 1}},
        {"base_url": "https://a.example", "model": "m", "price": 3},
        {"base_url": "https://a.example", "model": "m", "max_parallel": 0},
        {"base_url": "https://a.example", "model": "m", "max_parallel": True},
        {"base_url": "https://a.example", "model": "m", "timeout_s": "5"},
        {"base_url": "https://a.example", "model": "m", "reasoning_effort": "lots"},
    ],
)  # fmt: skip
def test_a_setting_that_is_unclear_is_told_in_a_sentence_and_the_others_stay(said):
    found, wrong = read_all({"bad": said, "good": {"base_url": "https://b.example/v1", "model": "m"}})
    assert list(found) == ["good"]
    assert "The judge bad" in wrong["bad"]
    assert "sk-secret" not in wrong["bad"]


def test_money_is_counted_exactly_and_never_too_low():
    price = Price(1.1, 4.4)
    assert price.nano(1_000_000, 0) == 1_100_000_000
    assert price.nano(1, 1) == 1100 + 4400
    assert Price(0.0001, 0).nano(1, 0) == 1
    assert endpoint("http://127.0.0.1:1/v1").known_price == Price(0, 0)
    assert endpoint("http://127.0.0.1:1/v1", api_key_env="KEY").known_price is None
    assert endpoint().known_price is None
