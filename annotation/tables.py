"""A layer's rows as the edits API tells them: read from the tables, and written back as changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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


@dataclass
class Known:
    """What is known of stored rows beside what they say."""

    pks: dict[tuple[str, str], int] = field(default_factory=dict)  # by kind and uid
    written: dict[str, int] = field(default_factory=dict)  # how often a turn's summary was written, by turn


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


def read_turns(
    layer: Layer, uids: Sequence[str] | None = None, *, homes: dict[str, str] | None = None
) -> dict[str, Row]:
    """Turns with their members as rows, all or some; `homes` is filled with their conversations."""
    found = Turn.objects.filter(layer=layer)
    if uids is not None:
        found = found.filter(uid__in=uids)
    rows: dict[str, Row] = {}
    values = found.values_list("uid", "amateur_text", "expert_text", "conversation__uid")
    for uid, amateur_text, expert_text, home in values:
        if home and homes is not None:
            homes[str(uid)] = str(home)
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
    return {uid: row for uid, row in read_latest(layer, uids).items() if row["text"]}


def read_latest(layer: Layer, uids: Sequence[str] | None = None) -> dict[str, Row]:
    """What was written last as the summary of each turn, that which took it away too."""
    found = Summary.objects.filter(layer=layer).order_by("revision")
    if uids is not None:
        found = found.filter(turn_uid__in=uids)
    rows: dict[str, Row] = {}
    for turn, revision, text, author, model in found.values_list(
        "turn_uid", "revision", "text", "author__username", "model"
    ):
        rows[str(turn)] = latest_row(str(turn), text=text, revision=revision, author=author, model=model)
    return rows


def latest_row(turn: str, *, text: str, revision: int, author: str | None, model: str) -> Row:
    """What was written as the summary of a turn, as the API tells it."""
    said = {"text": text, "revision": revision, "author": author or model, "model": model}
    return {"uid": turn, "turn": turn, **said}


READ: dict[str, Callable[[Layer, Sequence[str]], dict[str, Row]]] = {
    "segment": read_segments,
    "turn": read_turns,
    "conversation": read_conversations,
    "flag": read_flags,
    "summary": read_summaries,
}


def write(layer: Layer, changes: Sequence[Change], known: Known, *, by: Person | None) -> None:
    """Make the rows what the changes say: first what comes or stays, then what goes."""
    for kind in ("segment", "turn", "conversation", "flag", "summary"):
        for change in changes:
            if change["kind"] == kind and change["after"] is not None:
                _WRITE[kind](layer, change["uid"], change["before"], change["after"], known, by)
    gone = {(change["kind"], change["uid"]) for change in changes if change["before"] and change["after"] is None}
    for kind in ("summary", "flag", "conversation", "turn", "segment"):
        for each, uid in sorted(gone):
            if each == kind:
                _DELETE[kind](layer, uid, known, by, gone)


def _pk(layer: Layer, kind: str, uid: str, known: Known) -> int:
    """The primary key of a row that is there."""
    if (kind, uid) not in known.pks:
        known.pks[kind, uid] = TABLES[kind].objects.values_list("pk", flat=True).get(layer=layer, uid=uid)
    return known.pks[kind, uid]


def _write_segment(layer: Layer, uid: str, before: Row | None, row: Row, known: Known, by: Person | None) -> None:
    fields = {name: row[name] for name in ("lane", "start_ms", "end_ms", "text")}
    fields["words"] = row.get("words", [])
    if before is None:
        known.pks["segment", uid] = Segment.objects.create(layer=layer, uid=uid, **fields).pk
    else:
        Segment.objects.filter(layer=layer, uid=uid).update(**fields)


def _write_turn(layer: Layer, uid: str, before: Row | None, row: Row, known: Known, by: Person | None) -> None:
    texts = {name: row[name] for name in ("amateur_text", "expert_text")}
    if before is None:
        known.pks["turn", uid] = Turn.objects.create(layer=layer, uid=uid, **texts).pk
    elif any(before[name] != row[name] for name in texts):
        Turn.objects.filter(layer=layer, uid=uid).update(**texts)
    stood, stands = members(before) if before else [], members(row)
    if stood != stands:
        _write_members(layer, _pk(layer, "turn", uid, known), stood, stands, known)


def _write_members(layer: Layer, turn: int, before: list[str], after: list[str], known: Known) -> None:
    """Take out the segments that leave a turn, and put those that stay or come into their places."""
    strange = [uid for uid in {*before, *after} if ("segment", uid) not in known.pks]
    if strange:
        found = Segment.objects.filter(layer=layer, uid__in=strange).values_list("uid", "pk")
        known.pks.update({("segment", str(uid)): pk for uid, pk in found})
    pks = [known.pks["segment", uid] for uid in after]
    left = [known.pks["segment", uid] for uid in before if uid not in after]
    if left:
        TurnMember.objects.filter(turn=turn, segment__in=left).delete()
    if after == [uid for uid in before if uid in after]:
        return  # those that stay stand in their order
    TurnMember.objects.bulk_create(
        (TurnMember(turn_id=turn, segment_id=pk, position=position) for position, pk in enumerate(pks)),
        update_conflicts=True,
        unique_fields=["turn", "segment"],
        update_fields=["position"],
    )


def _write_conversation(layer: Layer, uid: str, before: Row | None, row: Row, known: Known, by: Person | None) -> None:
    if before is None:
        known.pks["conversation", uid] = Conversation.objects.create(layer=layer, uid=uid, topic=row["topic"]).pk
    elif before["topic"] != row["topic"]:
        Conversation.objects.filter(layer=layer, uid=uid).update(topic=row["topic"])
    held = set(before["turns"]) if before else set()
    turns, pk = Turn.objects.filter(layer=layer), _pk(layer, "conversation", uid, known)
    if left := held.difference(row["turns"]):
        turns.filter(conversation=pk, uid__in=left).update(conversation=None)
    if come := set(row["turns"]) - held:
        turns.filter(uid__in=come).update(conversation=pk)


def _write_flag(layer: Layer, uid: str, before: Row | None, row: Row, known: Known, by: Person | None) -> None:
    said = {"value": row["value"], "note": row["note"]}
    turn = _pk(layer, "turn", row["turn"], known)
    if before is None:
        FlagValue.objects.create(turn_id=turn, flag=row["flag"], **said)
    else:
        FlagValue.objects.filter(turn=turn, flag=row["flag"]).update(**said)


def _write_summary(layer: Layer, uid: str, before: Row | None, row: Row, known: Known, by: Person | None) -> None:
    """Each writing is a revision of its own, an undo too: no text of a summary is ever lost."""
    if uid not in known.written:
        found = Summary.objects.filter(layer=layer, turn_uid=uid).aggregate(last=Max("revision"))
        known.written[uid] = found["last"] or 0
    known.written[uid] += 1
    row["revision"] = known.written[uid]
    wrote = {"author": by if is_a_persons(row) else None, "model": row.get("model", "")}
    Summary.objects.create(layer=layer, turn_uid=uid, revision=row["revision"], text=row["text"], **wrote)


def is_a_persons(summary: Row) -> bool:
    """Whether a person wrote a summary or accepted a model's; an import's is told under its model's own name."""
    model = summary.get("model")
    return not model or summary.get("author", model) not in ("", model)


