"""Snapshots with files, runs, and worker processes for tests of this room and of the jobs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

from annotation.models import Project, Snapshot
from modeling import bases
from modeling.models import Experiment, Generation, TrainingRun
from tests.modeling.cores.miniature import write_snapshot


def frozen(project: Project, name: str = "mini", splits: dict | None = None) -> Snapshot:
    """A frozen snapshot with its files."""
    folder = Path(settings.SNAPSHOTS_ROOT) / name / "1"
    write_snapshot(folder, splits)
    manifest = json.loads((folder / "manifest.json").read_text())
    counts = (
        {split: len(rows) for split, rows in splits.items()} if splits else {"train": 12, "validation": 4, "test": 4}
    )
    return Snapshot.objects.create(
        project=project, name=name, state="succeeded", folder=f"{name}/1", counts=counts,
        content_hash=manifest["content_hash"],
    )  # fmt: skip


def run_of(snapshot: Snapshot, name: str = "run", **fields) -> TrainingRun:
    return TrainingRun.objects.create(
        project=snapshot.project, snapshot=snapshot, base=bases.named("tiny"), name=name, **fields
    )


def experiment_of(snapshot: Snapshot, name: str = "seeds", **fields) -> Experiment:
    """An experiment of two arms and two seeds, with its runs."""
    fields = {"design": "own", "arms": [["a", {}], ["b", {"rank": 2}]], "seeds": [0, 1], **fields}
    made = Experiment.objects.create(
        project=snapshot.project, snapshot=snapshot, base=bases.named("tiny"), name=name, **fields
    )
    for arm, options in made.arms:
        for seed in made.seeds:
            config = {**made.config, **options, "seed": seed}
            run_of(snapshot, f"{name} · {arm} · {seed}", experiment=made, arm=arm, config=config)
    return made


def generation_of(snapshot: Snapshot, **fields) -> Generation:
    fields = {"source": "base", "base": bases.named("tiny"), **fields}
    return Generation.objects.create(project=snapshot.project, snapshot=snapshot, **fields)


def environment(**more: str) -> dict[str, str]:
    """What a process needs to work on this test's database and files."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        address = f"sqlite:///{values['NAME']}"
    else:
        who = f"{values['USER']}:{values['PASSWORD']}@" if values["USER"] else ""
        address = f"postgres://{who}{values['HOST']}:{values['PORT'] or 5432}/{values['NAME']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": address,
        "MIXASSIST_HOME": str(settings.MIXASSIST_HOME),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        **more,
    }


def python(*arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start a Python process on this test's database; what it says comes as one text."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=settings.BASE_DIR, env=environment(**more), text=True,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """End a process at once, as the kernel does when memory runs out; its children stand in sessions of their own."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def child_of(worker) -> int | None:
    """The process in which a worker lets a model work."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == worker.pid and fields[0] != "Z":
            return int(path.parent.name)
    return None


def eventually(holds, seconds: float = 30, *, every: float = 0.05) -> None:
    """Wait until something holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not happen in {seconds} s"
        time.sleep(every)
