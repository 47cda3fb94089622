"""`manage.py worker`: processes that are stopped, killed and doubled, on a database that they share."""

import os
import signal
from pathlib import Path

import pytest

from mixassist_site.jobs import State
from modeling.models import Adapter, TrainingRun
from tests.factories import SnapshotFactory
from tests.modeling.app.things import eventually, generation_of, kill, python, run_of
from tests.site.standin import starts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def snapshot(project):
    return SnapshotFactory(project=project)


@pytest.fixture
def worker():
    """Start workers whose runs are pretended; what is left of them ends with the test."""
    started = []

    def start(*arguments: str):
        process = python("-m", "tests.site.standin", "worker", *arguments)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            kill(process)


def state_of(run: TrainingRun) -> str:
    return TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)


def test_once_works_until_none_is_queued(snapshot, worker):
    runs = [run_of(snapshot, name=f"run {number}") for number in range(3)]
    process = worker("--once")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert [state_of(run) for run in runs] == [State.SUCCEEDED] * 3


def test_a_worker_takes_only_the_queues_that_it_was_given(snapshot, worker):
    run = run_of(snapshot)
    process = worker("--once", "--queue", "cpu")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert state_of(run) == State.QUEUED


def test_a_queue_that_is_not_there_is_named(db, worker):
    process = worker("--queue", "tpu")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "There is no queue tpu; the queues are cpu and gpu." in said


def test_two_workers_share_the_table_and_work_nothing_twice(snapshot, worker):
    runs = [run_of(snapshot, name=f"run {number}", config={"steps": 2, "seconds": 0.02}) for number in range(8)]
    for process in [worker("--once"), worker("--once")]:
        process.communicate(timeout=90)
        assert process.returncode == 0
    eventually(lambda: all(state_of(run) == State.SUCCEEDED for run in runs))
    assert [starts(run) for run in runs] == [[1]] * 8
    assert Adapter.objects.count() == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_puts_the_running_job_back_after_its_child_has_saved(snapshot, worker, number):
    run = run_of(snapshot, config={"steps": 1000, "seconds": 0.05})
    process = worker()
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 2)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    run.refresh_from_db()
    assert (run.state, run.attempt, run.lease_owner) == (State.QUEUED, 0, "")
    assert (run.folder / "saved-1").exists()


def test_a_killed_worker_takes_its_child_along_and_another_goes_on(snapshot, worker):
    run = run_of(snapshot, config={"steps": 60, "seconds": 0.05})
    first = worker()
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 2)
    child = int((run.folder / "pid-1").read_text())
    kill(first)
    eventually(lambda: not Path(f"/proc/{child}").exists() or "Z" in _stat(child), 5)
    assert state_of(run) == State.RUNNING  # until its lease runs out
    worker()
    eventually(lambda: state_of(run) == State.SUCCEEDED, 40)
    assert starts(run) == [1, 2]
    assert Adapter.objects.get().folder == f"{run.pk}-2"


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "Z"


def test_a_worker_that_slept_through_its_lease_publishes_nothing(snapshot, worker):
    run = run_of(snapshot, config={"steps": 60, "seconds": 0.05})
    sleeper = worker()
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 2)
    os.kill(sleeper.pid, signal.SIGSTOP)  # its child counts on alone, and finishes
    worker()
    eventually(lambda: state_of(run) == State.SUCCEEDED, 40)
    os.kill(sleeper.pid, signal.SIGCONT)
    sleeper.send_signal(signal.SIGTERM)
    said, _ = sleeper.communicate(timeout=30)
    assert "the lease was lost" in said
    run.refresh_from_db()
    assert (run.state, run.record) == (State.SUCCEEDED, {"fence": 2})
    assert Adapter.objects.get().folder == f"{run.pk}-2"


def test_a_job_of_a_worker_that_died_three_times_is_failed_by_the_next_one(snapshot, worker):
    run = run_of(snapshot, state=State.RUNNING, attempt=3, fence=3, lease_until="2020-01-01T00:00Z")
    other = generation_of(snapshot, state=State.RUNNING, lease_until="2020-01-01T00:00Z", cancel_requested=True)
    process = worker("--once")
    process.communicate(timeout=60)
    run.refresh_from_db(), other.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker-lost")
    assert other.state == State.CANCELLED
