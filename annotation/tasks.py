"""Doorbells: each answers a ring by working the row, if nobody holds it."""

from celery import shared_task

from annotation import execute
from annotation.models import Ingest, LaneProposal, Release, Snapshot, SummaryDraft


@shared_task(name="annotation.tasks.ingest")  # type: ignore[untyped-decorator]
def ingest(job_id: int) -> None:
    """Make one thing of a recording."""
    if job := Ingest.objects.filter(pk=job_id).first():
        execute.ingest(job)


@shared_task(name="annotation.tasks.build_snapshot")  # type: ignore[untyped-decorator]
def build_snapshot(job_id: int) -> None:
    """Build and freeze a snapshot."""
    if job := Snapshot.objects.filter(pk=job_id).first():
        execute.snapshot(job)


@shared_task(name="annotation.tasks.write_release")  # type: ignore[untyped-decorator]
def write_release(job_id: int) -> None:
    """Write a release of a frozen snapshot."""
    if job := Release.objects.filter(pk=job_id).first():
        execute.release(job)


@shared_task(name="annotation.tasks.draft_summary")  # type: ignore[untyped-decorator]
def draft_summary(job_id: int) -> None:
    """Ask for the draft of a summary."""
    if job := SummaryDraft.objects.filter(pk=job_id).first():
        execute.draft_summary(job)


@shared_task(name="annotation.tasks.propose_lanes")  # type: ignore[untyped-decorator]
def propose_lanes(job_id: int) -> None:
    """Tell from two microphones who speaks when."""
    if job := LaneProposal.objects.filter(pk=job_id).first():
        execute.propose_lanes(job)
