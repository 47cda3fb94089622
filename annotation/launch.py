"""Queue long work: the row is written here, and rung for once it is committed."""

import uuid
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from annotation.models import Derived, Ingest, Person, Project, Recording, Snapshot
from mixassist_site.jobs import JobError, State, ring

FIRST = (Derived.Kind.PEAKS, Derived.Kind.LEVELS, Derived.Kind.PROXY)


def start_ingest(recording: Recording, by: Person | None) -> list[Ingest]:
    """Queue what is drawn, after it what is told apart, and last what is played."""
    return [start_making(recording, makes, by) for makes in FIRST]


def start_making(recording: Recording, makes: str, by: Person | None) -> Ingest:
    """Queue one thing to be made of a recording."""
    job = Ingest.objects.create(project=recording.session.project, recording=recording, makes=makes, created_by=by)
    transaction.on_commit(partial(ring, job))
    return job


def start_spectrogram(recording: Recording, by: Person | None) -> Ingest:
    """Queue a recording's spectrogram, unless it is here or on its way: then that job is the answer."""
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)  # who asks at the same moment waits here
        jobs = recording.ingests.filter(makes=Derived.Kind.SPECTROGRAM).order_by("-pk")
        is_made = recording.derived.filter(kind=Derived.Kind.SPECTROGRAM).exists()
        under_way = [State.QUEUED, State.RUNNING, *([State.SUCCEEDED] if is_made else [])]
        same = jobs.filter(state__in=under_way).first()
        return same or start_making(recording, Derived.Kind.SPECTROGRAM, by)


def start_snapshot(
    project: Project,
    name: str,
    wanted: dict[str, Any],
    *,
    seed: int = 0,
    by: Person | None,
    key: uuid.UUID | None = None,
) -> Snapshot:
    """Queue a snapshot; the same form sent twice is one snapshot."""
    if key and (same := Snapshot.objects.filter(key=key, project=project).first()):
        return same
    try:
        with transaction.atomic():
            snapshot = Snapshot.objects.create(
                project=project, name=name, filter=wanted, seed=seed, created_by=by, key=key or uuid.uuid4()
            )
            transaction.on_commit(partial(ring, snapshot))
    except IntegrityError:
        raise JobError(
            "name-taken", f"This project has a snapshot called {name} already; choose another name."
        ) from None
    return snapshot
