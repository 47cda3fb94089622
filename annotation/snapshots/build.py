"""Build and freeze a snapshot: choose layers, make rows, split, cut clips, write, publish."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max, Q

from annotation import editing
from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.models import Layer, MixingSession, Project, Recording, Snapshot
from annotation.snapshots import splits, writer
from annotation.snapshots.rows import Clip, TurnRow, rows_of
from mixassist_site.jobs import JobError, JobStopped, Lease, State

FEW_SESSIONS = 3  # below this, whole conversations stay together instead of whole sessions


class SnapshotError(JobError):
    """Why a snapshot can't be built, and how to mend it."""


def layers_for(project: Project, *, submitted: bool) -> dict[MixingSession, Layer]:
    """The layer that stands for each session.

    That which was accepted last; else, if wanted, what a person submitted last; else what was imported last.
    """
    states = [Layer.State.ACCEPTED, *([Layer.State.SUBMITTED] if submitted else [])]
    rows = Layer.objects.filter(session__project=project, state__in=states).select_related("session", "owner")
    accepted = Max("reviews__pk", filter=Q(reviews__verdict="accept"))
    chosen: dict[MixingSession, Layer] = {}
    for layer in sorted(rows.annotate(accepted=accepted), key=_standing):
        chosen[layer.session] = layer
    return dict(sorted(chosen.items(), key=lambda pair: pair[0].number))


def _standing(layer: Any) -> tuple[Any, ...]:
    since = layer.submitted_at.timestamp() if layer.submitted_at else 0.0
    is_accepted, is_human = layer.state == Layer.State.ACCEPTED, layer.kind == Layer.Kind.HUMAN
    return is_accepted, layer.accepted or 0, is_human, since, layer.pk


def gather(
    project: Project, wanted: dict[str, Any]
) -> tuple[list[TurnRow], list[dict[str, str]], dict[int, list[Recording]]]:
    """Rows that pass the filter, what was left out and why, and the recordings of each group."""
    rows: list[TurnRow] = []
    excluded: list[dict[str, str]] = []
    masters: dict[int, list[Recording]] = {}
    for session, layer in layers_for(project, submitted=bool(wanted.get("submitted"))).items():
        recordings = sorted(session.recordings.all(), key=lambda each: (each.kind != Recording.Kind.MIXED, each.pk))
        masters[session.number] = recordings
        found, left_out = rows_of(editing.document(layer), **_common(session, layer))
        rows += [replace(row, master_sha256=_heard(recordings, row)) for row in found]
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


def _common(session: MixingSession, layer: Layer) -> dict[str, Any]:
    seats = {seat.role: seat.participant.code for seat in session.seats.select_related("participant")}
    return {
        "session": session.title,
        "group": session.number,
        "layer": layer.pk,
        "annotator": session.project.pseudonym_of(layer.owner) if layer.owner else layer.kind,
        "amateur": seats.get("amateur"),
        "expert": seats.get("expert"),
    }


def covering(recordings: Sequence[Recording], clip: Clip) -> Recording | None:
    """The first recording that holds the whole clip."""
    spans = ((each, each.offset_ms, each.offset_ms + each.length_ms) for each in recordings)
    return next((each for each, start, end in spans if start <= clip.start_ms and clip.end_ms <= end), None)


def _heard(recordings: Sequence[Recording], row: TurnRow) -> str | None:
    """The hash of the master that a row's clip is cut from; without a clip, of the session's first."""
    recording = covering(recordings, row.clip) if row.clip else next(iter(recordings), None)
    return recording.sha256 if recording else None


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
    sweep(Path(settings.SNAPSHOTS_ROOT))
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


def sweep(root: Path) -> None:
    """Take away what attempts have left that a kill cut short: folders that no snapshot names and nobody builds."""
    attempts = [path for path in root.glob("*/*") if path.is_dir()]  # listed first: whoever made one is known by now
    running = {str(pk) for pk in Snapshot.objects.filter(state=State.RUNNING).values_list("pk", flat=True)}
    kept = set(Snapshot.objects.exclude(folder="").values_list("folder", flat=True))
    for attempt in attempts:
        if attempt.parent.name not in running and str(attempt.relative_to(root)) not in kept:
            shutil.rmtree(attempt, ignore_errors=True)


def cut_clips(rows: list[TurnRow], masters: dict[int, list[Recording]], folder: Path, lease: Lease) -> None:
    """Cut every clip that a row or its history names, recording by recording."""
    wanted: dict[int, dict[str, Clip]] = {}
    for row in rows:
        for turn in (row, *row.history):
            for clip in (*turn.clips, *([turn.clip] if turn.clip else [])):
                wanted.setdefault(row.group, {})[clip.file] = clip
    total = sum(map(len, wanted.values()))
    done = 0
    for group, clips in sorted(wanted.items()):
        (folder / "audio" / "segments" / f"Group{group}").mkdir(parents=True, exist_ok=True)
        for recording, spans in _by_recording(group, masters.get(group, []), clips).items():
            try:
                request = {"path": str(recording.path), "spans": spans, "folder": str(folder)}
                child.run("clips", request, should_stop=lease.should_stop)
            except AudioError as error:
                if lease.should_stop():
                    raise JobStopped from error
                raise SnapshotError(error.code, error.message) from error
            done += len(spans)
            lease.report(done, total, f"clips of Group{group}")


def _by_recording(
    group: int, recordings: Sequence[Recording], clips: dict[str, Clip]
) -> dict[Recording, list[dict[str, Any]]]:
    """Which spans to cut from which recording; a clip that none holds whole can't be cut."""
    spans: dict[Recording, list[dict[str, Any]]] = {}
    for file, clip in sorted(clips.items()):
        recording = covering(recordings, clip)
        if recording is None:
            at = f"{clip.start_ms / 1000:.1f} to {clip.end_ms / 1000:.1f} s"
            raise SnapshotError(
                "no-recording",
                f"No recording of the session Group{group} holds the music from {at}; add it, or cut it.",
            )
        offset = recording.offset_ms
        span = {"start_ms": clip.start_ms - offset, "end_ms": clip.end_ms - offset, "name": file}
        spans.setdefault(recording, []).append(span)
    return spans
