"""The child that answered last keeps its base for the next request; another base, time or its worker ends it."""

import os
import signal
from pathlib import Path

import pytest

from mixassist_site.child import REST
from mixassist_site.jobs import State
from modeling import execute
from tests.modeling.app.things import eventually, frozen, generation_of, kill, python

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
SHORT = {"max_new_tokens": 3}


@pytest.fixture
def snapshot(project):
    return frozen(project)


@pytest.fixture
def warm(settings):
    settings.GENERATION_IDLE_SECONDS = 60
    yield settings
    REST.let_go()


def answered(snapshot, **fields):
    generation = generation_of(snapshot, decoding=SHORT, **fields)
    execute.generate(generation)
    generation.refresh_from_db()
    assert generation.state == State.SUCCEEDED, generation.error_message
    return generation


def pid() -> int | None:
    return REST._child.process.pid if REST._child else None


def is_gone(number: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{number}/stat").read_text()
    except FileNotFoundError:
        return True


def test_the_next_request_finds_the_base_in_memory_and_gets_the_same_answers(snapshot, warm):
    first = answered(snapshot)
    child = pid()
    second = answered(snapshot)
    assert (first.record["warm"], second.record["warm"], pid()) == (False, True, child)
    said = [list(one.candidates.values_list("row", "text", "seed")) for one in (first, second)]
    assert said[0] == said[1]

    os.kill(child, signal.SIGKILL)  # it died while it waited: the next one starts afresh
    eventually(lambda: is_gone(child))
    assert answered(snapshot).record["warm"] is False

    child = pid()
    assert REST.take("modeling.generation", "another base") is None  # whoever wants another ends it
    assert is_gone(child) and pid() is None


def test_it_goes_after_a_while(snapshot, warm):
    warm.GENERATION_IDLE_SECONDS = 0.3
    answered(snapshot)
    eventually(lambda: pid() is None, 10)


def test_it_does_not_outlive_a_worker_that_was_killed(snapshot):
    generation = generation_of(snapshot, decoding=SHORT)
    worker = python("manage.py", "worker", "--queue", "gpu", GENERATION_IDLE="60")
    try:
        eventually(lambda: type(generation).objects.get(pk=generation.pk).state == State.SUCCEEDED, 60)
        [child] = [int(one) for task in Path(f"/proc/{worker.pid}/task").glob("*/children")
                   for one in task.read_text().split()]  # fmt: skip
        assert not is_gone(child)
    finally:
        kill(worker)
    eventually(lambda: is_gone(child), 10)
