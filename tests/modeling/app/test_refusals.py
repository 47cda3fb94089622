"""What can't be trained or answered is refused in one sentence, leaves nothing half-written, and the worker lives."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from mixassist_site.jobs import State
from modeling import bases
from modeling.models import Adapter, BaseModel, Candidate, TrainingRun
from tests.modeling.app.things import eventually, frozen, generation_of, kill, python, run_of
from tests.modeling.cores.miniature import rows_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
SMALL = {"max_steps": 4, "examples_per_step": 4, "checkpoint_every": 2, "eval_every": 4}


@pytest.fixture
def snapshot(project):
    return frozen(project)


@pytest.fixture
def pickled(monkeypatch, tmp_path):
    """A base whose weights are a pickle: the tiny one's folder, with another file in it."""
    from modeling.backbones import tiny

    folder = tiny.make(tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    return BaseModel.objects.create(key="pickled", location=str(folder))


@pytest.fixture
def small_disk(home):
    """A disk of a quarter of a megabyte where runs are written."""
    runs = Path(settings.RUNS_ROOT)
    runs.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(runs)]
    if mount is None or os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can't be mounted here: that takes root")
    yield runs
    subprocess.run(["umount", "--lazy", str(runs)], check=True)


@pytest.fixture
def worker():
    process = python("manage.py", "worker")
    yield process
    kill(process)


def ended(*jobs):
    """Wait for all; their codes and sentences."""

    def over():
        for job in jobs:
            job.refresh_from_db()
        return all(job.state in (State.SUCCEEDED, State.FAILED) for job in jobs)

    eventually(over, 240)
    return [(job.state, job.error_code) for job in jobs]


def one_sentence(job):
    assert job.error_message.endswith(".") and "Traceback" not in job.error_message, job.error_message
    assert len(job.error_message) < 800


def test_what_is_wrong_fails_by_itself_and_the_same_worker_goes_on(snapshot, project, pickled, worker):
    silent = rows_of("train", 4)
    for row in silent:
        row["assistant"] = ""
    wordless = frozen(project, "wordless", {"train": silent, "validation": rows_of("validation", 2)})
    strange = Adapter.objects.create(
        run=run_of(snapshot, "elsewhere", state=State.SUCCEEDED), name="elsewhere", sha256="a" * 64, folder="elsewhere"
    )
    strange.path.mkdir(parents=True)
    (strange.path / "adapter_config.json").write_text('{"base_model_name_or_path": "another-base"}')
    wrong = [
        TrainingRun.objects.create(project=project, snapshot=snapshot, base=pickled, name="pickled", config=SMALL),
        run_of(snapshot, "unknown key", config={**SMALL, "learning_rat": 1e-4}),
        run_of(wordless, "wordless", config=SMALL),
        generation_of(snapshot, source="adapter", adapter=strange),
    ]
    right = run_of(snapshot, "right", config=SMALL)
    codes = ended(*wrong, right)
    assert codes == [
        (State.FAILED, "unsafe-weights"),
        (State.FAILED, "unknown-config-key"),
        (State.FAILED, "nothing-to-train-on"),
        (State.FAILED, "adapter-misfit"),
        (State.SUCCEEDED, ""),
    ]
    for job in wrong:
        one_sentence(job)
    assert worker.poll() is None
    assert set(Adapter.objects.values_list("name", flat=True)) == {"elsewhere", "right"}
    assert not Candidate.objects.exists()
    assert [path.name for path in Path(settings.ADAPTERS_ROOT).iterdir() if path.name != "elsewhere"] == [
        f"{right.pk}-1"
    ]


def test_a_full_disk_ends_a_run_with_a_sentence_and_leaves_no_half(snapshot, small_disk, worker):
    bases.named("tiny")
    full = run_of(snapshot, "full", config=SMALL)
    assert ended(full) == [(State.FAILED, "disk-full")]
    one_sentence(full)
    assert not Adapter.objects.exists()
    assert not [path for path in small_disk.rglob("*") if "writing" in path.name]
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = run_of(snapshot, "again", config=SMALL)
    assert ended(again) == [(State.SUCCEEDED, "")], again.error_message
    assert worker.poll() is None
