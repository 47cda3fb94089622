"""The data set's rows: one turn each. The only place that knows the schema."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import Any

import pyarrow as pa

from annotation.order import place

MIN_CLIP_MS = 100  # shorter clips give the audio encoder nothing
WINDOW_MS = 30_000  # what the base model hears of a clip

UTTERANCE = pa.struct([("audio_file", pa.string()), ("content", pa.string()), ("role", pa.string())])
# The published columns in their order.
COLUMNS = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("topic", pa.string()),
        ("turn_id", pa.int64()),
        ("has_content", pa.bool_()),
        ("input_history", pa.list_(UTTERANCE)),
        ("audio_file", pa.string()),
        ("user", pa.string()),
        ("assistant", pa.string()),
    ]
)
CLIP = pa.struct(
    [
        ("audio_file", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("over_window", pa.bool_()),  # longer than what the base model hears
        ("gain_db", pa.float64()),  # what the export did to the level: nothing
    ]
)
# What the eight columns lose.
TURN_COLUMNS = pa.schema(
    [
        ("row", pa.string()),
        ("session", pa.string()),
        ("group", pa.int64()),
        ("summary", pa.string()),
        ("summary_author", pa.string()),
        ("flags", pa.list_(pa.struct([("flag", pa.string()), ("value", pa.string()), ("note", pa.string())]))),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("amateur", pa.string()),
        ("expert", pa.string()),
        ("clips", pa.list_(CLIP)),
        ("master_sha256", pa.string()),
        ("layer", pa.string()),  # whose account of which session; no number of a database
        ("annotator", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A music segment: where it lies on the session's time line, and its file in the data set."""

    uid: str
    start_ms: int
    end_ms: int
    file: str = ""

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One row before it is written; a missing side is None."""

    session: str
    group: int
    conversation_id: str
    topic: str
    turn_id: int
    user: str | None
    assistant: str | None
    clip: Clip | None
    clips: tuple[Clip, ...]
    history: tuple["TurnRow", ...]
    summary: str | None
    summary_author: str | None
    flags: tuple[tuple[str, str, str], ...]
    start_ms: int
    end_ms: int
    amateur: str | None = None
    expert: str | None = None
    master_sha256: str | None = None
    layer: str = ""
    annotator: str | None = None
    split: str = ""
    published_split: str = ""  # of a row that comes from a published data set
    named: str | None = None  # the clip that such a row names and that is not here
    kept_history: tuple[Mapping[str, str | None], ...] | None = None  # as published, where its turns say something else

    @property
    def audio_file(self) -> str | None:
        """The clip as the data set names it, whether it is here or not."""
        return self.clip.file if self.clip else self.named

    @property
    def has_content(self) -> bool | None:
        """The flag as the data set writes it; unset is not no."""
        value = next((value for flag, value, _ in self.flags if flag == "has_content"), None)
        return None if value is None else value == "yes"

    @property
    def key(self) -> str:
        """What names the row across its files."""
        return f"{self.split}/{self.conversation_id}/{self.turn_id}"


def rows_of(
    document: Mapping[str, Any],
    *,
    published: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
    **common: Any,
) -> tuple[list[TurnRow], list[dict[str, str]]]:
    """All rows of a layer in order of time, and the turns that can't be one: {"row", "kind", "why"}.

    `document` holds the layer's rows as the edits API tells them; `common` fills what all rows share: session, group,
    master_sha256, layer, annotator, amateur, expert. `published` is what a published data set says of them by uid
    (`annotation.published.placing`): names and numbers, clips' files, histories. `names` gives conversations other
    names than it does.
    """
    told = {"conversations": {}, "turns": {}, "clips": {}, **(published or {})}
    names = {**told["conversations"], **(names or {})}
    segments = {row["uid"]: row for row in document["segments"]}
    turns = {row["uid"]: row for row in document["turns"]}
    summaries = {row["turn"]: row for row in document["summaries"]}
    flags: dict[str, list[tuple[str, str, str]]] = {}
    for row in document["flags"]:
        flags.setdefault(row["turn"], []).append((row["flag"], row["value"], row["note"]))
    conversations = [
        (conversation, sorted((turns[uid] for uid in conversation["turns"]), key=lambda turn: place(turn, segments)))
        for conversation in document["conversations"]
        if conversation["turns"]
    ]
    conversations.sort(key=lambda pair: place(pair[1][0], segments))
    in_order = [turn for _, members in conversations for turn in members]
    files = _name_clips(in_order, segments, common["group"], told["clips"])
    fresh = _fresh_names(common["group"], set(names.values()))
    made: list[TurnRow] = []
    excluded: list[dict[str, str]] = []
    for conversation, members in conversations:
        name = names.get(conversation["uid"]) or next(fresh)
        history: list[TurnRow] = []
        facts = [told["turns"].get(turn["uid"]) for turn in members]
        for turn_id, turn, fact in zip(_numbers(facts), members, facts, strict=True):
            row = _row(turn, segments, files, summaries.get(turn["uid"]), tuple(sorted(flags.get(turn["uid"], ()))))
            row = replace(
                row,
                **common,
                conversation_id=name,
                topic=conversation["topic"],
                turn_id=turn_id or 0,
                history=tuple(history),
                **_as_published(row, fact or {}),
            )
            history.append(replace(row, history=(), kept_history=None))
            kind, why = _why_not(row) if turn_id is not None else UNSPOKEN
            if why:
                excluded.append({"row": f"{name}, turn {turn_id or 'in histories'}", "kind": kind, "why": why})
            else:
                made.append(row)
    grouped = {uid for conversation in document["conversations"] for uid in conversation["turns"]}
    for turn in sorted(
        (turn for uid, turn in turns.items() if uid not in grouped), key=lambda turn: place(turn, segments)
    ):
        at = place(turn, segments)[0] / 1000
        where = f"{common['session']}, turn at {at:.1f} s"
        excluded.append({"row": where, "kind": "ungrouped", "why": "It is in no conversation."})
    return made, excluded


UNSPOKEN = ("history-only", "The published data set has it in histories alone, and not as a row.")


def _fresh_names(group: int, taken: set[str]) -> Iterator[str]:
    """Names for conversations that were never published."""
    names = (f"Group{group}-{number:02}" for number in count(1))
    return (name for name in names if name not in taken)


def _numbers(facts: Sequence[Mapping[str, Any] | None]) -> list[int | None]:
    """A number for each turn that is a row: the published ones where they still rise in time, else 1, 2, 3."""
    published = [fact["turn_id"] for fact in facts if fact and "turn_id" in fact]
    rows = [fact is None or "turn_id" in fact for fact in facts]
    if len(published) == sum(rows) and all(one < other for one, other in pairwise(published)):
        numbers: Iterator[int] = iter(published)
    else:
        numbers = count(1)
    return [next(numbers) if is_row else None for is_row in rows]


def _as_published(row: TurnRow, fact: Mapping[str, Any]) -> dict[str, Any]:
    """What a published data set says of a row and the layer doesn't."""
    kept = fact.get("history")
    return {
        "published_split": fact.get("split", ""),
        "named": None if row.clip else fact.get("audio_file"),
        "kept_history": None if kept is None else tuple(kept),
    }


