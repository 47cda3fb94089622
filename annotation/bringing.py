"""Bring a transcript to a session: it becomes a new layer, and never touches a person's.

On the pages and for scripts a file comes in two steps: it is kept, and what would come of it is shown; then, once
somebody has said which speaker is whom, it becomes a layer.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotation.audio.whole import whole_file
from annotation.filling import fill_layer
from annotation.importing import Imported, Survey, TranscriptError, read_transcript, survey_transcript
from annotation.importing.proposing import propose_lanes
from annotation.importing.rows import LayerRows
from annotation.models import Layer, MixingSession, Participant, Person, Seat, Transcript
from annotation.models.transcript import KEPT

NOBODY = "No segment would come in: give at least one speaker a lane."
NOT_HERE = "This transcript is not here any more; choose the file again."


def bring_transcript(
    session: MixingSession,
    path: Path,
    *,
    title: str = "",
    format: str | None = None,
    lanes: dict[str, str] | None = None,
    by: Person | None = None,
) -> Layer:
    """Read a transcript and make a submitted layer of it, with its repairs and losses attached.

    Raises TranscriptError with a sentence when it can't be read or does not fit the session; then nothing is made.
    """
    imported = read_transcript(path, format=format, lanes=lanes)
    _fit(imported, session)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    origin = {"file": path.name, "sha256": digest, "bytes": path.stat().st_size, "lanes": lanes or {}}
    with transaction.atomic():
        return _layer_of(session, imported, title=title or path.name, origin=origin, by=by)


def _layer_of(
    session: MixingSession, imported: Imported, *, title: str, origin: dict[str, Any], by: Person | None
) -> Layer:
    """Write a submitted layer of what was read."""
    layer = Layer.objects.create(
        session=session,
        kind=Layer.Kind.IMPORT,
        title=title[:200],
        state=Layer.State.SUBMITTED,
        report={"repaired": imported.repaired, "lost": imported.lost, "lanes": imported.lanes()},
        provenance=origin,
    )
    fill_layer(layer, imported.rows, by=by)
    _take_seats(session, imported)
    return layer


@dataclass(frozen=True)
class Outlook:
    """What would come of a transcript: its speakers, the lane of each, the rows, or why there would be none.

    `reason` says why these lanes are proposed, as long as nobody has chosen any.
    """

    survey: Survey
    lanes: dict[str, str]
    imported: Imported = field(default_factory=lambda: Imported(LayerRows()))
    trouble: TranscriptError | None = None
    reason: str = ""


def keep_transcript(
    session: MixingSession, name: str, chunks: Iterable[bytes], *, format: str | None = None, by: Person
) -> Transcript:
    """Keep a file until its speakers have lanes.

    Raises TranscriptError for one that can't be read, whatever the lanes; then nothing is kept.
    """
    expire_transcripts()
    kept = Transcript(session=session, by=by, name=name.replace("\x00", "")[:255])
    digest = hashlib.sha256()
    with whole_file(kept.path) as part, part.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    try:
        survey = _surveyed(kept.path, format, name)
        kept.format, kept.sha256, kept.size = survey.format, digest.hexdigest(), kept.path.stat().st_size
        kept.save()
    except BaseException:
        kept.path.unlink(missing_ok=True)
        raise
    return kept


def outlook(kept: Transcript) -> Outlook:
    """Read a kept transcript with the lanes that were given, or with those that its names and speech suggest.

    Raises TranscriptError when the file is not here any more.
    """
    survey = _surveyed(kept.path, kept.format, kept.name)
    proposal = propose_lanes(survey.speakers)
    lanes = proposal.lanes | kept.lanes
    is_guessed = not kept.lanes and any(speaker.lane is None for speaker in survey.speakers)
    reason = proposal.reason if is_guessed else ""
    try:
        imported = _read(kept, lanes)
    except TranscriptError as error:
        return Outlook(survey, lanes, trouble=error, reason=reason)
    return Outlook(survey, lanes, imported, reason=reason)


def make_layer(kept: Transcript, lanes: dict[str, str], *, by: Person) -> Layer:
    """Make the one layer that a kept transcript becomes; asked twice, or by two at once, it is the same layer.

    Raises TranscriptError with a sentence, and keeps the file, when these lanes won't do.
    """
    if kept.layer is not None:
        return kept.layer
    imported = _read(kept, lanes)
    origin = {"file": kept.name, "sha256": kept.sha256, "bytes": kept.size, "format": kept.format, "lanes": lanes}
    with transaction.atomic():
        held = Transcript.objects.select_for_update().select_related(None).filter(pk=kept.pk).first()
        if held is None:
            raise TranscriptError("no-file", NOT_HERE)
        if held.layer is None:
            title = kept.name or "Transcript"
            held.layer = _layer_of(kept.session, imported, title=title, origin=origin, by=by)
            held.lanes = lanes
            held.save(update_fields=["layer", "lanes"])
    kept.path.unlink(missing_ok=True)
    return held.layer


def drop_transcript(kept: Transcript) -> bool:
    """Forget a transcript that waits, with its file; False when it is a layer already."""
    if not Transcript.objects.waiting().filter(pk=kept.pk).delete()[0]:
        return False
    kept.path.unlink(missing_ok=True)
    return True


def expire_transcripts() -> None:
    """Forget transcripts that waited too long, and bytes that no transcript names."""
    until = timezone.now() - KEPT
    for old in Transcript.objects.waiting().filter(created_at__lt=until)[:50]:
        drop_transcript(old)
    for path in Path(settings.UPLOADS_ROOT).glob("*.transcript"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until.timestamp():
                path.unlink()


def _surveyed(path: Path, format: str | None, name: str) -> Survey:
    if not path.is_file():
        raise TranscriptError("no-file", NOT_HERE)
    try:
        survey = survey_transcript(path, format=format)
    except TranscriptError as error:
        raise TranscriptError(error.code, error.message.replace(path.name, name or "The file")) from None
    return survey


def _read(kept: Transcript, lanes: dict[str, str]) -> Imported:
    """Read a kept transcript so that it fits its session."""
    if not kept.path.is_file():
        raise TranscriptError("no-file", NOT_HERE)
    imported = read_transcript(kept.path, format=kept.format, lanes=lanes)
    if not imported.rows.segments:
        raise TranscriptError("nobody", NOBODY)
    _fit(imported, kept.session)
    return imported


def _fit(imported: Imported, session: MixingSession) -> None:
    """Cut what runs past the end by less than a second; refuse a transcript of another session."""
    end = max((row["end_ms"] for row in imported.rows.segments), default=0)
    if session.length_ms and end > session.length_ms + 1000:
        raise TranscriptError(
            "other-session",
            f"The transcript runs to {end / 1000:.1f} s and the session ends at {session.length_ms / 1000:.1f} s: "
            "it seems to belong to another recording.",
        )
    for row in imported.rows.segments:
        if session.length_ms and row["end_ms"] > session.length_ms:
            if row["start_ms"] >= session.length_ms:
                raise TranscriptError("other-session", "A segment of the transcript starts after the session's end.")
            imported.repaired.append({"what": "cut at the session's end", "where": f"{row['start_ms']} ms"})
            row["end_ms"] = session.length_ms
        if session.length_ms and "words" in row:
            row["words"] = [[min(at, session.length_ms) for at in word[:2]] + word[2:] for word in row["words"]]
    topics = {topic["key"] for topic in session.project.topics}
    flags = {flag["key"] for flag in session.project.flags}
    for conversation in imported.rows.conversations:
        if conversation["topic"] not in topics:
            name = conversation["topic"]
            raise TranscriptError("unknown-topic", f"The project has no topic “{name}”; add it to the project first.")
    for flag in imported.rows.flags:
        if flag["flag"] not in flags:
            raise TranscriptError("unknown-flag", f"The project has no flag “{flag['flag']}”.")


def _take_seats(session: MixingSession, imported: Imported) -> None:
    """Seat the people whom the transcript names by their codes, where the session has none yet."""
    if session.seats.exists():
        return
    for role in ("amateur", "expert"):
        code = _word(imported.facts.get(role))[:40]
        if code:
            participant, _ = Participant.objects.get_or_create(project=session.project, code=code)
            Seat.objects.get_or_create(session=session, participant=participant, defaults={"role": role})
    license = _word(imported.facts.get("license"))[:80]
    if license and not session.license:
        session.license = license
        session.save(update_fields=["license"])


def _word(fact: object) -> str:
    return fact.strip() if isinstance(fact, str) else ""
