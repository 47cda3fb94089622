"""Bring a transcript to a session: it becomes a new layer, and never touches a person's."""

from pathlib import Path

from django.db import transaction

from annotation.filling import fill_layer
from annotation.importing import Imported, TranscriptError, read_transcript
from annotation.models import Layer, MixingSession, Participant, Person, Seat


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
    with transaction.atomic():
        layer = Layer.objects.create(
            session=session, kind=Layer.Kind.IMPORT, title=(title or path.name)[:200], state=Layer.State.SUBMITTED
        )
        fill_layer(layer, imported.rows, by=by)
        layer.report = {"repaired": imported.repaired, "lost": imported.lost, "lanes": imported.lanes()}
        layer.save(update_fields=["report"])
        _take_seats(session, imported)
    return layer


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