def _name_clips(
    turns: Iterable[Mapping[str, Any]],
    segments: Mapping[str, Any],
    group: int,
    published: Mapping[str, tuple[str, int, int]],
) -> dict[str, Clip]:
    """A file for each clip that a turn uses: as it was published while it lies where it lay, else by order of time."""
    used = {uid for turn in turns for uid in turn["music"] if uid in segments}
    in_order = sorted(used, key=lambda uid: (segments[uid]["start_ms"], segments[uid]["end_ms"], uid))
    stem = "take" if published else "cut"  # a clip that somebody cut anew never has a published one's name
    found = {}
    for n, uid in enumerate(in_order, 1):
        span = segments[uid]["start_ms"], segments[uid]["end_ms"]
        file, *lay = published.get(uid, ("", 0, 0))
        is_same = bool(file) and tuple(lay) == span
        found[uid] = Clip(uid, *span, file if is_same else f"audio/segments/Group{group}/{stem}_{n}.wav")
    return found


def _row(
    turn: Mapping[str, Any],
    segments: Mapping[str, Any],
    files: Mapping[str, Clip],
    summary: Mapping[str, Any] | None,
    flags: tuple[tuple[str, str, str], ...],
) -> TurnRow:
    spoken = {lane: [segments[uid] for uid in turn[lane]] for lane in ("amateur", "expert")}
    clips = tuple(sorted((files[uid] for uid in turn["music"]), key=lambda clip: (clip.start_ms, clip.end_ms)))
    spans = [*spoken["amateur"], *spoken["expert"], *({"start_ms": c.start_ms, "end_ms": c.end_ms} for c in clips)]
    answer = min((row["start_ms"] for row in spoken["expert"]), default=None)
    # Of several clips, the one that played last before the answer is what the answer is about.
    before = tuple(clip for clip in clips if answer is None or clip.start_ms <= answer)
    return TurnRow(
        session="",
        group=0,
        conversation_id="",
        topic="",
        turn_id=0,
        user=_said(turn["amateur_text"], spoken["amateur"]),
        assistant=_said(turn["expert_text"], spoken["expert"]),
        clip=next(reversed(before or clips), None),
        clips=clips,
        history=(),
        summary=summary["text"] if summary else None,
        summary_author=(summary.get("model") or "person") if summary else None,
        flags=flags,
        start_ms=min(row["start_ms"] for row in spans),
        end_ms=max(row["end_ms"] for row in spans),
    )


