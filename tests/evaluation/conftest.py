"""What the tests of studies share: a rater at their link."""

import re

import pytest
from django.test import Client

from evaluation import drawing, reading
from evaluation.models import Rater
from modeling.backbones.errors import CoreError
from tests.evaluation.analyses import scribble
from tests.evaluation.studies import study_of
from tests.fake_judge import KEY, FakeJudge


class Visitor:
    """Somebody with a link and a browser, and no account."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = Client()

    def get(self, path: str = "", **extra):
        return self.client.get(self.address + path, **extra)

    def start(self):
        self.client.post(f"{self.address}visit/")
        return self.get()

    def choices(self, page) -> list[str]:
        return re.findall(r'name="choice" value="([^"]+)"', page.content.decode())

    def pair(self, page) -> str:
        return re.search(r'name="pair" value="([^"]+)"', page.content.decode()).group(1)

    def vote(self, page, n: int = 0, **more):
        sent = {"pair": self.pair(page), "choice": self.choices(page)[n], **more}
        return self.client.post(f"{self.address}ratings/", sent)


def visitor(rater: Rater) -> Visitor:
    return Visitor(rater.get_absolute_url())


@pytest.fixture(autouse=True)
def rows_read_here(request, monkeypatch):
    """A child for every study would cost more than the test; `test_protocol.py` reads as the site does."""
    if request.module.__name__.endswith("test_protocol"):
        return

    def rows_of(snapshot, split):
        try:
            return reading.read(snapshot, split)
        except CoreError as error:
            raise reading.Unreadable(error.code, error.sentence) from error

    monkeypatch.setattr("evaluation.pairing.rows_of", rows_of)


@pytest.fixture
def study(project):
    """Three contenders on six items, three raters, open."""
    return study_of(project)


@pytest.fixture
def rui(study) -> Visitor:
    """The first rater of the study."""
    return visitor(study.raters.get(number=1))


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


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Figures take a child seconds: most tests do without, those that look at them are marked `drawn`."""
    if not request.node.get_closest_marker("drawn"):
        monkeypatch.setattr(drawing, "_draw", scribble)
