"""A run is trained in a child, survives what kills it, and leaves one adapter."""

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pytest
from django.conf import settings

from mixassist_site import jobs
from mixassist_site.jobs import State
from modeling import execute
from modeling.models import Adapter, Metric, TrainingRun
from tests.modeling.app.things import child_of, eventually, frozen, kill, python, run_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
SMALL = {"max_steps": 12, "examples_per_step": 4, "checkpoint_every": 4, "eval_every": 6}
KILLS = int(os.environ.get("MIXASSIST_KILLS", "3"))  # a night's worth: MIXASSIST_KILLS=100


@pytest.fixture
def snapshot(project):
    return frozen(project)


def test_a_run_leaves_one_adapter_with_its_hash_and_its_record(snapshot):
    run = run_of(snapshot, config=SMALL)
    assert execute.train(run)
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == (State.SUCCEEDED, 12, 12), run.error_message
    weights = run.adapter.path / "adapter_model.safetensors"
    assert run.adapter.path == Path(settings.ADAPTERS_ROOT) / f"{run.pk}-1"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == run.adapter.sha256 == run.record["adapter_sha256"]
    assert run.record["snapshot_hash"] == snapshot.content_hash
    assert run.record["last_loss"] < run.record["first_loss"]
    losses = dict(run.metrics.filter(key="loss").values_list("step", "value"))
    assert sorted(losses) == list(range(1, 13))
    assert losses[12] == run.record["last_loss"]
    assert list(run.metrics.filter(key="eval_loss").values_list("step", flat=True)) == [6, 12]
    assert sorted(path.name for path in (run.folder / "1").iterdir()) == ["request.json", "training.json"]


def test_a_snapshot_that_is_not_what_was_frozen_is_refused(snapshot):
    type(snapshot).objects.filter(pk=snapshot.pk).update(content_hash="0" * 64)
    run = run_of(snapshot, config=SMALL)
    execute.train(run)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "snapshot-changed")
    assert not Adapter.objects.exists()


def test_the_childs_own_sentence_is_the_runs(snapshot):
    run = run_of(snapshot, config={**SMALL, "learning_rate": 1e30})
    execute.train(run)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert "lower the learning rate" in run.error_message


def test_a_crash_between_the_adapters_move_and_its_publication_leaves_one_adapter(snapshot, monkeypatch):
    run = run_of(snapshot, config=SMALL)

    class PowerCut(Exception):
        pass

    def cut(*args, **kwargs):
        raise PowerCut

    with monkeypatch.context() as broken:
        broken.setattr(Adapter.objects, "create", cut)
        execute.train(run)
    run.refresh_from_db()
    assert run.state == State.QUEUED
    assert [path.name for path in Path(settings.ADAPTERS_ROOT).iterdir()] == [f"{run.pk}-1"]
    execute.train(run)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED
    assert [path.name for path in Path(settings.ADAPTERS_ROOT).iterdir()] == [f"{run.pk}-2"]
    assert Adapter.objects.get().folder == f"{run.pk}-2"
    assert [path.name for path in run.folder.iterdir()] == ["2"]


def test_a_run_whose_child_and_worker_are_killed_ends_as_if_nothing_had_happened(snapshot):
    config = {**SMALL, "max_steps": 120, "eval_every": 40}
    undisturbed = run_of(snapshot, name="undisturbed", config=config)
    began = time.monotonic()
    process = python("manage.py", "worker", "--once")
    said, _ = process.communicate(timeout=300)
    undisturbed.refresh_from_db()
    assert undisturbed.state == State.SUCCEEDED, said
    usual_seconds = time.monotonic() - began

    seed = random.randrange(2**32)
    print(f"seed of the kills: {seed}")
    dice = random.Random(seed)
    run = run_of(snapshot, name="disturbed", config=config)
    worker, blows, saved, idle_blows = python("manage.py", "worker"), [], 0, 0
    try:
        while len(blows) < KILLS and not is_over(run):
            while_it_learns = len(blows) < 2 or idle_blows == 2 or dice.random() < 0.5
            if while_it_learns:  # three in a row without a checkpoint would be the cap's case, not this one's
                wait_for_checkpoint_after(saved, run)
                time.sleep(dice.uniform(0, 1))
            else:
                time.sleep(dice.uniform(0, usual_seconds))
            if is_over(run):
                break
            idle_blows = 0 if checkpoint_of(run) > saved else idle_blows + 1
            saved = checkpoint_of(run)
            target = ("child", "worker")[len(blows) % 2]
            if target == "worker":
                kill(worker)
                worker = python("manage.py", "worker")
            elif child := child_of(worker):
                os.kill(child, signal.SIGKILL)
            blows.append((target, saved))
        eventually(lambda: is_over(run), 300)
        fence = TrainingRun.objects.get(pk=run.pk).fence  # what is left of the others is dropped after the success
        eventually(lambda: [path.name for path in run.folder.iterdir()] == [str(fence)], 10)
    finally:
        kill(worker)
    run.refresh_from_db()
    print(f"killed, with the last safe step: {blows}; attempts: {run.fence}")
    assert run.state == State.SUCCEEDED, run.error_message
    assert run.fence > 2
    assert run.record["last_loss"] == undisturbed.record["last_loss"]
    assert run.adapter.sha256 == undisturbed.adapter.sha256
    assert Adapter.objects.filter(run=run).count() == 1
    curves = [list(one.metrics.filter(key="loss").values_list("step", "value")) for one in (run, undisturbed)]
    assert curves[0] == curves[1]
    assert Metric.objects.filter(run=run, key="eval_loss").count() == 3
    assert sorted(path.name for path in Path(settings.ADAPTERS_ROOT).iterdir()) == sorted(
        one.adapter.folder for one in (run, undisturbed)
    )


def wait_for_checkpoint_after(step: int, run: TrainingRun) -> None:
    eventually(lambda: checkpoint_of(run) > step or is_over(run), 120)


def state_of(run: TrainingRun) -> str:
    return TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)


def is_over(run: TrainingRun) -> bool:
    return state_of(run) not in (State.QUEUED, State.RUNNING)


def checkpoint_of(run: TrainingRun) -> int:
    """The furthest step that is safe in a checkpoint."""
    return max((int(path.name[5:]) for path in run.folder.glob("*/checkpoints/step-*")), default=0)


def test_a_worker_dies_with_its_seat_kept(snapshot):
    """The jobs' own tests show leases and fences; here is only that training heeds a stop of the worker."""
    run = run_of(snapshot, config={**SMALL, "max_steps": 400})
    process = python("manage.py", "worker")
    eventually(lambda: TrainingRun.objects.get(pk=run.pk).done > 4, 90)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    run.refresh_from_db()
    assert (run.state, run.lease_owner) == (State.QUEUED, "")
    assert checkpoint_of(run) >= 4
    assert jobs.next_job({"gpu"}) == run
