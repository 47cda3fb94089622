"""The work behind each job of this room, under a lease."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from annotation import drafting
from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.desk import EditError
from annotation.earlier import before
from annotation.filling import fill_layer
from annotation.importing.rows import LayerRows, uid_at
from annotation.launch import drafter
from annotation.models import Derived, Ingest, LaneProposal, Layer, Release, Snapshot, SummaryDraft
from annotation.releasing import build_release
from annotation.snapshots.build import build
from annotation.uploading import sha256_of
from mixassist_site.jobs import JobError, JobStopped, Lease, State, ring, works


@dataclass(frozen=True, slots=True)
class Making:
    """How one kind of thing is asked of the child: what the place is called in the request, and how it is named."""

    note: str
    given_as: str
    suffix: str = ""


MAKINGS = {
    Derived.Kind.PEAKS: Making("draws the waveform", "folder"),
    Derived.Kind.LEVELS: Making("tells silence, speech and playback apart", "out", ".json.gz"),
    Derived.Kind.PROXY: Making("makes the playback audio", "out", ".mp4"),
    Derived.Kind.SPECTROGRAM: Making("paints the spectrogram", "folder"),
}


@works(Ingest)
def ingest(job: Ingest, lease: Lease) -> None:
    """Make one thing of a recording in a limited child, then publish it in one write."""
    recording = job.recording
    folder = recording.derived_folder()
    folder.mkdir(parents=True, exist_ok=True)
    making = MAKINGS[Derived.Kind(job.makes)]
    target = folder / f"{job.makes}-{job.pk}-{lease.fence}{making.suffix}"  # never that of an earlier job
    request = {"path": str(recording.path), making.given_as: str(target)}
    if job.makes == Derived.Kind.LEVELS:
        request["kind"] = recording.kind

    def report(share: float) -> None:
        lease.report(round(share * 1000), 1000, making.note)

    try:
        facts = child.run(job.makes, request, on_progress=report, should_stop=lease.should_stop)
        made = {"digest": facts.get("hash") or sha256_of(target), "path": str(target.relative_to(folder.parent.parent))}
        with lease.publication():
            kept = _drawn(facts) if job.makes == Derived.Kind.PEAKS else facts
            Derived.objects.update_or_create(recording=recording, kind=job.makes, defaults={**made, "facts": kept})
    except AudioError as error:
        _remove(target)
        if lease.should_stop():
            raise JobStopped from error
        raise JobError(error.code, error.message) from error
    except BaseException:  # the lease is lost, or the recording gone: what was made belongs to nobody
        _remove(target)
        with suppress(OSError):
            folder.rmdir()  # only when it is empty
        raise
    for waiting in recording.ingests.filter(state=State.QUEUED):  # what waited for this
        ring(waiting)
    for other in folder.glob(f"{job.makes}-*"):  # of the last time, or of an attempt that was killed
        if other != target:
            _remove(other)


def _drawn(facts: dict[str, Any]) -> dict[str, Any]:
    """What the timeline needs to know of a pyramid."""
    return {
        "base": facts["base"],
        "factor": facts["factor"],
        "tile_points": facts["tile_points"],
        "channels": facts["channels"],
        "rate": facts["rate"],
        "levels": [level["points"] if isinstance(level, dict) else level for level in facts["levels"]],
    }


def _remove(path: Any) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@works(Snapshot)
def snapshot(job: Snapshot, lease: Lease) -> None:
    """Build and freeze a snapshot."""
    build(job, lease)


@works(Release)
def release(job: Release, lease: Lease) -> None:
    """Write a release of a frozen snapshot."""
    build_release(job, lease)


@works(SummaryDraft)
def draft_summary(job: SummaryDraft, lease: Lease) -> None:
    """Ask the configured model for a summary, and keep its words until a person accepts them."""
    endpoint = drafter()
    if endpoint is None:
        raise JobError("off", "No language model is configured for drafts any more.")
    try:
        most = job.project.rules["summary_words"]["max"]
        messages = drafting.prompt(before(job.layer, str(job.turn_uid)), most)
        text = drafting.ask(endpoint, messages)
    except (EditError, drafting.DraftingError) as error:
        raise JobError(error.code, error.message) from error
    with lease.publication(text=text, model=endpoint.model, prompt_sha256=drafting.digest(messages)):
        pass  # the words are the job's own


@works(LaneProposal)
def propose_lanes(job: LaneProposal, lease: Lease) -> None:
    """Lay out who speaks when, as two microphones hear it, as a model's layer without words."""
    heard = {"amateur": job.amateur, "expert": job.expert}
    request = {
        "paths": [str(recording.path) for recording in heard.values()],
        "offsets_ms": [recording.offset_ms for recording in heard.values()],
    }

    def report(share: float) -> None:
        lease.report(round(share * 1000), 1000, "listens to both microphones")

    try:
        told = child.run("speakers", request, on_progress=report, should_stop=lease.should_stop)
    except AudioError as error:
        if lease.should_stop():
            raise JobStopped from error
        raise JobError(error.code, error.message) from error
    rows, length_ms = LayerRows(), job.session.length_ms
    for lane, spans in zip(heard, (told["first"], told["second"]), strict=True):
        for number, (start, end) in enumerate(spans):
            last = min(end, length_ms) if length_ms else end
            if start < last:
                row = {"uid": uid_at(lane, number, ""), "lane": lane, "start_ms": start, "end_ms": last, "text": ""}
                rows.segments.append(row)
    if not rows.segments:
        raise JobError("nobody", "Nobody is heard in these recordings; look whether they are the right ones.")
    lanes = {lane: sum(row["lane"] == lane for row in rows.segments) for lane in heard}
    made_of = {
        lane: f"{recording.name}, sha256 {recording.sha256}, from {recording.offset_ms} ms"
        for lane, recording in heard.items()
    }
    origin = {"made_by": "who is louder at their own microphone", "version": told["version"], "microphones": made_of}
    with lease.publication():
        layer = Layer.objects.create(
            session=job.session,
            kind=Layer.Kind.MODEL,
            title="Who speaks when",
            state=Layer.State.SUBMITTED,
            report={"lanes": lanes},
            provenance={**origin, "apart_db": told["apart_db"]},
        )
        fill_layer(layer, rows, by=None)
        LaneProposal.objects.filter(pk=job.pk).update(layer=layer)
