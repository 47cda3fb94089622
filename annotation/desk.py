"""The rows that one request works on, and what must hold of them whatever was asked."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from annotation.models import Conversation, Edit, Lane, Layer, Person, Turn
from annotation.tables import MEMBER_LANES, READ, Change, Known, Row, members, read_flags, read_latest

QUOTED = 40  # characters of what somebody sent


class EditError(Exception):
    """An edit that can't be applied, in a sentence; nothing of its request is."""

    def __init__(self, code: str, message: str, edit: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.edit = edit


@dataclass
class Desk:
    """The rows that one request works on, read when they are first needed and kept as they become.

    What is stored of who belongs to whom is asked once; what the request itself changes is among the rows.
    """

    layer: Layer
    by: Person | None
    length_ms: int
    topics: frozenset[str]
    flags: frozenset[str]
    retired: frozenset[tuple[str, str]] = frozenset()  # ("topic" or "flag", its key): read, and not chosen again
    bold: bool = False  # a new row's uid is fresh unless its table says otherwise
    rows: dict[tuple[str, str], Row | None] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    edits: dict[str, Edit] = field(default_factory=dict)  # that are to be undone
    turns_of: dict[str, set[str]] = field(default_factory=dict)  # stored, by segment
    homes_of: dict[str, set[str]] = field(default_factory=dict)  # stored, by turn
    flags_of: dict[str, set[str]] = field(default_factory=dict)  # stored, by turn

    def get(self, kind: str, uid: str) -> Row | None:
        """A row as it is now; None when there is none."""
        if (kind, uid) in self.rows:
            return self.rows[kind, uid]
        if kind == "summary":
            self.lay_summary(uid, read_latest(self.layer, [uid]).get(uid))
        elif kind == "flag" and uid not in self.flags_of.get(uid.partition(":")[0], {uid}):
            self.rows[kind, uid] = None
        else:
            self.rows[kind, uid] = READ[kind](self.layer, [uid]).get(uid)
        return self.rows[kind, uid]

    def lay_summary(self, turn: str, latest: Row | None) -> None:
        """Remember what was written last as the summary of a turn; no text took it away."""
        self.known.written[turn] = latest["revision"] if latest else 0
        self.rows["summary", turn] = latest if latest and latest["text"] else None

    def need(self, kind: str, uid: Any) -> Row:
        """A row that must be there."""
        row = self.get(kind, as_uid(uid))
        if row is None:
            raise EditError(f"no-{kind}", f"This {kind} isn't there any more; it may have been deleted meanwhile.")
        return row

    def is_fresh(self, kind: str, uid: str) -> bool:
        """Whether no row has this uid."""
        if self.bold:
            if kind == "segment":
                self.turns_of.setdefault(uid, set())
            return self.rows.setdefault((kind, uid)) is None
        return self.get(kind, uid) is None

    def put(self, changes: Iterable[Change]) -> None:
        """Remember what changes make of the rows."""
        for each in changes:
            self.rows[each["kind"], each["uid"]] = each["after"]

    def turns_with(self, segment: str) -> list[Row]:
        """The turns that a segment belongs to."""
        if segment not in self.turns_of:
            stored = Turn.objects.filter(layer=self.layer, members__segment__uid=segment)
            self.turns_of[segment] = {str(uid) for uid in stored.values_list("uid", flat=True)}
        return self._now("turn", self.turns_of[segment], lambda row: segment in members(row))

    def conversations_with(self, turn: str) -> list[Row]:
        """The conversations that a turn is in: one at most, unless a change is about to break that."""
        if turn not in self.homes_of:
            stored = Conversation.objects.filter(layer=self.layer, turns__uid=turn)
            self.homes_of[turn] = {str(uid) for uid in stored.values_list("uid", flat=True)}
        return self._now("conversation", self.homes_of[turn], lambda row: turn in row["turns"])

    def conversation_of(self, turn: str) -> Row | None:
        """The conversation that a turn is in."""
        return next(iter(self.conversations_with(turn)), None)

    def flags_on(self, turn: str) -> list[Row]:
        """The flags that are set on a turn."""
        if turn not in self.flags_of:
            self.flags_of[turn] = set(read_flags(self.layer, [turn]))
        return self._now("flag", self.flags_of[turn], lambda row: row["turn"] == turn)

    def _now(self, kind: str, stored: set[str], holds: Any) -> list[Row]:
        """Of the rows that were stored or are on the desk, those that it holds of now."""
        known = {uid for (each, uid), row in self.rows.items() if each == kind and row and holds(row)}
        rows = [self.get(kind, uid) for uid in sorted({*stored, *known})]
        return [row for row in rows if row and holds(row)]


def desk_for(layer: Layer, by: Person | None, *, bold: bool = False) -> Desk:
    """A fresh working set for a layer whose session and project are loaded."""
    project = layer.session.project
    topics = frozenset(topic["key"] for topic in project.topics)
    flags = frozenset(flag["key"] for flag in project.flags)
    kinds = (("topic", project.topics), ("flag", project.flags))
    retired = frozenset((kind, entry["key"]) for kind, entries in kinds for entry in entries if entry.get("retired"))
    return Desk(layer, by, layer.session.length_ms, topics, flags, retired, bold)


def as_uid(value: Any) -> str:
    """A UUID in its usual form; anything else is an EditError."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise EditError("bad-uid", "Each edit and each row is named by a UUID.") from None


def quoted(value: Any) -> str:
    """What somebody sent, for a sentence about it: its beginning where it is long, and no more than that it is none."""
    if not isinstance(value, str | int | float | None):
        return "…"
    text = str(value)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"


def change(kind: str, uid: str, before: Row | None, after: Row | None) -> Change:
    """One row's change."""
    return {"kind": kind, "uid": uid, "before": before, "after": after}


def folded(changes: Iterable[Change]) -> list[Change]:
    """One change a row: what it was at first, what it becomes at last."""
    rows: dict[tuple[str, str], Change] = {}
    for each in changes:
        key = each["kind"], each["uid"]
        rows[key] = {**each, "before": rows[key]["before"]} if key in rows else each
    return list(rows.values())


def stands(desk: Desk, made: Change) -> bool:
    """Whether a row, as a change that is on the desk makes it, fits all that is around it.

    An utterance is in one turn, a turn has members and is in one conversation, a conversation has turns, and nothing
    hangs on a row that is gone.
    """
    kind, uid, row, before = made["kind"], made["uid"], made["after"], made["before"]
    if kind == "segment":
        if row and (before is None or before["lane"] == row["lane"]):
            return True  # a fresh row is in no turn but those that this request changes too
        return all(row is not None and _may_hold(desk, turn, row["lane"], uid) for turn in desk.turns_with(uid))
    if kind == "turn":
        if row is None:
            return not (desk.conversations_with(uid) or desk.get("summary", uid) or desk.flags_on(uid))
        return bool(members(row)) and all(
            _may_hold(desk, row, lane, segment) for lane in MEMBER_LANES for segment in row[lane]
        )
    if row is None:
        return True
    if kind == "conversation":
        alone = all(desk.get("turn", turn) and len(desk.conversations_with(turn)) == 1 for turn in row["turns"])
        return bool(row["turns"]) and alone
    return desk.get("turn", row["turn"]) is not None


def _may_hold(desk: Desk, turn: Row, lane: str, segment: str) -> bool:
    row = desk.get("segment", segment)
    alone = lane == Lane.MUSIC or len(desk.turns_with(segment)) == 1
    return row is not None and row["lane"] == lane and segment in turn.get(lane, ()) and alone