def _said(override: str | None, segments: Sequence[Mapping[str, Any]]) -> str | None:
    """A side's text: edited, or derived from its segments; None when nothing was said."""
    in_order = sorted(segments, key=lambda row: (row["start_ms"], row["end_ms"]))
    text = override if override is not None else " ".join(row["text"].strip() for row in in_order)
    return text.strip() or None


def _why_not(row: TurnRow) -> tuple[str, str]:
    if row.user is None and row.assistant is None and not row.published_split:
        return "no-words", "Nobody says anything in it."
    if row.clip is not None and row.clip.length_ms < MIN_CLIP_MS:
        length = row.clip.length_ms
        return "short-clip", f"Its clip is {length} ms long; {MIN_CLIP_MS} ms is the least that can be heard."
    return "", ""


def utterances(row: TurnRow) -> list[dict[str, str | None]]:
    """A turn as history tells it: what was played and asked, what was answered; a missing side is left out."""
    told: list[dict[str, str | None]] = []
    if row.user is not None or row.audio_file is not None:
        told.append({"audio_file": row.audio_file, "content": row.user, "role": "user"})
    if row.assistant is not None:
        told.append({"audio_file": None, "content": row.assistant, "role": "assistant"})
    return told


def history_of(row: TurnRow) -> list[Mapping[str, str | None]]:
    """What was said and played before a row in its conversation."""
    if row.kept_history is not None:
        return list(row.kept_history)
    return [told for earlier in row.history for told in utterances(earlier)]


def published(row: TurnRow) -> dict[str, Any]:
    """The eight columns of a row."""
    return {
        "conversation_id": row.conversation_id,
        "topic": row.topic,
        "turn_id": row.turn_id,
        "has_content": row.has_content,
        "input_history": history_of(row),
        "audio_file": row.audio_file,
        "user": row.user,
        "assistant": row.assistant,
    }


def detailed(row: TurnRow) -> dict[str, Any]:
    """What the eight columns lose of a row."""
    return {
        "row": row.key,
        "session": row.session,
        "group": row.group,
        "summary": row.summary,
        "summary_author": row.summary_author,
        "flags": [{"flag": flag, "value": value, "note": note} for flag, value, note in row.flags],
        "start_ms": row.start_ms,
        "end_ms": row.end_ms,
        "amateur": row.amateur,
        "expert": row.expert,
        "clips": [
            {
                "audio_file": clip.file,
                "start_ms": clip.start_ms,
                "end_ms": clip.end_ms,
                "over_window": clip.length_ms > WINDOW_MS,
                "gain_db": 0.0,
            }
            for clip in row.clips
        ],
        "master_sha256": row.master_sha256,
        "layer": row.layer,
        "annotator": row.annotator,
    }


def content_hash(rows: Iterable[TurnRow]) -> str:
    """sha256 over the rows' meaning: the same data gives the same hash on any database, after any re-import."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: (row.split, row.conversation_id, row.turn_id)):
        told = {
            **published(row),
            "split": row.split,
            "summary": row.summary,
            "flags": [[flag, value] for flag, value, _ in sorted(row.flags)],
            "master_sha256": row.master_sha256,
            "clips": [[clip.file, clip.start_ms, clip.end_ms] for clip in row.clips],
            "start_ms": row.start_ms,
            "end_ms": row.end_ms,
        }
        digest.update(json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()
