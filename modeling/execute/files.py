"""What all work on a GPU has in common: the request, the attempts' folders, and the snapshot as it was frozen."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from mixassist_site.jobs import JobError, Lease
from modeling.backbones.errors import CoreError
from modeling.execute.seat import Seat
from modeling.models import Generation, TrainingRun, Transcription
from modeling.training.examples import content_hash


def rows_kept() -> dict[str, Any]:
    """Where children keep what clips sound like."""
    return {"folder": str(settings.AUDIO_ROWS_ROOT), "bytes": settings.AUDIO_ROWS_BYTES}


def earlier_attempts(run: TrainingRun | Transcription, lease: Lease | Seat) -> list[Path]:
    """The folders of this run's other attempts, oldest first."""
    folders = run.folder.iterdir() if run.folder.is_dir() else iter(())
    fences = sorted(int(folder.name) for folder in folders if folder.name.isdecimal())
    return [run.folder / str(fence) for fence in fences if fence != lease.fence]


def written(path: Path, request: dict[str, Any]) -> Path:
    """The request, whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".writing")
    beside.write_text(json.dumps(request, indent=1, sort_keys=True) + "\n")
    return beside.rename(path)


def place(folder: Path, final: Path) -> Path:
    """Put a finished folder in its place by one rename."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_dev != final.parent.stat().st_dev:  # runs may lie on a scratch disk
        beside = final.with_name(f".{final.name}")
        shutil.rmtree(beside, ignore_errors=True)
        folder = shutil.copytree(folder, beside)
    return folder.rename(final)


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash_of(generation: Generation) -> str:
    """The hash in the snapshot's own manifest."""
    try:
        return content_hash(generation.snapshot.path)
    except CoreError as error:
        raise JobError(error.code, error.sentence) from None


def require_frozen_hash(found: str, frozen: str) -> None:
    """Refuse a snapshot whose files are not those that were frozen."""
    if found != frozen:
        raise JobError("snapshot-changed", "The snapshot's files are not those that were frozen; build it again.")
