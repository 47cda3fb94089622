"""Build and freeze a snapshot: choose layers, make rows, split, cut clips, write, publish."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from posixpath import normpath
from typing import Any

from django.conf import settings
from django.db.models import Max, Q

from annotation import editing
from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.models import Layer, MixingSession, Participant, Project, Recording, Seat, Snapshot
from annotation.snapshots import splits, writer
from annotation.snapshots.choosing import VALUES, Chosen, choose, distinct_names, sorted_findings
from annotation.snapshots.rows import Clip, TurnRow, history_of, rows_of
from annotation.withdrawing import marks_for
from mixassist_site.jobs import JobError, JobStopped, Lease, State

FEW_SESSIONS = 3  # below this, whole conversations stay together instead of whole sessions


class SnapshotError(JobError):
    """Why a snapshot can't be built, and how to mend it."""


STATES = {
    "accepted": [Layer.State.ACCEPTED],
    "submitted": [Layer.State.ACCEPTED, Layer.State.SUBMITTED],
    "any": [Layer.State.ACCEPTED, Layer.State.SUBMITTED, Layer.State.RETURNED],  # and nobody's draft
}


def checked(project: Project, wanted: dict[str, Any]) -> dict[str, Any]:
    """A filter whose every word the project knows, in its usual form; SnapshotError names the first that it doesn't."""
    flags = {name: sorted(set(values)) for name, values in sorted((wanted.get("flags") or {}).items())}
    known = {
        "topic": ({topic["key"] for topic in project.topics}, wanted.get("topics") or []),
        "flag": ({flag["key"] for flag in project.flags}, list(flags)),
        "session number": (set(project.sessions.values_list("number", flat=True)), wanted.get("sessions") or []),
        "layer": (_offered(project), wanted.get("layers") or []),
    }
    for noun, (there, asked) in known.items():
        if unknown := sorted(set(asked) - there):
            raise SnapshotError("unknown-filter", f"The project has no {noun} {unknown[0]} to choose from.")
    if odd := sorted({value for values in flags.values() for value in values} - set(VALUES)):
        raise SnapshotError("unknown-filter", f"A flag is yes, no or unset, not “{odd[0][:40]}”.")
    if not 0 < wanted.get("fraction", 1.0) <= 1:
        raise SnapshotError("unknown-filter", "The fraction lies above 0 and is 1 at most.")
    lists = {name: sorted(set(wanted.get(name) or [])) for name in ("topics", "sessions", "layers", "exclude")}
    return {**wanted, **lists, "flags": flags, "split": wanted.get("split") or usual_split(project, wanted)}


def usual_split(project: Project, wanted: dict[str, Any]) -> str:
    """The published split where all that a filter wants was published, and else by session."""
    layers = layers_for(project, wanted).values()
    return "published" if layers and all(hasattr(layer, "published") for layer in layers) else "session"


def _offered(project: Project) -> set[int]:
    """The layers that a snapshot may be made of: nobody's draft."""
    layers = Layer.objects.filter(session__project=project).exclude(state=Layer.State.DRAFT)
    return set(layers.values_list("pk", flat=True))


def layers_for(project: Project, wanted: dict[str, Any]) -> dict[MixingSession, Layer]:
    """The layer that stands for each session that the filter wants.

    That which was accepted last; else, if wanted, what a person submitted last; else what was imported last.
    """
    state = wanted.get("state") or ("submitted" if wanted.get("submitted") else "accepted")
    rows = Layer.objects.filter(session__project=project, state__in=STATES[state])
    if wanted.get("sessions"):
        rows = rows.filter(session__number__in=wanted["sessions"])
    if wanted.get("layers"):
        rows = rows.filter(pk__in=wanted["layers"])
    accepted = Max("reviews__created_at", filter=Q(reviews__verdict="accept"))
    rows = rows.select_related("session__project", "owner", "published").annotate(accepted=accepted)
    chosen: dict[MixingSession, Layer] = {}
    for layer in sorted(rows, key=_standing):
        chosen[layer.session] = layer
    return dict(sorted(chosen.items(), key=lambda pair: pair[0].number))


def _standing(layer: Any) -> tuple[Any, ...]:
    since = layer.submitted_at.timestamp() if layer.submitted_at else 0.0
    reviewed = layer.accepted.timestamp() if layer.accepted else 0.0
    is_accepted, is_human = layer.state == Layer.State.ACCEPTED, layer.kind == Layer.Kind.HUMAN
    return is_accepted, reviewed, is_human, since, layer.created_at, layer.pk


def label_of(layer: Layer) -> str:
    """What files call a layer: no number of a database."""
    return f"Group{layer.session.number}/{annotator_of(layer)}"


def annotator_of(layer: Layer) -> str:
    """Whose account a layer is: a pseudonym, or where it comes from."""
    return layer.session.project.pseudonym_of(layer.owner) if layer.owner else str(layer.kind)


@dataclass
class Gathered:
    """What a filter finds: rows, findings, and each group's session and recordings."""

    chosen: Chosen
    masters: dict[int, list[Recording]] = field(default_factory=dict)
    sessions: dict[int, MixingSession] = field(default_factory=dict)
    layers: dict[int, Layer] = field(default_factory=dict)


