"""A layer's rows as the edits API tells them: read from the tables, and written back as changes."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from django.db.models import F, Max, Min, Q

from annotation.models import Conversation, FlagValue, Lane, Layer, Person, Segment, Summary, Turn, TurnMember
from annotation.words import Word

MEMBER_LANES = ("amateur", "expert", "music")
SPOKEN = Q(members__segment__lane__in=(Lane.AMATEUR, Lane.EXPERT))
Row = dict[str, Any]


class Change(TypedDict):
    """One row before and after; null where it did not or does not exist."""

    kind: str
    uid: str
    before: Row | None
    after: Row | None


def members(turn: Row) -> list[str]:
    """All segments of a turn."""
    return [uid for lane in MEMBER_LANES for uid in turn[lane]]


def read_segments(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """Segments as rows, all or some."""
    found = Segment.objects.filter(layer=layer)
    if uids is not None:
        found = found.filter(uid__in=uids)
    values = found.values_list("uid", "lane", "start_ms", "end_ms", "text", "words")
    return {str(uid): segment_row(str(uid), *said) for uid, *said in values}


def row_of(segment: Segment) -> Row:
    """A segment that is loaded, as a row."""
    span = segment.start_ms, segment.end_ms
    return segment_row(str(segment.uid), segment.lane, *span, segment.text, segment.words)


def segment_row(uid: str, lane: str, start_ms: int, end_ms: int, text: str, words: Sequence[Word] = ()) -> Row:
    """A segment as the API tells it; `words` are told where there are some."""
    row: Row = {"uid": uid, "lane": lane, "start_ms": start_ms, "end_ms": end_ms, "text": text}
    return {**row, "words": list(words)} if words else row


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
    begins, ends = Min("members__segment__start_ms"), Max("members__segment__end_ms")
    speaks = Min("members__segment__start_ms", filter=SPOKEN)
    turns = Turn.objects.filter(conversation__in=found).annotate(begins=begins, speaks=speaks, ends=ends)
    turns = turns.order_by("begins", F("speaks").asc(nulls_last=True), "ends", "uid")  # as `order.place` has it
    for conversation, turn in turns.values_list("conversation__uid", "uid"):
        rows[str(conversation)]["turns"].append(str(turn))
    return rows


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
        said = {"text": text, "revision": revision, "author": author or model, "model": model}
        rows[uid] = {"uid": uid, "turn": uid, **said}
    return {uid: row for uid, row in rows.items() if row["text"]}


READ: dict[str, Callable[[Layer, Sequence[str]], dict[str, Row]]] = {
    "segment": read_segments,
    "turn": read_turns,
    "conversation": read_conversations,
    "flag": read_flags,
    "summary": read_summaries,
}


def write(layer: Layer, changes: Sequence[Change], *, by: Person | None) -> None:
    """Make the rows what the changes say: first what comes or stays, then what goes."""
    for kind in ("segment", "turn", "conversation", "flag", "summary"):
        for change in changes:
            if change["kind"] == kind and change["after"] is not None:
                _WRITE[kind](layer, change["uid"], change["after"], by, change["before"] is None)
    for kind in ("summary", "flag", "conversation", "turn", "segment"):
        gone = [change["uid"] for change in changes if change["kind"] == kind and change["after"] is None]
        if gone:
            _delete(layer, kind, gone, by)


def _write_segment(layer: Layer, uid: str, row: Row, by: Person | None, fresh: bool) -> None:
    fields = {name: row[name] for name in ("lane", "start_ms", "end_ms", "text")}
    fields["words"] = row.get("words", [])
    if fresh:
        Segment.objects.create(layer=layer, uid=uid, **fields)
    else:
        Segment.objects.filter(layer=layer, uid=uid).update(**fields)


def _write_turn(layer: Layer, uid: str, row: Row, by: Person | None, fresh: bool) -> None:
    texts = {name: row[name] for name in ("amateur_text", "expert_text")}
    if fresh:
        turn = Turn.objects.create(layer=layer, uid=uid, **texts)
    else:
        turn = Turn.objects.get(layer=layer, uid=uid)
        Turn.objects.filter(pk=turn.pk).update(**texts)
        TurnMember.objects.filter(turn=turn).delete()
    segments = dict(Segment.objects.filter(layer=layer, uid__in=members(row)).values_list("uid", "pk"))
    TurnMember.objects.bulk_create(
        TurnMember(turn=turn, segment_id=segments[uuid.UUID(segment)], position=position)
        for position, segment in enumerate(members(row))
    )


def _write_conversation(layer: Layer, uid: str, row: Row, by: Person | None, fresh: bool) -> None:
    if fresh:
        conversation = Conversation.objects.create(layer=layer, uid=uid, topic=row["topic"])
    else:
        conversation = Conversation.objects.get(layer=layer, uid=uid)
        Conversation.objects.filter(pk=conversation.pk).update(topic=row["topic"])
        Turn.objects.filter(conversation=conversation).exclude(uid__in=row["turns"]).update(conversation=None)
    Turn.objects.filter(layer=layer, uid__in=row["turns"]).update(conversation=conversation)


def _write_flag(layer: Layer, uid: str, row: Row, by: Person | None, fresh: bool) -> None:
    said = {"value": row["value"], "note": row["note"]}
    if fresh:
        turn = Turn.objects.get(layer=layer, uid=row["turn"])
        FlagValue.objects.create(turn=turn, flag=row["flag"], **said)
    else:
        FlagValue.objects.filter(turn__layer=layer, turn__uid=row["turn"], flag=row["flag"]).update(**said)


def _write_summary(layer: Layer, uid: str, row: Row, by: Person | None, fresh: bool) -> None:
    """Each writing is a revision of its own, an undo too: no text of a summary is ever lost."""
    last = Summary.objects.filter(layer=layer, turn_uid=uid).aggregate(last=Max("revision"))["last"] or 0
    row["revision"] = last + 1
    wrote = {"author": by if is_a_persons(row) else None, "model": row.get("model", "")}
    Summary.objects.create(layer=layer, turn_uid=uid, revision=last + 1, text=row["text"], **wrote)


def is_a_persons(summary: Row) -> bool:
    """Whether a person wrote a summary or accepted a model's; an import's is told under its model's own name."""
    model = summary.get("model")
    return not model or summary.get("author", model) not in ("", model)


_WRITE: dict[str, Callable[[Layer, str, Row, Person | None, bool], None]] = {
    "segment": _write_segment,
    "turn": _write_turn,
    "conversation": _write_conversation,
    "flag": _write_flag,
    "summary": _write_summary,
}


def _delete(layer: Layer, kind: str, uids: list[str], by: Person | None) -> None:
    if kind == "summary":
        for uid in uids:
            _write_summary(layer, uid, {"text": ""}, by, False)
    elif kind == "flag":
        for uid in uids:
            turn, _, flag = uid.partition(":")
            FlagValue.objects.filter(turn__layer=layer, turn__uid=turn, flag=flag).delete()
    else:
        tables: dict[str, Any] = {"conversation": Conversation, "turn": Turn, "segment": Segment}
        tables[kind].objects.filter(layer=layer, uid__in=uids).delete()
