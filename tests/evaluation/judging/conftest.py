"""Fake judges that end with their test."""

import pytest

from tests.fake_judge import FakeJudge

KEY = "sk-the-secret-of-this-test"


@pytest.fixture
def judge(monkeypatch):
    """Start fake judges; a key is there, and a proxy of the environment that nothing may go through."""
    monkeypatch.setenv("JUDGE_KEY", KEY)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    started = []

    def start(*args, **kwargs):
        started.append(FakeJudge(*args, **kwargs).start())
        return started[-1]

    yield start
    for one in started:
        one.close()
