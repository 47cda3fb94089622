"""Receive a published data set: a session for each group of clips, with a layer of all that was said in it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.filling import fill_layer
from annotation.models import Layer, MixingSession, Person, Project, Published, Recording
from annotation.models.vocabulary import LONGEST_KEY, paper_flags
from annotation.published import Folded, PublishedError, PublishedSet, fold, read_set
from annotation.published.facts import Notes
from annotation.published.folding import FoldedConversation
from annotation.published.placing import Placed, digest_of, find_clip, nominal_ms, place, turns_of
from annotation.uploading import add_recording

NOMINAL = "Published turns have no times: their places here are nominal, in the order of the conversations."
MAX_TOPICS = 100


@dataclass
class Received:
    """What came of a data set."""

    data: PublishedSet
    folded: Folded
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """For scripts and for people."""
        return {
            "formats": self.data.formats,
            "rows": self.data.counts(),
            "with_content": self.data.with_content(),
            "topics": self.data.topics(),
            "sha256": self.data.sha256,
            "differs": self.data.differs,
            "placeholders": dict(sorted(self.data.placeholders.items())),
            "sessions": self.sessions,
            "added": sum(one["is_new"] for one in self.sessions),
            "clips": sum(one["clips"] for one in self.sessions),
            "clips_missing": sum(one["clips_missing"] for one in self.sessions),
            "repaired": [*self.data.repaired.told(), *self.folded.repaired.told()],
            "lost": [*self.data.lost.told(), *self.folded.lost.told()],
        }


def receive(project: Project, folder: Path, *, clips: Path | None = None, by: Person | None = None) -> Received:
    """Bring in all of a data set or nothing; what is here already is not brought again.

    With a folder of clips, each session gets a recording in which they lie end to end. Raises PublishedError with a
    sentence.
    """
    if clips is not None and not clips.is_dir():
        raise PublishedError("no-folder", f"There is no folder of clips at {clips}.")
    data = read_set(folder)
    made = Received(data, fold(data.rows))
    masters: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="mixassist-clips-") as place_of_clips:
        laid = {
            group: _lay(conversations, clips, Path(place_of_clips) / f"group-{group}.wav")
            for group, conversations in made.folded.groups.items()
        }
        try:
            with transaction.atomic():
                held = Project.objects.select_for_update().get(pk=project.pk)
                _know_words(held, made, by)
                for group, conversations in sorted(made.folded.groups.items(), key=_in_order):
                    made.sessions.append(_session(held, group, conversations, laid[group], made, masters, by))
        except BaseException:
            for master in masters:
                master.unlink(missing_ok=True)
            raise
    return made


def _in_order(pair: tuple[int | None, Any]) -> tuple[bool, int]:
    return pair[0] is None, pair[0] or 0


@dataclass
class Laid:
    """A session's clips in one file, and which turns have one."""

    path: Path | None = None
    clip_ms: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    missing: int = 0
    repaired: Notes = field(default_factory=Notes)
    lost: Notes = field(default_factory=Notes)


def _lay(conversations: Sequence[FoldedConversation], clips: Path | None, out: Path) -> Laid:
    """Lay the clips of a session's turns end to end, in their order; a turn without one is silence."""
    laid, turns = Laid(), list(turns_of(conversations))
    found = {
        turn.uid: path.resolve()
        for turn in turns
        if clips is not None and turn.audio_file and (path := find_clip(clips, turn.audio_file))
    }
    if found:
        parts = [{"path": str(found[t.uid]) if t.uid in found else None, "ms": nominal_ms(t)} for t in turns]
        try:
            told = child.run("lay", {"parts": parts, "out": str(out)})["parts"]
        except AudioError as error:
            raise PublishedError(error.code, f"The clips could not be read: {error.message}") from error
        for turn, part in zip(turns, told, strict=True):
            if "error" in part:
                laid.lost.add(f"a clip: {part['error']['message']}", turn.audio_file or "")
            elif "sha256" in part:
                laid.clip_ms[turn.uid] = part["ms"]
                if part["filled"]:
                    laid.repaired.add("a clip filled up with silence to a whole millisecond", turn.audio_file or "")
                if part["resampled"]:
                    laid.repaired.add("a clip brought to 16 kHz mono", turn.audio_file or "")
        hashes = [[part["ms"], part.get("sha256")] for part in told]
        laid.digest = sha256(repr(hashes).encode()).hexdigest() if laid.clip_ms else ""
        laid.path = out if laid.clip_ms else None
    laid.missing = sum(bool(turn.audio_file) and turn.uid not in laid.clip_ms for turn in turns)
    return laid


