"""A job's row: who may claim it, who may write to it, and how it ends."""

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mixassist_site import jobs
from mixassist_site.jobs import KILLED, LOST, SHUTDOWN, JobError, Lease, LeaseLost, State, execute, reap, work_off
from modeling.models import Adapter, TrainingRun
from tests.factories import SnapshotFactory
from tests.modeling.app.things import eventually, generation_of, run_of
from tests.site.standin import pretend, starts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_shutdown():
    yield
    SHUTDOWN.clear()


@pytest.fixture
def snapshot(project):
    return SnapshotFactory(project=project)


@pytest.fixture
def pretended(monkeypatch):
    """Runs do what their config says, in a real child process."""
    from modeling import execute  # noqa: F401 – the real work is registered first

    monkeypatch.setitem(jobs._work, TrainingRun, pretend)


def lapse(job):
    """Let the lease of a job run out."""
    type(job).objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_of_two_workers_one_wins(snapshot):
    won: list[str] = []

    def claim(name: str, pk: int, gate: threading.Barrier) -> None:
        job = TrainingRun.objects.get(pk=pk)
        gate.wait()
        if job.claim(name):
            won.append(name)
        connection.close()

    for number in range(50):
        run = run_of(snapshot, name=f"run {number}")
        gate = threading.Barrier(2)
        threads = [threading.Thread(target=claim, args=(name, run.pk, gate)) for name in ("one", "other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.refresh_from_db()
        assert len(won) == number + 1
        assert (run.lease_owner, run.fence, run.attempt) == (won[-1], 1, 1)


def test_a_running_job_is_claimed_again_only_when_its_lease_ran_out(snapshot):
    run = run_of(snapshot)
    assert run.claim("one")
    again = TrainingRun.objects.get(pk=run.pk)
    assert not again.claim("other")
    lapse(run)
    assert again.claim("other")
    assert (again.fence, again.attempt, again.lease_owner) == (2, 2, "other")


def test_a_worker_that_wakes_up_late_writes_nothing(snapshot):
    run = run_of(snapshot)
    run.claim("sleeper")
    old = Lease(run)
    lapse(run)
    TrainingRun.objects.get(pk=run.pk).claim("successor")
    with pytest.raises(LeaseLost):
        old.report(5, 10, "still here", at_once=True)
    with pytest.raises(LeaseLost), old.writing():
        raise AssertionError("nothing is written")
    with pytest.raises(LeaseLost), old.publication(record={"by": "sleeper"}):
        raise AssertionError("nothing is published")
    assert old.should_stop()
    run.refresh_from_db()
    assert (run.state, run.done, run.record, run.lease_owner) == (State.RUNNING, 0, {}, "successor")


def test_what_is_written_under_a_publication_that_breaks_is_not_there(snapshot):
    run = run_of(snapshot)
    run.claim("one")
    with pytest.raises(RuntimeError), Lease(run).publication():
        Adapter.objects.create(run=run, name="half", sha256="", folder="")
        raise RuntimeError
    run.refresh_from_db()
    assert run.state == State.RUNNING
    assert not Adapter.objects.exists()


def test_a_heartbeat_keeps_the_lease(snapshot, settings):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS = 0.6, 0.1
    run = run_of(snapshot)
    run.claim("one")
    lease = Lease(run)
    with lease.beating():
        threading.Event().wait(1.2)
        assert not TrainingRun.objects.get(pk=run.pk).claim("other")
    assert not lease.should_stop()


def test_a_job_succeeds_once(snapshot, pretended):
    run = run_of(snapshot, config={"steps": 3, "noise": "not json"})
    assert execute(run)
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.error_code) == (State.SUCCEEDED, 3, 3, "")
    assert not execute(TrainingRun.objects.get(pk=run.pk))
    assert starts(run) == [1]


def test_a_reason_that_a_person_can_act_on_ends_the_job(snapshot, pretended):
    run = run_of(snapshot, config={"complaint": "Turn it down and try again."})
    execute(run)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (State.FAILED, 1)
    assert (run.error_code, run.error_message) == ("too-loud", "Turn it down and try again.")


def test_a_child_that_dies_three_times_fails_its_job_and_the_queue_moves_on(snapshot, pretended, caplog):
    poison = run_of(snapshot, name="poison", config={"die_at": 2})
    good = run_of(snapshot, name="good")
    with caplog.at_level(logging.WARNING):
        assert work_off({"gpu"}, once=True) == 4
    poison.refresh_from_db(), good.refresh_from_db()
    assert (poison.state, poison.error_code, poison.error_message) == (State.FAILED, "child-died", KILLED)
    assert starts(poison) == [1, 2, 3]
    assert good.state == State.SUCCEEDED
    assert "no more memory" in caplog.text  # the child's last words are in the log


def test_progress_starts_a_new_count(snapshot, pretended):
    run = run_of(snapshot, config={"die_at": 2, "checkpoints": [1], "die_until": 5})
    work_off({"gpu"}, once=True)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED
    assert starts(run) == [1, 2, 3, 4, 5, 6]


def test_work_that_forgets_to_publish_is_a_failure(snapshot, monkeypatch):
    monkeypatch.setitem(jobs._work, TrainingRun, lambda run, lease: None)
    run = run_of(snapshot)
    work_off({"gpu"}, once=True)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.attempt) == (State.FAILED, "unexpected", 3)