TABLES: dict[str, type[Any]] = {"segment": Segment, "turn": Turn, "conversation": Conversation}
_WRITE: dict[str, Callable[[Layer, str, Row | None, Row, Known, Person | None], None]] = {
    "segment": _write_segment,
    "turn": _write_turn,
    "conversation": _write_conversation,
    "flag": _write_flag,
    "summary": _write_summary,
}


def _delete_row(kind: str) -> Callable[[Layer, str, Known, Person | None, set[tuple[str, str]]], None]:
    def delete(layer: Layer, uid: str, known: Known, by: Person | None, gone: set[tuple[str, str]]) -> None:
        TABLES[kind](pk=_pk(layer, kind, uid, known)).delete()
        del known.pks[kind, uid]

    return delete


def _delete_flag(layer: Layer, uid: str, known: Known, by: Person | None, gone: set[tuple[str, str]]) -> None:
    turn, _, flag = uid.partition(":")
    if ("turn", turn) not in gone:  # or it goes with its turn
        FlagValue.objects.filter(turn=_pk(layer, "turn", turn, known), flag=flag).delete()


def _delete_summary(layer: Layer, uid: str, known: Known, by: Person | None, gone: set[tuple[str, str]]) -> None:
    _write_summary(layer, uid, None, {"text": ""}, known, by)


_DELETE: dict[str, Callable[[Layer, str, Known, Person | None, set[tuple[str, str]]], None]] = {
    "summary": _delete_summary,
    "flag": _delete_flag,
    "conversation": _delete_row("conversation"),
    "turn": _delete_row("turn"),
    "segment": _delete_row("segment"),
}
