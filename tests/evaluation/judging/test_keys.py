"""A reply is used again for the same question alone: everything that an answer may hang on is in its name."""

import pytest

from evaluation.judging.endpoints import Endpoint
from evaluation.judging.keys import key_of

ENDPOINT = {"base_url": "https://judge.example/v1", "model": "m"}
ASKED = {
    "template_digest": "d",
    "messages": [{"role": "user", "content": "R1: a. R2: b."}],
    "parameters": {"temperature": 0},
    "order": ["a", "b"],
    "replicate": 0,
}


def key(endpoint=ENDPOINT, **more):
    told = ASKED | more
    return key_of(Endpoint.from_dict("judge", endpoint), told.pop("template_digest"), told.pop("messages"),
                  told.pop("parameters"), **told)  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"endpoint": ENDPOINT | {"model": "m2"}},
        {"endpoint": ENDPOINT | {"base_url": "https://other.example/v1"}},
        {"template_digest": "e"},
        {"messages": [{"role": "user", "content": "R1: a. R2: c."}]},
        {"parameters": {"temperature": 1}},
        {"order": ["b", "a"]},
        {"replicate": 1},
    ],
)
def test_another_question_has_another_name(other):
    assert key(**other) != key()


def test_the_same_question_has_the_same_name_whatever_it_costs_and_whoever_pays():
    paid = {"price": {"input": 1, "output": 2}, "api_key_env": "KEY", "max_parallel": 4, "family": "openai"}
    assert key(ENDPOINT | paid) == key(ENDPOINT | {"base_url": "https://judge.example/v1/"}) == key()