def gather(project: Project, wanted: dict[str, Any]) -> Gathered:
    """Rows that pass the filter, what was left out and why, and the recordings of each group."""
    layers = layers_for(project, wanted)
    documents = {session: editing.document(layer) for session, layer in layers.items()}
    names = {} if wanted.get("split") == "published" else _other_names(layers, documents)
    rows: list[TurnRow] = []
    made = Gathered(Chosen())
    seats = Seat.objects.filter(session__in=layers).select_related("participant")
    seated: dict[int, list[Seat]] = {}
    for seat in seats:
        seated.setdefault(seat.session_id, []).append(seat)
    recordings: dict[int, list[Recording]] = {}
    for recording in Recording.objects.filter(session__in=layers):
        recordings.setdefault(recording.session_id, []).append(recording)
    for session, layer in layers.items():
        group = session.number
        made.sessions[group], made.layers[group] = session, layer
        made.masters[group] = sorted(recordings.get(session.pk, []), key=_first_heard)
        facts = layer.published.facts if hasattr(layer, "published") else None
        common = _common(session, layer, seated.get(session.pk, []))
        found, left_out = rows_of(documents.pop(session), published=facts, names=names, **common)
        made.chosen.excluded += left_out
        gone = sorted(s.participant.code for s in seated.get(session.pk, []) if s.participant.withdrawn_at)
        if gone:
            why = f"The participant {gone[0]} of its session has withdrawn."
            made.chosen.excluded += [
                {"row": f"{row.conversation_id}, turn {row.turn_id}", "kind": "withdrawn", "why": why} for row in found
            ]
        else:
            rows += [replace(row, master_sha256=_heard(made.masters[group], row)) for row in found]
    consented = {group for group, session in made.sessions.items() if session.consent.strip()}
    chosen = choose(rows, wanted, consented=consented)
    chosen.excluded = sorted_findings([*made.chosen.excluded, *chosen.excluded])
    chosen.told = sorted_findings(chosen.told)
    made.chosen = chosen
    return made


def _first_heard(recording: Recording) -> tuple[bool, int, str]:
    """The order in which recordings are asked for a clip: it is the same on any database."""
    return recording.kind != Recording.Kind.MIXED, recording.offset_ms, recording.sha256


def _other_names(layers: dict[MixingSession, Layer], documents: dict[MixingSession, dict[str, Any]]) -> dict[str, str]:
    """Names for published conversations that share one: rows of both may come into one split."""
    found = []
    for session, layer in layers.items():
        if not hasattr(layer, "published"):
            continue
        facts = layer.published.facts
        for conversation in documents[session]["conversations"]:
            if name := facts["conversations"].get(conversation["uid"]):
                told = (facts["turns"].get(uid, {}).get("split") for uid in conversation["turns"])
                place = min((splits.SPLITS.index(split) for split in told if split), default=0)
                found.append((name, place, session.number, conversation["uid"]))
    return distinct_names(found)


