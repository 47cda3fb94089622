"""What an importer makes: the rows of a layer, and what it repaired or lost on the way."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypedDict

LANES = ("amateur", "expert", "music", "note")
# Names under which other tools know the lanes.
ALIASES = {"student": "amateur", "learner": "amateur", "teacher": "expert", "mentor": "expert", "daw": "music"}
MAX_TEXT = 20_000  # characters of one text
MAX_MS = 100 * 3_600_000  # no session is longer
NAMESPACE = uuid.UUID("6e4f5b0a-8f4d-5d0e-9c0b-5a3c1f7d2e90")


class TranscriptError(Exception):
    """A transcript that can't be read, in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Repair(TypedDict):
    """Something that was mended or lost, and where."""

    what: str
    where: str


@dataclass
class LayerRows:
    """Rows in the shape in which the edits API tells them."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Imported:
    """A layer's rows, facts about the session that the file carried, repairs and losses."""

    rows: LayerRows
    facts: dict[str, Any] = field(default_factory=dict)
    repaired: list[Repair] = field(default_factory=list)
    lost: list[Repair] = field(default_factory=list)

    def text(self, value: Any, where: str) -> str:
        """A text that every database keeps: without NULs and halves of characters, which are told as repairs.

        Raises TypeError for what is no text, TranscriptError for one that is too long.
        """
        if not isinstance(value, str):
            raise TypeError(value)
        if len(value) > MAX_TEXT:
            raise TranscriptError("long-text", f"{where}: a text has at most {MAX_TEXT:,} characters; split this one.")
        kept = value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        if kept != value:
            self.repaired.append({"what": "characters that can't be stored", "where": where})
        return kept

    def lanes(self) -> dict[str, int]:
        """How many segments each lane got."""
        count = dict.fromkeys(LANES, 0)
        for segment in self.rows.segments:
            count[segment["lane"]] += 1
        return {lane: n for lane, n in count.items() if n}


def lane_of(name: str, lanes: dict[str, str]) -> str | None:
    """The lane that a speaker or tier name means; None when nobody said."""
    if name in lanes:
        return lanes[name]
    plain = name.strip().lower()
    known = ALIASES.get(plain, plain)
    return known if known in LANES else None


def uid_at(kind: str, position: int, content: str) -> str:
    """A uid that the same file always gives to the same row."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{position}:{content}"))


def require_whole(rows: LayerRows) -> None:
    """Refuse rows that name what isn't there, or that say two things of one.

    Raises TranscriptError with a sentence.
    """
    _once("double-uid", "Two segments of this transcript have the same uid.", (row["uid"] for row in rows.segments))
    _once("double-uid", "Two turns of this transcript have the same uid.", (row["uid"] for row in rows.turns))
    _once(
        "double-uid",
        "Two conversations of this transcript have the same uid.",
        (row["uid"] for row in rows.conversations),
    )
    lane = {row["uid"]: row["lane"] for row in rows.segments}
    for turn in rows.turns:
        members = [(side, uid) for side in ("amateur", "expert", "music") for uid in turn[side]]
        if not members:
            raise TranscriptError("empty-turn", "A turn has at least one utterance or clip; one here has none.")
        for side, uid in members:
            if lane.get(uid) != side:
                raise TranscriptError("unknown-segment", f"A turn names a segment that is not on its lane {side}.")
        _once("double-member", "A turn names a segment twice.", members)
    spoken = (uid for turn in rows.turns for side in ("amateur", "expert") for uid in turn[side])
    _once("in-two-turns", "An utterance belongs to one turn at most; one here is in two.", spoken)
    if not all(conversation["turns"] for conversation in rows.conversations):
        raise TranscriptError("empty-conversation", "A conversation has at least one turn; one here has none.")
    grouped = [turn for conversation in rows.conversations for turn in conversation["turns"]]
    _once("double-turn", "A turn is in one conversation at most.", grouped)
    turns = {turn["uid"] for turn in rows.turns}
    if not turns.issuperset({*grouped, *(row["turn"] for row in [*rows.summaries, *rows.flags])}):
        raise TranscriptError(
            "unknown-turn", "A conversation, summary or flag names a turn that is not in the transcript."
        )
    _once("double-summary", "A turn has one summary at most.", (row["turn"] for row in rows.summaries))
    _once("double-flag", "A flag is set once on a turn.", ((row["turn"], row["flag"]) for row in rows.flags))


def _once(code: str, message: str, values: Iterable[Any]) -> None:
    found = list(values)
    if len(set(found)) != len(found):
        raise TranscriptError(code, message)
