"""One request: what is sent, what is heard, and that nothing leaves for anywhere else."""

import json
import socket

import pytest

from evaluation.judging.abilities import QUESTION, Abilities, probe
from evaluation.judging.client import Client
from evaluation.judging.endpoints import Endpoint
from evaluation.judging.errors import JudgeError
from evaluation.judging.templates import TEMPLATES, Moment, messages, schema
from tests.fake_judge import KEY, cut_off, slow, trickle

ASKED = messages(TEMPLATES["listwise"], Moment(asked="And the kick?"), ["Cut 300 Hz.", "Hm."], salt="1")
FULL = Abilities()


def client_of(fake, **more) -> Client:
    told = fake.endpoint(**{"timeout_s": 5, "api_key_env": "JUDGE_KEY", **more})
    return Client(Endpoint.from_dict("fake", told))


def refused(client, **more) -> JudgeError:
    with pytest.raises(JudgeError) as caught:
        client.ask(ASKED, FULL, **more)
    return caught.value


def test_what_a_judge_says_comes_with_what_it_cost(judge):
    fake = judge()
    reply = client_of(fake).ask(ASKED, FULL, schema=schema(TEMPLATES["listwise"], 2), seed=7)
    assert json.loads(reply.text)["ranking"] == [["R1"], ["R2"]]
    assert (reply.model, reply.fingerprint, reply.finish) == ("scripted-good", "scripted-1", "stop")
    assert reply.tokens_in > 0
    sent = fake.asked[0]
    assert (sent["temperature"], sent["seed"], sent["max_completion_tokens"]) == (0.0, 7, 4096)
    assert sent["response_format"]["json_schema"]["strict"] is True
    assert fake.keys == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("fault", "code", "permanent", "may_be_charged"),
    [
        (429, "too-many", False, False),
        (500, "server", False, False),
        (503, "server", False, False),
        (401, "unauthorised", True, False),
        (404, "not-found", True, False),
        (400, "rejected", True, False),
        (302, "redirect", True, False),
        (b"<html>a secret of the server</html>", "malformed", False, True),
        (b'{"choices": []}', "malformed", False, True),
        (b'{"choices": [{"message": {"content": "' + b"x" * 3_000_000, "too-long", True, True),
        (cut_off, "broken", False, True),
        (trickle, "timeout", False, True),
        (slow(3), "timeout", False, True),
    ],
)
def test_a_failure_says_whether_asking_again_helps_and_nothing_that_the_server_said(
    judge, fault, code, permanent, may_be_charged
):
    error = refused(client_of(judge(faults=(fault,)), timeout_s=0.5))
    assert (error.code, error.permanent, error.may_be_charged) == (code, permanent, may_be_charged)
    assert "secret" not in error.message and "127.0.0.1" not in error.message


def test_retry_after_is_heard_up_to_its_bound(judge):
    fake = judge(faults=(429, 429, 429))
    client = client_of(fake)
    for said, heard in (("7", 7), ("86400", 300), ("soon", None)):
        fake.headers = {"Retry_After": said}
        assert refused(client).retry_after_s == heard


def test_nobody_there_is_told_as_such():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = Endpoint.from_dict("dead", {"base_url": f"http://127.0.0.1:{port}/v1", "model": "m"})
    error = refused(Client(endpoint))
    assert (error.code, error.permanent, error.may_be_charged) == ("unreachable", False, False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(judge, status):
    sink = judge()
    fake = judge(always=status, headers={"Location": f"{sink.address}/chat/completions"})
    assert refused(client_of(fake)).code == "redirect"
    assert len(fake.asked) == 1
    assert sink.asked == [] and sink.keys == set()


def test_a_name_that_was_led_to_this_machine_sends_nothing(judge):
    sink = judge()
    port = sink.server.server_port
    lead = lambda host, port_, **_: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]  # noqa: E731
    told = {"base_url": f"http://judge.example:{port}/v1", "model": "m", "api_key_env": "JUDGE_KEY"}
    assert refused(Client(Endpoint.from_dict("led", told), resolve=lead)).code == "other-host"
    assert sink.asked == [] and sink.keys == set()


def test_a_key_that_is_sent_back_is_not_kept(judge):
    fake = judge(faults=({"content": f"Your key is {KEY}.", "refusal": KEY},))
    reply = client_of(fake).ask(ASKED, FULL)
    assert KEY not in json.dumps(reply.as_dict())
    assert "[key]" in reply.text
    fake.faults = [json.dumps({"choices": [{"message": {"content": KEY}}]}).replace("-", "\\u002d").encode()]
    assert KEY not in json.dumps(client_of(fake).ask(ASKED, FULL).as_dict())


def test_without_its_key_nothing_is_sent(judge, monkeypatch):
    fake = judge()
    for value in ("", "not\na key", "schlüssel"):
        monkeypatch.setenv("JUDGE_KEY", value)
        with pytest.raises(JudgeError, match="JUDGE_KEY"):
            client_of(fake)
    assert fake.asked == []


def found(fake, **more):
    client = client_of(fake, **more)
    return probe(
        lambda abilities: client.ask(QUESTION, abilities, schema={"type": "object"}, seed=1, max_output_tokens=64)
    )


VARIANTS = {
    "everything": ((), FULL),
    "o3": (("temperature", "max_tokens"), Abilities(temperature=False)),
    "vLLM": (("reasoning_effort", "max_completion_tokens"), Abilities(effort=False, limit="max_tokens")),
    "Ollama": (("json_schema", "max_completion_tokens"), Abilities(form="json_object", limit="max_tokens")),
    "bare": (
        (
            "json_schema",
            "json_object",
            "temperature",
            "seed",
            "max_tokens",
            "max_completion_tokens",
            "reasoning_effort",
        ),
        Abilities(form="", temperature=False, seed=False, effort=False, limit=""),
    ),
}


@pytest.mark.parametrize("names_them", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
def test_what_an_endpoint_takes_is_found_out(judge, name, names_them):
    rejects, abilities = VARIANTS[name]
    fake = judge(rejects=rejects, names_them=names_them)
    abilities_found, requests = found(fake, reasoning_effort="low")
    assert abilities_found == abilities
    assert requests == fake.probed <= 20


def test_a_good_endpoint_is_asked_once(judge):
    assert found(judge()) == (FULL, 1)


def test_what_is_no_matter_of_parameters_ends_the_probe(judge):
    with pytest.raises(JudgeError, match="401"):
        found(judge(always=401))
    with pytest.raises(JudgeError, match="400"):
        found(judge(always=400))


def test_only_what_is_taken_is_sent(judge):
    fake = judge(rejects=VARIANTS["bare"][0])
    reply = client_of(fake, reasoning_effort="low").ask(ASKED, VARIANTS["bare"][1], schema={}, seed=1)
    assert json.loads(reply.text)
    assert set(fake.asked[0]) == {"model", "messages"}
