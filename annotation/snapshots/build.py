"""Build and freeze a snapshot: choose layers, make rows, split, cut clips, write, publish."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation import editing
from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.models import Layer, Membership, MixingSession, Project, Recording, Snapshot
from annotation.snapshots import splits, writer
from annotation.snapshots.rows import Clip, TurnRow, rows_of
from mixassist_site.jobs import JobError, JobStopped, Lease

FEW_SESSIONS = 3  # below this, whole conversations stay together instead of whole sessions


class SnapshotError(JobError):
    """Why a snapshot can't be built, and how to mend it."""


def layers_for(project: Project, *, submitted: bool) -> dict[MixingSession, Layer]:
    """The layer that stands for each session: the last that was accepted, else (if wanted) the last submitted."""
    states = [Layer.State.ACCEPTED, *([Layer.State.SUBMITTED] if submitted else [])]
    chosen: dict[MixingSession, Layer] = {}
    rows = Layer.objects.filter(session__project=project, state__in=states).select_related("session", "owner")
    for layer in sorted(rows, key=lambda layer: (layer.state == Layer.State.ACCEPTED, layer.pk)):
        chosen[layer.session] = layer
    return dict(sorted(chosen.items(), key=lambda pair: pair[0].number))


def gather(
    project: Project, wanted: dict[str, Any]
) -> tuple[list[TurnRow], list[dict[str, str]], dict[int, Recording]]:
    """Rows that pass the filter, what was left out and why, and the recording of each group."""
    rows: list[TurnRow] = []
    excluded: list[dict[str, str]] = []
    masters: dict[int, Recording] = {}
    for session, layer in layers_for(project, submitted=bool(wanted.get("submitted"))).items():
        recording = session.recordings.order_by("kind", "pk").filter(kind=Recording.Kind.MIXED).first()
        recording = recording or session.recordings.first()
        if recording:
            masters[session.number] = recording
        found, left_out = rows_of(editing.document(layer), **_common(session, layer, recording))
        rows += found
        excluded += left_out
    topics = set(wanted.get("topics") or [])
    kept = []
    for row in rows:
        if wanted.get("has_content") and row.has_content is not True:
            excluded.append({"row": f"{row.conversation_id}, turn {row.turn_id}", "why": "has_content is not yes."})
        elif topics and row.topic not in topics:
            excluded.append({"row": f"{row.conversation_id}, turn {row.turn_id}", "why": f"Its topic is {row.topic}."})
        else:
            kept.append(row)
    return kept, excluded, masters


def _common(session: MixingSession, layer: Layer, recording: Recording | None) -> dict[str, Any]:
    seats = {seat.role: seat.participant.code for seat in session.seats.select_related("participant")}
    member = Membership.objects.filter(project=session.project_id, person=layer.owner_id).first()
    return {
        "session": session.title,
        "group": session.number,
        "master_sha256": recording.sha256 if recording else None,
        "layer": layer.pk,
        "annotator": member.pseudonym if member else layer.kind,
        "amateur": seats.get("amateur"),
        "expert": seats.get("expert"),
    }


def split_rows(rows: list[TurnRow], wanted: dict[str, Any], seed: int) -> tuple[list[TurnRow], str]:
    """Rows with their split, and what stays together: sessions, or conversations where sessions are few."""
    by_session = len({row.group for row in rows}) >= FEW_SESSIONS
    homes = {id(row): f"Group{row.group}" if by_session else row.conversation_id for row in rows}
    topics: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = topics.setdefault(homes[id(row)], {})
        counts[row.topic] = counts.get(row.topic, 0) + 1
    chosen = splits.assign([splits.Unit(key, counts) for key, counts in sorted(topics.items())], seed=seed)
    placed = [replace(row, split=chosen[homes[id(row)]]) for row in rows]
    fraction = float(wanted.get("fraction") or 1.0)
    if fraction < 1.0:  # of the training rows: validation and test stay comparable
        within = {row.key: str(row.group) for row in placed if row.split == "train"}
        kept = splits.nested(sorted(within), fraction, seed=seed, within=within)
        placed = [row for row in placed if row.split != "train" or row.key in kept]
    return placed, "session" if by_session else "conversation"


def preflight(project: Project, wanted: dict[str, Any], seed: int) -> dict[str, Any]:
    """What a snapshot would hold and leave out, without building it."""
    rows, excluded, _ = gather(project, wanted)
    placed, split_by = split_rows(rows, wanted, seed) if rows else ([], "session")
    counts = {split: sum(row.split == split for row in placed) for split in splits.SPLITS}
    return {"rows": len(placed), "counts": counts, "split_by": split_by, "excluded": excluded}


def build(snapshot: Snapshot, lease: Lease) -> None:
    """Make all files in a folder of this attempt, then publish them with the hash in one write."""
    project = snapshot.project
    rows, excluded, masters = gather(project, snapshot.filter)
    if not rows:
        raise SnapshotError(
            "no-rows",
            "No turn passes this filter: accept a layer with turns grouped in conversations, or widen the filter.",
        )
    placed, split_by = split_rows(rows, snapshot.filter, snapshot.seed)
    name = f"{snapshot.pk}/{lease.fence}"
    folder = Path(settings.SNAPSHOTS_ROOT) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        cut_clips(placed, masters, folder, lease)
        licenses = sorted(set(project.sessions.exclude(license="").values_list("license", flat=True)))
        facts = {
            "name": snapshot.name,
            "filter": snapshot.filter,
            "seed": snapshot.seed,
            "split_by": split_by,
            "license": ", ".join(licenses),
            "excluded": excluded,
        }
        manifest = writer.write(placed, folder, facts)
        published = {"content_hash": manifest["content_hash"], "counts": manifest["rows"], "excluded": excluded}
        with lease.publication(folder=name, **published):
            pass
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for stale in folder.parent.iterdir():
        if stale != folder:
            shutil.rmtree(stale, ignore_errors=True)


def cut_clips(rows: list[TurnRow], masters: dict[int, Recording], folder: Path, lease: Lease) -> None:
    """Cut every clip that a row or its history names, recording by recording."""
    wanted: dict[int, dict[str, Clip]] = {}
    for row in rows:
        for turn in (row, *row.history):
            for clip in (*turn.clips, *([turn.clip] if turn.clip else [])):
                wanted.setdefault(row.group, {})[clip.file] = clip
    total = sum(map(len, wanted.values()))
    done = 0
    for group, clips in sorted(wanted.items()):
        recording = masters.get(group)
        if recording is None:
            raise SnapshotError("no-recording", f"The session Group{group} has music segments but no recording.")
        (folder / "audio" / "segments" / f"Group{group}").mkdir(parents=True, exist_ok=True)
        spans = [
            {"start_ms": clip.start_ms - recording.offset_ms, "end_ms": clip.end_ms - recording.offset_ms, "name": file}
            for file, clip in sorted(clips.items())
        ]
        try:
            request = {"path": str(recording.path), "spans": spans, "folder": str(folder)}
            child.run("clips", request, should_stop=lease.should_stop)
        except AudioError as error:
            if lease.should_stop():
                raise JobStopped from error
            raise SnapshotError(error.code, error.message) from error
        done += len(clips)
        lease.report(done, total, f"clips of Group{group}")