def _know_words(project: Project, made: Received, by: Person | None) -> None:
    """Add the flag and the topics that the project's vocabulary lacks, as a version of it."""
    known = {topic["key"] for topic in project.topics}
    used = {conversation.topic for group in made.folded.groups.values() for conversation in group}
    fresh = [{"key": key, "label": key.replace("_", " ").capitalize()} for key in sorted(used - known)]
    if len(fresh) > MAX_TOPICS:
        raise PublishedError("too-many-topics", f"{len(fresh)} topics are new to the project; this is no topic column.")
    assert all(len(topic["key"]) <= LONGEST_KEY for topic in fresh)
    flags = [flag for flag in paper_flags() if flag["key"] not in {known["key"] for known in project.flags}]
    for flag in flags:
        if flag["letter"] in {known.get("letter") for known in project.flags}:
            del flag["letter"]
    if fresh or flags:
        words = {"topics": [*project.topics, *fresh], "flags": [*project.flags, *flags], "rules": project.rules}
        project.revise(seen=project.vocabulary_number, by=by, note="with a published data set", **words)


def _session(
    project: Project,
    group: int | None,
    conversations: Sequence[FoldedConversation],
    laid: Laid,
    made: Received,
    masters: list[Path],
    by: Person | None,
) -> dict[str, Any]:
    """One group's session: the layer that is here, or a new one."""
    digest = digest_of(conversations)
    here = Published.objects.filter(layer__session__project=project, group=group).select_related("layer__session")
    originals = here.filter(layer__kind=Layer.Kind.IMPORT).order_by("pk")
    same = originals.filter(digest=digest, **({"clips_digest": laid.digest} if laid.digest else {})).first()
    if same:
        return _told(same.layer, conversations, laid, is_new=False)
    first = originals.first()
    session = first.layer.session if first else _open(project, group, by)
    start = session.length_ms if session.recordings.exists() else 0  # a second recording lies behind the first
    placed = place(conversations, laid.clip_ms, start_ms=start)
    if laid.path is not None:
        masters.append(_record(session, laid.path, start, by).path)
    layer = _layer(session, group, placed, laid, made, digest)
    MixingSession.objects.filter(pk=session.pk, length_ms__lt=placed.length_ms).update(length_ms=placed.length_ms)
    return _told(layer, conversations, laid, is_new=True)


def _open(project: Project, group: int | None, by: Person | None) -> MixingSession:
    """A session whose number is the group's, since clips are named by it."""
    if group is None:
        return MixingSession.open(project, "No group", by)
    taken = project.sessions.filter(number=group).first()
    if taken:
        raise PublishedError(
            "number-taken",
            f"The session “{taken.title}” is number {group} of this project, and clips of Group{group} need that "
            "number; import the data set into a project of its own.",
        )
    return MixingSession.objects.create(project=project, number=group, title=f"Group {group}", created_by=by)


def _record(session: MixingSession, path: Path, start: int, by: Person | None) -> Recording:
    name = f"{session.title}, clips end to end.wav"
    try:
        recording = add_recording(path, name, session.project, by, session=session, kind=Recording.Kind.DAW)
    except AudioError as error:
        raise PublishedError(error.code, f"The clips could not be kept: {error.message}") from error
    recording.place(Recording.Kind.DAW, start)
    session.refresh_from_db(fields=["length_ms"])
    return recording


def _layer(session: MixingSession, group: int | None, placed: Placed, laid: Laid, made: Received, digest: str) -> Layer:
    """A layer of all that was said, accepted: its publishers have reviewed it."""
    sources = (made.data, made.folded, laid)
    repaired = [each for source in sources for each in source.repaired.told()]
    lost = [each for source in sources for each in source.lost.told()]
    layer = Layer.objects.create(
        session=session,
        kind=Layer.Kind.IMPORT,
        title="Published data set (places in time are nominal)",
        state=Layer.State.ACCEPTED,
        submitted_at=timezone.now(),
    )
    fill_layer(layer, placed.rows, by=None)
    lanes = [segment["lane"] for segment in placed.rows.segments]
    counts = {lane: lanes.count(lane) for lane in ("amateur", "expert", "music") if lane in lanes}
    layer.report = {"repaired": repaired, "lost": lost, "lanes": counts, "note": NOMINAL, "differs": made.data.differs}
    layer.save(update_fields=["report"])
    Published.objects.create(layer=layer, group=group, digest=digest, clips_digest=laid.digest, facts=placed.facts)
    return layer


def _told(layer: Layer, conversations: Sequence[FoldedConversation], laid: Laid, *, is_new: bool) -> dict[str, Any]:
    turns = list(turns_of(conversations))
    return {
        "session": layer.session_id,
        "title": layer.session.title,
        "layer": layer.pk,
        "is_new": is_new,
        "conversations": len(conversations),
        "turns": len(turns),
        "rows": sum(turn.row is not None for turn in turns),
        "clips": len(laid.clip_ms),
        "clips_missing": laid.missing,
    }