def test_a_job_error_tells_its_sentence(snapshot, monkeypatch):
    def refuse(run, lease):
        raise JobError("too-few-turns", "Review at least 20 turns; this snapshot has 7.")

    monkeypatch.setitem(jobs._work, TrainingRun, refuse)
    run = run_of(snapshot)
    execute(run)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "too-few-turns")


def test_cancelling_a_job_that_waits_ends_it(snapshot):
    run = run_of(snapshot)
    assert run.request_cancel()
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert not run.claim("late")
    assert not run.request_cancel()


@pytest.mark.parametrize("deaf", [False, True], ids=["a child that listens", "a child that is deaf"])
def test_cancelling_a_job_that_runs_ends_its_child(snapshot, pretended, deaf, settings):
    settings.JOB_STOP_GRACE_SECONDS = 1.0
    run = run_of(snapshot, config={"steps": 500, "seconds": 0.05, "deaf": deaf})
    threading.Timer(1.0, lambda: (run.request_cancel(), connection.close())).start()
    execute(TrainingRun.objects.get(pk=run.pk))
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert (run.folder / "saved-1").exists() is not deaf
    assert not Adapter.objects.exists()


def test_a_cancel_is_not_lost_when_the_worker_ends_in_the_same_moment(snapshot):
    run = run_of(snapshot)
    run.claim("one")
    run.request_cancel()
    jobs._put_back_or_cancel(Lease(run))
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_a_failed_or_cancelled_job_is_tried_again_with_a_fresh_count(snapshot, pretended):
    run = run_of(snapshot, config={"die_at": 1, "die_until": 3})
    work_off({"gpu"}, once=True)
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert run.retry()
    assert not run.retry()
    run.refresh_from_db()
    assert (run.state, run.attempt, run.error_message) == (State.QUEUED, 0, "")
    work_off({"gpu"}, once=True)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED


def test_a_stop_of_the_worker_puts_its_job_back_without_counting_it(snapshot, pretended):
    run = run_of(snapshot, config={"steps": 500, "seconds": 0.05})
    threading.Timer(1.0, SHUTDOWN.set).start()
    work_off({"gpu"})
    run.refresh_from_db()
    assert (run.state, run.attempt, run.lease_owner) == (State.QUEUED, 0, "")
    assert (run.folder / "saved-1").exists()


def test_what_finished_before_it_could_heed_a_stop_is_kept(snapshot, pretended):
    run = run_of(snapshot, config={"deaf": True, "steps": 5, "seconds": 0.2})

    def stop_once_it_runs():
        eventually(lambda: any(run.folder.glob("pid-*")))  # it hears nothing from here on
        SHUTDOWN.set()

    stopping = threading.Thread(target=stop_once_it_runs)
    stopping.start()
    execute(run)
    stopping.join()
    assert SHUTDOWN.is_set()
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED


def test_the_reaper_fails_what_was_lost_three_times(snapshot):
    run = run_of(snapshot)
    for worker in ("one", "two", "three"):
        assert run.claim(worker)
        lapse(run)
    assert not run.claim("four")
    assert reap() == 1
    run.refresh_from_db()
    assert (run.state, run.error_code, run.error_message) == (State.FAILED, "worker-lost", LOST)


def test_the_reaper_ends_a_cancelled_job_whose_worker_is_gone(snapshot):
    run = run_of(snapshot)
    run.claim("gone")
    run.request_cancel()
    lapse(run)
    assert not run.claim("another")
    assert reap() == 1
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_the_job_that_waited_longest_comes_first_whatever_its_kind(snapshot):
    older = generation_of(snapshot, created_at=timezone.now() - timedelta(minutes=2))
    newer = run_of(snapshot)
    assert jobs.next_job({"gpu"}) == older
    older.claim("one")
    assert jobs.next_job({"gpu"}) == newer
    assert jobs.next_job({"cpu"}) is None