def _common(session: MixingSession, layer: Layer, seated: list[Seat]) -> dict[str, Any]:
    seats = {seat.role: seat.participant.code for seat in sorted(seated, key=lambda seat: seat.participant.code)}
    return {
        "session": session.title,
        "group": session.number,
        "layer": label_of(layer),
        "annotator": annotator_of(layer),
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
    if wanted.get("split") == "published":
        placed, split_by = [replace(row, split=row.published_split) for row in rows], "published"
    else:
        split_by = "session" if len({row.group for row in rows}) >= FEW_SESSIONS else "conversation"
        placed = _by_unit(rows, seed, by_session=split_by == "session")
    fraction = float(wanted.get("fraction") or 1.0)
    if fraction < 1.0:  # of the training rows: validation and test stay comparable
        within = {row.key: str(row.group) for row in placed if row.split == "train"}
        kept = splits.nested(sorted(within), fraction, seed=seed, within=within)
        placed = [row for row in placed if row.split != "train" or row.key in kept]
    return placed, split_by


def _by_unit(rows: list[TurnRow], seed: int, *, by_session: bool) -> list[TurnRow]:
    homes = {id(row): f"Group{row.group}" if by_session else row.conversation_id for row in rows}
    topics: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = topics.setdefault(homes[id(row)], {})
        counts[row.topic] = counts.get(row.topic, 0) + 1
    chosen = splits.assign([splits.Unit(key, counts) for key, counts in sorted(topics.items())], seed=seed)
    return [replace(row, split=chosen[homes[id(row)]]) for row in rows]


def told_of_split(placed: Sequence[TurnRow], split_by: str, seed: int) -> str:
    """What stays together, in a sentence that a card can hold."""
    if split_by == "session":
        return f"Split by session, seed {seed}: no session is in two splits."
    homes: dict[int, set[str]] = {}
    for row in placed:
        homes.setdefault(row.group, set()).add(row.split)
    torn = ", ".join(f"Group{group}" for group, found in sorted(homes.items()) if len(found) > 1)
    if split_by == "published":
        return f"The published split; in two splits: {torn}." if torn else "The published split; no session is in two."
    return (
        f"Split by conversation, seed {seed}: no conversation is in two splits, but sessions are, since there are "
        f"fewer than {FEW_SESSIONS}."
    )


def preflight(project: Project, wanted: dict[str, Any], seed: int) -> dict[str, Any]:
    """What a snapshot would hold and leave out, without building it."""
    chosen = gather(project, wanted).chosen
    placed, split_by = split_rows(chosen.rows, wanted, seed) if chosen.rows else ([], "session")
    counts = {split: sum(row.split == split for row in placed) for split in splits.SPLITS}
    findings = [
        *({**each, "is_excluded": True} for each in chosen.excluded),
        *({**each, "is_excluded": False} for each in chosen.told),
    ]
    return {
        "rows": len(placed),
        "counts": counts,
        "split_by": split_by,
        "split_note": told_of_split(placed, split_by, seed),
        "kinds": chosen.kinds(),
        "excluded": chosen.excluded,
        "findings": findings,
    }


def build(snapshot: Snapshot, lease: Lease) -> None:
    """Make all files in a folder of this attempt, then publish them with the hash in one write."""
    project = snapshot.project
    sweep(Path(settings.SNAPSHOTS_ROOT))
    lease.report(0, 0, "reads the layers")
    found = gather(project, snapshot.filter)
    if not found.chosen.rows:
        raise SnapshotError(
            "no-rows",
            "No turn passes this filter: accept a layer with turns grouped in conversations, or widen the filter.",
        )
    placed, split_by = split_rows(found.chosen.rows, snapshot.filter, snapshot.seed)
    name = f"{snapshot.pk}/{lease.fence}"
    folder = Path(settings.SNAPSHOTS_ROOT) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        cut = cut_clips(placed, found.masters, folder, lease)
        if lease.should_stop():
            raise JobStopped
        groups = sorted({row.group for row in placed})
        held = [found.sessions[group] for group in groups]
        facts = {
            "name": snapshot.name,
            "filter": told_filter(snapshot.filter, found),
            "seed": snapshot.seed,
            "split_by": split_by,
            "split_note": told_of_split(placed, split_by, snapshot.seed),
            "license": ", ".join(sorted({session.license for session in held if session.license})),
            "consent": {f"Group{session.number}": session.consent for session in held},
            "vocabulary": project.vocabulary_number,
            "excluded": found.chosen.excluded,
            "absent_clips": absent_clips(placed, cut),
        }
        manifest = writer.write(placed, folder, facts)
        codes = sorted(set(Participant.objects.filter(seats__session__in=held).values_list("code", flat=True)))
        published = {
            "content_hash": manifest["content_hash"],
            "counts": manifest["rows"],
            "excluded": found.chosen.excluded,
            "participants": codes,
        }
        with lease.publication(folder=name, **published):
            if marks := marks_for(project, codes):
                Snapshot.objects.filter(pk=snapshot.pk).update(withdrawn=marks)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def told_filter(wanted: dict[str, Any], found: Gathered) -> dict[str, Any]:
    """The filter without the numbers of a database: layers by their labels."""
    if not wanted.get("layers"):
        return wanted
    labels = {layer.pk: label_of(layer) for layer in found.layers.values()}
    return {**wanted, "layers": sorted(labels[pk] for pk in wanted["layers"] if pk in labels)}


def sweep(root: Path) -> None:
    """Take away what attempts have left that a kill cut short: folders that no snapshot names and nobody builds."""
    attempts = [path for path in root.glob("*/*") if path.is_dir()]  # listed first: whoever made one is known by now
    running = {str(pk) for pk in Snapshot.objects.filter(state=State.RUNNING).values_list("pk", flat=True)}
    kept = set(Snapshot.objects.exclude(folder="").values_list("folder", flat=True))
    for attempt in attempts:
        if attempt.parent.name not in running and str(attempt.relative_to(root)) not in kept:
            shutil.rmtree(attempt, ignore_errors=True)


def cut_clips(rows: Sequence[TurnRow], masters: dict[int, list[Recording]], folder: Path, lease: Lease) -> set[str]:
    """Cut every clip that a row or its history names, recording by recording; the files that are there then."""
    wanted: dict[int, dict[str, Clip]] = {}
    seen: set[str] = set()
    for row in rows:
        for turn in (row, *row.history):
            for clip in turn.clips:
                if clip.file not in seen:
                    seen.add(clip.file)
                    wanted.setdefault(row.group, {})[normpath(clip.file)] = clip
    total = sum(map(len, wanted.values()))
    done = 0
    for group, clips in sorted(wanted.items()):
        for parent in {Path(name).parent for name in clips}:
            (folder / parent).mkdir(parents=True, exist_ok=True)
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
    return {name for clips in wanted.values() for name in clips}


def absent_clips(rows: Iterable[TurnRow], cut: set[str]) -> list[str]:
    """The clips that rows and histories name and that are not among the files: a published set without its sound."""
    named = {row.audio_file for row in rows} | {told["audio_file"] for row in rows for told in history_of(row)}
    return sorted(name for name in named if name and normpath(name) not in cut)


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
