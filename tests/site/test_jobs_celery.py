"""Celery with Redis: messages ring, rows decide."""

import os
import signal
import socket
import time

import kombu.pools
import pytest

from mixassist_site import jobs
from mixassist_site.celery import app
from mixassist_site.jobs import State, reap, ring
from modeling.models import Adapter, TrainingRun
from tests.conftest import missing
from tests.factories import SnapshotFactory
from tests.modeling.app.things import eventually, kill, python, run_of
from tests.site.standin import starts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
BROKER = f"redis://127.0.0.1:6379/{13 - WORKER % 8}"  # what runs at the same time has a database of its own
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def snapshot(project):
    return SnapshotFactory(project=project)


@pytest.fixture
def broker(settings):
    """An empty Redis database, and Celery pointed to it."""
    import redis

    client = redis.Redis.from_url(BROKER, socket_connect_timeout=1)
    try:
        client.flushdb()
    except redis.ConnectionError as error:
        missing("Redis", str(error))
    yield from pointed_to(BROKER, settings)
    client.flushdb()


def pointed_to(address: str, settings):
    settings.CELERY_BROKER_URL = address
    before = app.conf.broker_url
    forget_connections(address)
    yield
    forget_connections(before)


def forget_connections(address: str | None) -> None:
    app.conf.broker_url = address
    kombu.pools.reset()
    app._pool = app.amqp._producer_pool = None


@pytest.fixture
def nowhere(settings):
    """A broker that is not there."""
    yield from pointed_to(NOWHERE, settings)


@pytest.fixture
def celery():
    started = []

    def start(*arguments: str):
        process = python("-m", "tests.site.standin", "celery", "-Q", "cpu,gpu", *arguments, CELERY_BROKER_URL=BROKER)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            kill(process)


def states(*runs: TrainingRun) -> list[str]:
    return [TrainingRun.objects.get(pk=run.pk).state for run in runs]


def test_ten_messages_for_one_job_are_one_run(snapshot, broker, celery):
    runs = [run_of(snapshot, name=f"run {number}", config={"steps": 5, "seconds": 0.05}) for number in range(3)]
    for run in runs:
        for _ in range(10):
            ring(run)
    celery(), celery()
    eventually(lambda: states(*runs) == [State.SUCCEEDED] * 3, 90)
    time.sleep(1)
    assert [starts(run) for run in runs] == [[1]] * 3
    assert Adapter.objects.count() == 3


def test_a_lost_message_is_rung_again_by_the_workers_timer(snapshot, broker, celery):
    run = run_of(snapshot)  # nobody rang
    celery()
    eventually(lambda: states(run) == [State.SUCCEEDED], 60)
    assert starts(run) == [1]


def test_the_reaper_does_not_fill_a_queue_that_nobody_empties(snapshot, broker):
    import redis

    for number in range(5):
        run_of(snapshot, name=f"run {number}")
    for _ in range(10):
        reap()
    assert redis.Redis.from_url(BROKER).llen("gpu") == 5


def test_a_stop_of_celery_puts_the_running_job_back(snapshot, broker, celery):
    run = run_of(snapshot, config={"steps": 1000, "seconds": 0.05})
    process = celery()
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 2, 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=40)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (State.QUEUED, 0)
    assert (run.folder / "saved-1").exists()


def test_a_killed_celery_worker_is_followed_by_another(snapshot, broker, celery):
    run = run_of(snapshot, config={"steps": 40, "seconds": 0.05})
    first = celery()
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 2, 60)
    kill(first)
    celery()
    eventually(lambda: states(run) == [State.SUCCEEDED], 60)
    assert starts(run) == [1, 2]


def test_without_its_broker_the_site_answers_and_the_job_waits(snapshot, nowhere, ada, client):
    client.force_login(ada)
    began = time.monotonic()
    answer = client.post(
        f"/projects/{snapshot.project.slug}/runs/new/",
        {"snapshot": snapshot.pk, "base": "tiny", "key": "6f1b5a36-6c7e-4a52-9f0b-5b7b0e8b1a01"},
    )
    assert answer.status_code == 302
    assert time.monotonic() - began < 3
    run = TrainingRun.objects.get()
    assert run.state == State.QUEUED
    assert "waits for a worker" in client.get(answer.url).content.decode()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (200, False)


def test_a_broker_that_does_not_answer_holds_a_click_for_seconds_only(snapshot, settings):
    with socket.socket() as mute:  # accepts, and says nothing
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        for _ in pointed_to(f"redis://127.0.0.1:{mute.getsockname()[1]}/0", settings):
            began = time.monotonic()
            jobs.ring(run_of(snapshot))
            assert time.monotonic() - began < 12
