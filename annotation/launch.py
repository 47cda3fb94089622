"""Queue long work: the row is written here, and rung for once it is committed."""

import uuid
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from annotation import drafting
from annotation.earlier import before
from annotation.models import (
    Derived,
    Ingest,
    LaneProposal,
    Layer,
    MixingSession,
    Person,
    Project,
    Recording,
    Release,
    Snapshot,
    SummaryDraft,
)
from annotation.releases.options import Options
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


def start_proposal(session: MixingSession, amateur: Recording, expert: Recording, by: Person | None) -> LaneProposal:
    """Queue who speaks when; while the same is under way, that job is the answer."""
    if amateur == expert:
        raise JobError("one-recording", "Choose two recordings: the amateur's microphone and the expert's.")
    with transaction.atomic():
        MixingSession.objects.select_for_update().get(pk=session.pk)  # who asks at the same moment waits here
        under_way = session.lane_proposals.filter(state__in=[State.QUEUED, State.RUNNING])
        if same := under_way.filter(amateur=amateur, expert=expert).first():
            return same
        job = LaneProposal.objects.create(
            project=session.project, session=session, amateur=amateur, expert=expert, created_by=by
        )
        transaction.on_commit(partial(ring, job))
    return job


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


def start_release(snapshot: Snapshot, options: Options, by: Person | None) -> Release:
    """Queue a release, unless the same is here or on its way: then that is the answer."""
    if not snapshot.is_frozen:
        raise JobError("not-frozen", "This snapshot is not built yet; wait for its job.")
    with transaction.atomic():
        Snapshot.objects.select_for_update().get(pk=snapshot.pk)  # who asks at the same moment waits here
        wanted = {"project": snapshot.project, "snapshot": snapshot, "options": options.as_dict()}
        for same in Release.objects.filter(**wanted).order_by("-pk"):
            if same.is_here or not same.is_over:
                return same
        release = Release.objects.create(**wanted, created_by=by)
        transaction.on_commit(partial(ring, release))
    return release


def drafter() -> drafting.Endpoint | None:
    """The model that drafts summaries; None where none is configured, or not rightly (`manage.py check` says so)."""
    try:
        return drafting.Endpoint.read(settings.SUMMARY_DRAFTS)
    except ValueError:
        return None


def start_draft(layer: Layer, turn: uuid.UUID, endpoint: drafting.Endpoint, by: Person) -> SummaryDraft:
    """Queue a draft of the summary before a turn; while one is under way for it, that is the answer."""
    project = layer.session.project
    with transaction.atomic():
        Layer.objects.select_for_update().get(pk=layer.pk)  # who asks at the same moment waits here
        drafts = SummaryDraft.objects.filter(layer=layer, turn_uid=turn, state__in=[State.QUEUED, State.RUNNING])
        if same := drafts.order_by("-pk").first():
            return same
        drafting.prompt(before(layer, str(turn)), project.rules["summary_words"]["max"])  # refuses a first turn
        named = {"turn_uid": turn, "model": endpoint.model, "created_by": by}
        job = SummaryDraft.objects.create(project=project, layer=layer, **named)
        transaction.on_commit(partial(ring, job))
        return job
