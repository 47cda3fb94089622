"""A conversation as it is read: turn after turn, with what was played, summed up and flagged."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Min, QuerySet
from django.urls import reverse

from annotation.excerpts import MOST_MS
from annotation.finding import SIDES, said_by
from annotation.models import Conversation as ConversationRow
from annotation.models import Derived, Layer, Recording
from annotation.tables import (
    MEMBER_LANES,
    read_conversations,
    read_flags,
    read_segments,
    read_summaries,
    read_turns,
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of a layer, and those before and after it."""

    uid: str
    number: int
    of: int
    topic: str
    turns: list[dict[str, Any]]
    earlier: str | None
    later: str | None


def conversation(layer: Layer, uid: uuid.UUID) -> Conversation | None:
    """A conversation with its turns; None when the layer has none of that name. Nine queries, whatever its length."""
    row = read_conversations(layer, [str(uid)]).get(str(uid))
    if row is None:
        return None
    in_order = [str(each) for each in counted(layer.conversations.all()).values_list("uid", flat=True)]
    at = in_order.index(str(uid))
    return Conversation(
        uid=str(uid),
        number=at + 1,
        of=len(in_order),
        topic=row["topic"],
        turns=_turns(layer, row["turns"]),
        earlier=in_order[at - 1] if at else None,
        later=in_order[at + 1] if at + 1 < len(in_order) else None,
    )


def counted(rows: QuerySet[ConversationRow]) -> QuerySet[ConversationRow]:
    """Conversations with how many turns each has, in order of time."""
    begins = Min("turns__members__segment__start_ms")
    numbered = rows.annotate(turn_count=Count("turns", distinct=True), begins=begins)
    return numbered.order_by(F("begins").asc(nulls_last=True), "pk")


def _turns(layer: Layer, uids: Sequence[str]) -> list[dict[str, Any]]:
    turns, summaries = read_turns(layer, uids), read_summaries(layer, uids)
    segments = read_segments(layer, [uid for row in turns.values() for lane in MEMBER_LANES for uid in row[lane]])
    flags: dict[str, list[dict[str, Any]]] = {}
    for flag in read_flags(layer, uids).values():
        flags.setdefault(flag["turn"], []).append({name: flag[name] for name in ("flag", "value", "note")})
    recordings = _recordings(layer)
    told = []
    for uid in uids:
        row = turns[uid]
        spans = [segments[each] for lane in MEMBER_LANES for each in row[lane]]
        music = sorted((segments[each]["start_ms"], segments[each]["end_ms"]) for each in row["music"])
        told.append(
            {
                "uid": uid,
                "start_ms": min((span["start_ms"] for span in spans), default=0),
                "end_ms": max((span["end_ms"] for span in spans), default=0),
                **{side: said_by(row, side, segments) or None for side in SIDES},
                "summary": summaries[uid]["text"] if uid in summaries else None,
                "flags": sorted(flags.get(uid, []), key=lambda flag: str(flag["flag"])),
                "clips": [_clip(span, recordings) for span in music],
            }
        )
    return told


def _recordings(layer: Layer) -> list[Recording]:
    """The recordings whose moments can be cut, what was mixed first, as snapshots take them."""
    proxied = set(
        Derived.objects.filter(recording__session=layer.session_id, kind=Derived.Kind.PROXY).values_list(
            "recording_id", flat=True
        )
    )
    rows = sorted(layer.session.recordings.all(), key=lambda each: (each.kind != Recording.Kind.MIXED, each.pk))
    return [each for each in rows if each.is_sought or each.pk in proxied]


def _clip(span: Span, recordings: Sequence[Recording]) -> dict[str, Any]:
    """A clip's times, and the addresses at which its sound lies, in parts no longer than one may ask for."""
    start, end = span
    told: dict[str, Any] = {"start_ms": start, "end_ms": end, "parts": []}
    for each in recordings:
        if each.offset_ms <= start and end <= each.offset_ms + each.length_ms:
            for at in range(start, end, MOST_MS):
                times = at - each.offset_ms, min(at + MOST_MS, end) - each.offset_ms
                told["parts"].append(reverse("clip", args=[each.pk, each.clip_digest, *times]))
            break
    return told
