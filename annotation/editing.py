"""Every change of a layer: one operation in, rows before and after out, and the inverse for undo.

An operation is worked out against the rows as they are and becomes a list of changes, `{"kind", "uid", "before",
"after"}` with whole rows as JSON or null. Writing a list of changes is one function whatever the operation was, so an
undo is the same list with before and after exchanged, and a client that applies changes needs to know no operation.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import Max, Min

from annotation.filling import fill_layer
from annotation.importing.rows import LayerRows
from annotation.models import (
    Conversation,
    Edit,
    FlagValue,
    Lane,
    Layer,
    Person,
    Segment,
    Summary,
    Turn,
    TurnMember,
)

MAX_TEXT = 20_000
MAX_EDITS = 500  # in one request
HISTORY = 200  # how many edits can be undone after a reload
MEMBER_LANES = ("amateur", "expert", "music")
Row = dict[str, Any]


class Change(TypedDict):
    """One row before and after; null where it did not or does not exist."""

    kind: str
    uid: str
    before: Row | None
    after: Row | None


class EditError(Exception):
    """An edit that can't be applied, in a sentence; nothing of its request is."""

    def __init__(self, code: str, message: str, edit: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.edit = edit


class Stale(Exception):
    """The layer has moved on since the client's base revision."""

    def __init__(self, missed: list[Edit], revision: int) -> None:
        super().__init__("stale")
        self.missed = missed
        self.revision = revision


@dataclass
class Desk:
    """The rows that one request works on, read when they are first needed and kept as they become."""

    layer: Layer
    by: Person | None
    length_ms: int
    topics: frozenset[str]
    flags: frozenset[str]
    rows: dict[tuple[str, str], Row | None] = field(default_factory=dict)

    def get(self, kind: str, uid: str) -> Row | None:
        """A row as it is now; None when there is none."""
        if (kind, uid) not in self.rows:
            self.rows[kind, uid] = READ[kind](self.layer, [uid]).get(uid)
        return self.rows[kind, uid]

    def need(self, kind: str, uid: Any) -> Row:
        """A row that must be there."""
        row = self.get(kind, as_uid(uid))
        if row is None:
            raise EditError(f"no-{kind}", f"This {kind} isn't there any more; it may have been deleted meanwhile.")
        return row

    def put(self, changes: Iterable[Change]) -> None:
        """Remember what changes make of the rows."""
        for change in changes:
            self.rows[change["kind"], change["uid"]] = change["after"]

    def turns_with(self, segment: str) -> list[Row]:
        """The turns that a segment belongs to."""
        stored = Turn.objects.filter(layer=self.layer, members__segment__uid=segment).values_list("uid", flat=True)
        known = {uid for (kind, uid), row in self.rows.items() if kind == "turn" and row and segment in members(row)}
        rows = [self.get("turn", uid) for uid in sorted({*map(str, stored), *known})]
        return [row for row in rows if row and segment in members(row)]

    def conversations_with(self, turn: str) -> list[Row]:
        """The conversations that a turn is in: one at most, unless a change is about to break that."""
        stored = Conversation.objects.filter(layer=self.layer, turns__uid=turn).values_list("uid", flat=True)
        known = {
            uid for (kind, uid), row in self.rows.items() if kind == "conversation" and row and turn in row["turns"]
        }
        rows = [self.get("conversation", uid) for uid in sorted({*map(str, stored), *known})]
        return [row for row in rows if row and turn in row["turns"]]

    def conversation_of(self, turn: str) -> Row | None:
        """The conversation that a turn is in."""
        return next(iter(self.conversations_with(turn)), None)


def members(turn: Row) -> list[str]:
    """All segments of a turn."""
    return [uid for lane in MEMBER_LANES for uid in turn[lane]]


def as_uid(value: Any) -> str:
    """A UUID in its usual form; anything else is an EditError."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise EditError("bad-uid", "Each edit and each row is named by a UUID.") from None


def applied(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Edits as the API tells them."""
    return [{"id": str(edit.uid), "revision": edit.revision, "op": edit.op, "changes": edit.changes} for edit in edits]


def apply_edits(
    layer: Layer, by: Person, base_revision: int, edits: Sequence[dict[str, Any]]
) -> tuple[int, list[Edit]]:
    """Apply all of these edits or none; return the new revision and the edits as stored, in their order.

    An edit whose id is known already is not applied again and answers as it did. Raises Stale when the layer holds
    edits after `base_revision` that are not among these, EditError when one can't be applied.
    """
    if len(edits) > MAX_EDITS:
        raise EditError("too-many", f"Send at most {MAX_EDITS} edits at once.")
    ids = [as_uid(edit.get("id")) for edit in edits]
    if len(set(ids)) != len(ids):
        raise EditError("double-id", "Two edits of one request have the same id.")
    with transaction.atomic():
        held = Layer.objects.select_for_update(of=("self",)).select_related("session__project").get(pk=layer.pk)
        known = {str(edit.uid): edit for edit in Edit.objects.filter(layer=held, uid__in=ids)}
        fresh = [edit for edit, uid in zip(edits, ids, strict=True) if uid not in known]
        if fresh:
            if not held.is_editable_by(by):
                raise EditError("closed", "This layer is submitted; it can be changed again when it is returned.")
            if base_revision != held.revision:
                since = Edit.objects.filter(layer=held, revision__gt=base_revision).exclude(uid__in=ids)
                missed = list(since.select_related("author"))
                if missed or base_revision > held.revision:
                    raise Stale(missed, held.revision)
            desk = desk_for(held, by)
            for edit in fresh:
                known[as_uid(edit["id"])] = _apply_one(desk, edit)
            Layer.objects.filter(pk=held.pk).update(revision=held.revision)
    layer.revision = held.revision
    return held.revision, [known[uid] for uid in ids]


def desk_for(layer: Layer, by: Person | None) -> Desk:
    """A fresh working set for a layer whose session and project are loaded."""
    project = layer.session.project
    topics = frozenset(topic["key"] for topic in project.topics)
    return Desk(layer, by, layer.session.length_ms, topics, frozenset(flag["key"] for flag in project.flags))


def _apply_one(desk: Desk, edit: dict[str, Any]) -> Edit:
    uid = as_uid(edit.get("id"))
    op = str(edit.get("op"))
    operation = OPERATIONS.get(op)
    if operation is None:
        raise EditError("unknown-op", f"There is no operation “{op}”.", uid)
    arguments = {key: value for key, value in edit.items() if key not in ("id", "op")}
    try:
        changes, undoes = _undo(desk, arguments) if op == "undo" else (operation(desk, arguments), None)
    except EditError as error:
        error.edit = uid
        raise
    write(desk.layer, changes, by=desk.by)
    desk.put(changes)
    desk.layer.revision += 1
    return Edit.objects.create(
        layer=desk.layer,
        uid=uid,
        revision=desk.layer.revision,
        op=op,
        arguments=arguments,
        changes=changes,
        undoes=undoes,
        author=desk.by,
    )


# --- reading rows -----------------------------------------------------------------------------------------------------


def read_segments(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """Segments as rows, all or some."""
    found = Segment.objects.filter(layer=layer)
    if uids is not None:
        found = found.filter(uid__in=uids)
    return {str(uid): segment_row(str(uid), lane, a, b, text) for uid, lane, a, b, text in _segment_values(found)}


def _segment_values(found: Any) -> Iterable[tuple[Any, str, int, int, str]]:
    values: Iterable[tuple[Any, str, int, int, str]] = found.values_list("uid", "lane", "start_ms", "end_ms", "text")
    return values


def segment_row(uid: str, lane: str, start_ms: int, end_ms: int, text: str) -> Row:
    """A segment as the API tells it."""
    return {"uid": uid, "lane": lane, "start_ms": start_ms, "end_ms": end_ms, "text": text}


def read_turns(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """Turns with their members as rows, all or some."""
    found = Turn.objects.filter(layer=layer)
    if uids is not None:
        found = found.filter(uid__in=uids)
    rows: dict[str, Row] = {}
    for uid, amateur_text, expert_text in found.values_list("uid", "amateur_text", "expert_text"):
        texts = {"amateur_text": amateur_text, "expert_text": expert_text}
        rows[str(uid)] = {"uid": str(uid), "amateur": [], "expert": [], "music": [], **texts}
    places = TurnMember.objects.filter(turn__in=found).order_by("position", "pk")
    for turn, segment, lane in places.values_list("turn__uid", "segment__uid", "segment__lane"):
        if lane in MEMBER_LANES:
            rows[str(turn)][lane].append(str(segment))
    return rows


def read_conversations(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """Conversations with their turns in order of time, all or some."""
    found = Conversation.objects.filter(layer=layer)
    if uids is not None:
        found = found.filter(uid__in=uids)
    rows: dict[str, Row] = {
        str(uid): {"uid": str(uid), "topic": topic, "turns": []} for uid, topic in found.values_list("uid", "topic")
    }
    turns = Turn.objects.filter(conversation__in=found).annotate(at=first_moment()).order_by("at", "pk")
    for conversation, turn in turns.values_list("conversation__uid", "uid"):
        rows[str(conversation)]["turns"].append(str(turn))
    return rows


def first_moment() -> Any:
    """When a turn begins: the start of its first segment."""
    return Min("members__segment__start_ms")


def read_flags(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """Flags as rows under "<turn>:<flag>", all or some."""
    found = FlagValue.objects.filter(turn__layer=layer)
    if uids is not None:
        found = found.filter(turn__uid__in={uid.partition(":")[0] for uid in uids})
    rows = {}
    for turn, flag, value, note in found.values_list("turn__uid", "flag", "value", "note"):
        rows[f"{turn}:{flag}"] = {"turn": str(turn), "flag": flag, "value": value, "note": note}
    return rows


def read_summaries(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """The latest summary of each turn under the turn's uid, all or some; one with no text is taken away."""
    found = Summary.objects.filter(layer=layer).order_by("revision")
    if uids is not None:
        found = found.filter(turn_uid__in=uids)
    rows: dict[str, Row] = {}
    for turn, revision, text, author, model in found.values_list(
        "turn_uid", "revision", "text", "author__username", "model"
    ):
        uid = str(turn)
        rows[uid] = {"uid": uid, "turn": uid, "text": text, "revision": revision, "author": author or model}
    return {uid: row for uid, row in rows.items() if row["text"]}


READ: dict[str, Callable[[Layer, Sequence[str]], dict[str, Row]]] = {
    "segment": read_segments,
    "turn": read_turns,
    "conversation": read_conversations,
    "flag": read_flags,
    "summary": read_summaries,
}

# --- writing rows -----------------------------------------------------------------------------------------------------


def write(layer: Layer, changes: Sequence[Change], *, by: Person | None) -> None:
    """Make the rows what the changes say: first what comes or stays, then what goes."""
    for kind in ("segment", "turn", "conversation", "flag", "summary"):
        for change in changes:
            if change["kind"] == kind and change["after"] is not None:
                _WRITE[kind](layer, change["uid"], change["after"], by)
    for kind in ("summary", "flag", "conversation", "turn", "segment"):
        gone = [change["uid"] for change in changes if change["kind"] == kind and change["after"] is None]
        if gone:
            _delete(layer, kind, gone, by)


def _write_segment(layer: Layer, uid: str, row: Row, by: Person | None) -> None:
    fields = {name: row[name] for name in ("lane", "start_ms", "end_ms", "text")}
    if not Segment.objects.filter(layer=layer, uid=uid).update(**fields):
        Segment.objects.create(layer=layer, uid=uid, **fields)


def _write_turn(layer: Layer, uid: str, row: Row, by: Person | None) -> None:
    texts = {name: row[name] for name in ("amateur_text", "expert_text")}
    turn, fresh = Turn.objects.get_or_create(layer=layer, uid=uid, defaults=texts)
    if not fresh:
        Turn.objects.filter(pk=turn.pk).update(**texts)
        TurnMember.objects.filter(turn=turn).delete()
    segments = dict(Segment.objects.filter(layer=layer, uid__in=members(row)).values_list("uid", "pk"))
    TurnMember.objects.bulk_create(
        TurnMember(turn=turn, segment_id=segments[uuid.UUID(segment)], position=position)
        for position, segment in enumerate(members(row))
    )


def _write_conversation(layer: Layer, uid: str, row: Row, by: Person | None) -> None:
    conversation, fresh = Conversation.objects.get_or_create(layer=layer, uid=uid, defaults={"topic": row["topic"]})
    if not fresh:
        Conversation.objects.filter(pk=conversation.pk).update(topic=row["topic"])
        Turn.objects.filter(conversation=conversation).exclude(uid__in=row["turns"]).update(conversation=None)
    Turn.objects.filter(layer=layer, uid__in=row["turns"]).update(conversation=conversation)


def _write_flag(layer: Layer, uid: str, row: Row, by: Person | None) -> None:
    turn = Turn.objects.get(layer=layer, uid=row["turn"])
    FlagValue.objects.update_or_create(
        turn=turn, flag=row["flag"], defaults={"value": row["value"], "note": row["note"]}
    )


def _write_summary(layer: Layer, uid: str, row: Row, by: Person | None) -> None:
    """Each writing is a revision of its own, an undo too: no text of a summary is ever lost."""
    last = Summary.objects.filter(layer=layer, turn_uid=uid).aggregate(last=Max("revision"))["last"] or 0
    row["revision"] = last + 1
    Summary.objects.create(layer=layer, turn_uid=uid, revision=last + 1, text=row["text"], author=by)


_WRITE: dict[str, Callable[[Layer, str, Row, Person | None], None]] = {
    "segment": _write_segment,
    "turn": _write_turn,
    "conversation": _write_conversation,
    "flag": _write_flag,
    "summary": _write_summary,
}


def _delete(layer: Layer, kind: str, uids: list[str], by: Person | None) -> None:
    if kind == "summary":
        for uid in uids:
            _write_summary(layer, uid, {"text": ""}, by)
    elif kind == "flag":
        for uid in uids:
            turn, _, flag = uid.partition(":")
            FlagValue.objects.filter(turn__layer=layer, turn__uid=turn, flag=flag).delete()
    else:
        tables: dict[str, Any] = {"conversation": Conversation, "turn": Turn, "segment": Segment}
        tables[kind].objects.filter(layer=layer, uid__in=uids).delete()


# --- operations -------------------------------------------------------------------------------------------------------


def change(kind: str, uid: str, before: Row | None, after: Row | None) -> Change:
    """One row's change."""
    return {"kind": kind, "uid": uid, "before": before, "after": after}


def _span(desk: Desk, start: Any, end: Any) -> tuple[int, int]:
    if not all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end)):
        raise EditError("bad-time", "Times are whole milliseconds.")
    if not 0 <= start < end:
        raise EditError("empty-span", "A segment starts before it ends, and not before the session does.")
    if desk.length_ms and end > desk.length_ms:
        raise EditError("past-the-end", "A segment ends before the session does.")
    return start, end


def _lane(value: Any) -> str:
    if value not in Lane.values:
        raise EditError("unknown-lane", f"There is no lane “{value}”; use one of {', '.join(Lane.values)}.")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise EditError("bad-text", "A text is a text.")
    if len(value) > MAX_TEXT:
        raise EditError("long-text", f"A text has at most {MAX_TEXT:,} characters.")
    return value


def _fresh(desk: Desk, kind: str, arguments: Row) -> str:
    uid = as_uid(arguments.get("uid"))
    if desk.get(kind, uid) is not None:
        raise EditError("uid-taken", f"There is a {kind} with this uid already.")
    return uid


def create_segment(desk: Desk, arguments: Row) -> list[Change]:
    """A new segment on a lane."""
    uid = _fresh(desk, "segment", arguments)
    start, end = _span(desk, arguments.get("start_ms"), arguments.get("end_ms"))
    row = segment_row(uid, _lane(arguments.get("lane")), start, end, _text(arguments.get("text", "")))
    return [change("segment", uid, None, row)]


def update_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Other times, text or lane; a segment that changes its lane changes its place in its turns."""
    before = desk.need("segment", arguments.get("uid"))
    after: Row = dict(before)
    after.update({name: arguments[name] for name in ("lane", "start_ms", "end_ms", "text") if name in arguments})
    after["start_ms"], after["end_ms"] = _span(desk, after["start_ms"], after["end_ms"])
    after["lane"], after["text"] = _lane(after["lane"]), _text(after["text"])
    changes = [change("segment", before["uid"], before, after)]
    if after["lane"] != before["lane"]:
        for turn in desk.turns_with(before["uid"]):
            moved = {**turn, before["lane"]: [uid for uid in turn[before["lane"]] if uid != before["uid"]]}
            if after["lane"] in MEMBER_LANES:
                moved[after["lane"]] = [*moved[after["lane"]], before["uid"]]
            changes += _turn_becomes(desk, turn, moved)
    return changes


def split_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Cut a segment in two; its words are divided by time unless both texts are given."""
    before = desk.need("segment", arguments.get("uid"))
    new = _fresh(desk, "segment", {"uid": arguments.get("new_uid")})
    at = arguments.get("at_ms")
    if not isinstance(at, int) or not before["start_ms"] < at < before["end_ms"]:
        raise EditError("outside", "A segment is split somewhere inside it.")
    words = before["text"].split()
    share = round(len(words) * (at - before["start_ms"]) / (before["end_ms"] - before["start_ms"]))
    left = _text(arguments.get("text", " ".join(words[:share])))
    right = _text(arguments.get("new_text", " ".join(words[share:])))
    first = {**before, "end_ms": at, "text": left}
    second = segment_row(new, before["lane"], at, before["end_ms"], right)
    changes = [change("segment", before["uid"], before, first), change("segment", new, None, second)]
    for turn in desk.turns_with(before["uid"]):
        place = turn[before["lane"]].index(before["uid"]) + 1
        grown = {**turn, before["lane"]: [*turn[before["lane"]][:place], new, *turn[before["lane"]][place:]]}
        changes.append(change("turn", turn["uid"], turn, grown))
    return changes


def merge_segments(desk: Desk, arguments: Row) -> list[Change]:
    """Make one segment of two on the same lane; the first keeps its place in its turns."""
    kept = desk.need("segment", arguments.get("uid"))
    other = desk.need("segment", arguments.get("other"))
    if kept["uid"] == other["uid"] or kept["lane"] != other["lane"]:
        raise EditError("not-mergeable", "Two different segments of one lane can be merged.")
    in_order = sorted((kept, other), key=lambda row: (row["start_ms"], row["end_ms"]))
    text = " ".join(row["text"] for row in in_order if row["text"])
    span = {"start_ms": in_order[0]["start_ms"], "end_ms": max(kept["end_ms"], other["end_ms"])}
    changes = [change("segment", kept["uid"], kept, {**kept, **span, "text": _text(text)})]
    lane, at_home = kept["lane"], desk.turns_with(kept["uid"])
    for turn in desk.turns_with(other["uid"]):
        left = [uid for uid in turn[lane] if uid != other["uid"]]
        if kept["uid"] not in left and (lane == Lane.MUSIC or not at_home):
            left = [kept["uid"] if uid == other["uid"] else uid for uid in turn[lane]]
        changes += _turn_becomes(desk, turn, {**turn, lane: left})
    return [*changes, change("segment", other["uid"], other, None)]


def delete_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Take a segment away, and with it a turn that has nothing left."""
    return _segment_goes(desk, desk.need("segment", arguments.get("uid")))


def _segment_goes(desk: Desk, row: Row) -> list[Change]:
    changes = []
    for turn in desk.turns_with(row["uid"]):
        left: Row = {**turn, **{lane: [uid for uid in turn[lane] if uid != row["uid"]] for lane in MEMBER_LANES}}
        changes += _turn_becomes(desk, turn, left)
    return [*changes, change("segment", row["uid"], row, None)]


def _turn_becomes(desk: Desk, before: Row, after: Row) -> list[Change]:
    """A turn with other members; one with no member left goes."""
    return [change("turn", before["uid"], before, after)] if members(after) else _turn_goes(desk, before)


def _turn_goes(desk: Desk, turn: Row) -> list[Change]:
    changes = []
    conversation = desk.conversation_of(turn["uid"])
    if conversation:
        left = [uid for uid in conversation["turns"] if uid != turn["uid"]]
        after = {**conversation, "turns": left} if left else None
        changes.append(change("conversation", conversation["uid"], conversation, after))
    for row in _flags_of(desk, turn["uid"]):
        changes.append(change("flag", f"{turn['uid']}:{row['flag']}", row, None))
    summary = desk.get("summary", turn["uid"])
    if summary:
        changes.append(change("summary", turn["uid"], summary, None))
    return [*changes, change("turn", turn["uid"], turn, None)]


def _turn_row(desk: Desk, uid: str, row: Row) -> Row:
    """A turn's row with members that exist, stand on their lane, and utter in no other turn."""
    made: Row = {"uid": uid}
    for lane in MEMBER_LANES:
        uids = row.get(lane) or []
        if not isinstance(uids, list) or len(uids) > 500:
            raise EditError("bad-members", "A turn lists its segments by uid, lane by lane.")
        segments = [desk.need("segment", each) for each in dict.fromkeys(uids)]
        for segment in segments:
            if segment["lane"] != lane:
                raise EditError("wrong-lane", f"A segment on the lane {segment['lane']} can't be the turn's {lane}.")
            if lane != "music" and any(turn["uid"] != uid for turn in desk.turns_with(segment["uid"])):
                raise EditError("in-another-turn", "An utterance belongs to one turn; take it out of the other first.")
        made[lane] = [s["uid"] for s in sorted(segments, key=lambda s: (s["start_ms"], s["end_ms"]))]
    for name in ("amateur_text", "expert_text"):
        text = row.get(name)
        made[name] = None if text is None else _text(text)
    if not members(made):
        raise EditError("empty-turn", "A turn has at least one utterance or clip.")
    return made


def create_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Pair utterances and clips into a turn."""
    uid = _fresh(desk, "turn", arguments)
    return [change("turn", uid, None, _turn_row(desk, uid, arguments))]


def update_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Other members, or a text of its own in place of the one derived from its segments."""
    before = desk.need("turn", arguments.get("uid"))
    names = (*MEMBER_LANES, "amateur_text", "expert_text")
    wanted = {**before, **{name: arguments[name] for name in names if name in arguments}}
    return [change("turn", before["uid"], before, _turn_row(desk, before["uid"], wanted))]


def delete_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Unpair; the segments stay."""
    return _turn_goes(desk, desk.need("turn", arguments.get("uid")))


def _topic(desk: Desk, value: Any) -> str:
    if value not in desk.topics:
        raise EditError("unknown-topic", f"The project has no topic “{value}”.")
    return str(value)


def _gathers(desk: Desk, uid: str, turns: Any) -> tuple[list[str], list[Change]]:
    """The turns of a conversation in order of time, and what that takes from other conversations."""
    if not isinstance(turns, list) or not turns or len(turns) > 2000:
        raise EditError("empty-conversation", "A conversation has at least one turn.")
    rows = [desk.need("turn", turn) for turn in dict.fromkeys(turns)]
    taken: dict[str, tuple[Row, Row]] = {}
    for row in rows:
        other = desk.conversation_of(row["uid"])
        if other and other["uid"] != uid:
            before, after = taken.get(other["uid"], (other, other))
            taken[other["uid"]] = (before, {**after, "turns": [t for t in after["turns"] if t != row["uid"]]})
    losses = [
        change("conversation", u, before, after if after["turns"] else None) for u, (before, after) in taken.items()
    ]
    return [row["uid"] for row in sorted(rows, key=lambda row: _begins(desk, row))], losses


def _begins(desk: Desk, turn: Row) -> tuple[int, str]:
    starts = [segment["start_ms"] for uid in members(turn) if (segment := desk.get("segment", uid))]
    return min(starts, default=0), turn["uid"]


def create_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Group turns under a topic; they leave the conversations that they were in."""
    uid = _fresh(desk, "conversation", arguments)
    turns, losses = _gathers(desk, uid, arguments.get("turns"))
    row = {"uid": uid, "topic": _topic(desk, arguments.get("topic")), "turns": turns}
    return [*losses, change("conversation", uid, None, row)]


def update_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Another topic, or other turns."""
    before = desk.need("conversation", arguments.get("uid"))
    turns, losses = _gathers(desk, before["uid"], arguments.get("turns", before["turns"]))
    after = {**before, "topic": _topic(desk, arguments.get("topic", before["topic"])), "turns": turns}
    return [*losses, change("conversation", before["uid"], before, after)]


def delete_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Ungroup; the turns stay."""
    before = desk.need("conversation", arguments.get("uid"))
    return [change("conversation", before["uid"], before, None)]


def write_summary(desk: Desk, arguments: Row) -> list[Change]:
    """Write the context summary before a turn; no text takes it away."""
    turn = desk.need("turn", arguments.get("turn"))
    text = _text(arguments.get("text")).strip()
    before = desk.get("summary", turn["uid"])
    author = desk.by.username if desk.by else ""
    after = {"uid": turn["uid"], "turn": turn["uid"], "text": text, "revision": 0, "author": author}
    return [change("summary", turn["uid"], before, after if text else None)]


def set_flag(desk: Desk, arguments: Row) -> list[Change]:
    """Set a flag to yes or no, or unset it."""
    turn, flag, value = desk.need("turn", arguments.get("turn")), arguments.get("flag"), arguments.get("value")
    if flag not in desk.flags:
        raise EditError("unknown-flag", f"The project has no flag “{flag}”.")
    if value not in ("yes", "no", None):
        raise EditError("bad-flag", "A flag is yes, no, or unset.")
    note = _text(arguments.get("note") or "")[:500]
    uid = f"{turn['uid']}:{flag}"
    after = {"turn": turn["uid"], "flag": flag, "value": value, "note": note} if value else None
    return [change("flag", uid, desk.get("flag", uid), after)]


def _undo(desk: Desk, arguments: Row) -> tuple[list[Change], str]:
    """Exchange before and after of an edit, if its rows are still as it left them and nothing later rests on them."""
    of = as_uid(arguments.get("of"))
    edit = Edit.objects.filter(layer=desk.layer, uid=of).first()
    if edit is None:
        raise EditError("no-edit", "There is no such edit to undo.")
    for each in edit.changes:
        if not _same(desk.get(each["kind"], each["uid"]), each["after"]):
            raise EditError("undo-blocked", "A later edit changed the same thing; undo that one first.")
    inverse = [change(each["kind"], each["uid"], each["after"], _copy(each["before"])) for each in edit.changes]
    desk.put(inverse)
    if not all(_stands(desk, each) for each in inverse):
        raise EditError("undo-blocked", "A later edit builds on what this one made; undo that one first.")
    return inverse, of


def _stands(desk: Desk, made: Change) -> bool:
    """Whether a row that an undo brings back or takes away fits what else there is by now."""
    kind, uid, row = made["kind"], made["uid"], made["after"]
    if kind == "segment":
        return all(row is not None and uid in turn[row["lane"]] for turn in desk.turns_with(uid))
    if row is None and kind == "turn":
        left = (desk.conversation_of(uid), desk.get("summary", uid), *_flags_of(desk, uid))
        return not any(left)
    if row is None:
        return True
    if kind == "turn":
        return all(_may_hold(desk, uid, lane, segment) for lane in MEMBER_LANES for segment in row[lane])
    if kind == "conversation":
        return all(desk.get("turn", turn) and desk.conversations_with(turn) == [row] for turn in row["turns"])
    return desk.get("turn", row["turn"]) is not None


def _may_hold(desk: Desk, turn: str, lane: str, segment: str) -> bool:
    row = desk.get("segment", segment)
    alone = lane == Lane.MUSIC or all(other["uid"] == turn for other in desk.turns_with(segment))
    return row is not None and row["lane"] == lane and alone


def _flags_of(desk: Desk, turn: str) -> list[Row]:
    """The flags on a turn as they are now."""
    names = {*read_flags(desk.layer, [turn]), *(uid for kind, uid in desk.rows if kind == "flag")}
    rows = [desk.get("flag", uid) for uid in sorted(names) if uid.partition(":")[0] == turn]
    return [row for row in rows if row]


def _copy(row: Row | None) -> Row | None:
    return None if row is None else dict(row)


def _same(a: Row | None, b: Row | None) -> bool:
    """Whether two rows say the same; the revision and author of a summary are not what it says."""
    if a is None or b is None:
        return a is b
    return {**a, "revision": 0, "author": ""} == {**b, "revision": 0, "author": ""}


def _never(desk: Desk, arguments: Row) -> list[Change]:
    raise AssertionError("undo has a way of its own")


OPERATIONS: dict[str, Callable[[Desk, Row], list[Change]]] = {
    "segment.create": create_segment,
    "segment.update": update_segment,
    "segment.split": split_segment,
    "segment.merge": merge_segments,
    "segment.delete": delete_segment,
    "turn.create": create_turn,
    "turn.update": update_turn,
    "turn.delete": delete_turn,
    "conversation.create": create_conversation,
    "conversation.update": update_conversation,
    "conversation.delete": delete_conversation,
    "summary.write": write_summary,
    "flag.set": set_flag,
    "undo": _never,
}


def stacks(layer: Layer) -> tuple[list[str], list[str]]:
    """What can be undone and what redone, oldest first, from the last edits of the layer.

    An undo moves the edit it names from the first list to the second as itself; undoing that undo is the redo.
    """
    latest = Edit.objects.filter(layer=layer).order_by("-revision").values_list("uid", "undoes")[:HISTORY]
    undoable: list[str] = []
    redoable: list[str] = []
    for uid, undoes in reversed(latest):
        name, target = str(uid), str(undoes) if undoes else None
        if target is None:
            undoable.append(name)
            redoable.clear()
        elif target in redoable:  # a redo
            redoable.remove(target)
            undoable.append(name)
        else:
            if target in undoable:
                undoable.remove(target)
            redoable.append(name)
    return undoable, redoable


def document(layer: Layer) -> dict[str, Any]:
    """All rows of a layer as the workbench reads them; the number of queries does not grow with the rows."""
    undoable, redoable = stacks(layer)
    turns = read_turns(layer)
    segments = read_segments(layer)
    summaries = [row for uid, row in read_summaries(layer).items() if uid in turns]
    return {
        "segments": list(segments.values()),
        "turns": list(turns.values()),
        "conversations": list(read_conversations(layer).values()),
        "summaries": summaries,
        "flags": list(read_flags(layer).values()),
        "undoable": undoable,
        "redoable": redoable,
    }


def start_layer(session: Any, owner: Person, parent: Layer | None) -> Layer:
    """A person's own layer of a session: empty, or with the rows of another as they are now."""
    with transaction.atomic():
        layer, fresh = Layer.objects.get_or_create(
            session=session, owner=owner, kind=Layer.Kind.HUMAN, defaults={"parent": parent}
        )
        if fresh and parent is not None:
            rows = document(parent)
            fill_layer(layer, LayerRows(**{each.name: rows[each.name] for each in fields(LayerRows)}), by=owner)
    return layer
