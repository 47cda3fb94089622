"""The data set's rows: one turn each. The only place that knows the schema."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
        ("layer", pa.int64()),
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
    layer: int = 0
    annotator: str | None = None
    split: str = ""

    @property
    def has_content(self) -> bool | None:
        """The flag as the data set writes it; unset is not no."""
        value = next((value for flag, value, _ in self.flags if flag == "has_content"), None)
        return None if value is None else value == "yes"

    @property
    def key(self) -> str:
        """What names the row across its files."""
        return f"{self.split}/{self.conversation_id}/{self.turn_id}"


def rows_of(document: Mapping[str, Any], **common: Any) -> tuple[list[TurnRow], list[dict[str, str]]]:
    """All rows of a layer in order of time, and the turns that can't be one, with the reason.

    `document` holds the layer's rows as the edits API tells them; `common` fills what all rows share: session, group,
    master_sha256, layer, annotator, amateur, expert.
    """
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
    files = _name_clips([turn for _, members in conversations for turn in members], segments, common["group"])
    made: list[TurnRow] = []
    excluded: list[dict[str, str]] = []
    for number, (conversation, members) in enumerate(conversations, 1):
        history: list[TurnRow] = []
        for turn_id, turn in enumerate(members, 1):
            row = _row(turn, segments, files, summaries.get(turn["uid"]), tuple(flags.get(turn["uid"], ())))
            row = replace(
                row,
                **common,
                conversation_id=f"Group{common['group']}-{number:02}",
                topic=conversation["topic"],
                turn_id=turn_id,
                history=tuple(history),
            )
            history.append(replace(row, history=()))
            why = _why_not(row)
            if why:
                excluded.append({"row": f"{row.conversation_id}, turn {turn_id}", "why": why})
            else:
                made.append(row)
    grouped = {uid for conversation in document["conversations"] for uid in conversation["turns"]}
    for turn in sorted(
        (turn for uid, turn in turns.items() if uid not in grouped), key=lambda turn: place(turn, segments)
    ):
        at = place(turn, segments)[0] / 1000
        excluded.append({"row": f"{common['session']}, turn at {at:.1f} s", "why": "It is in no conversation."})
    return made, excluded


def _name_clips(turns: Iterable[Mapping[str, Any]], segments: Mapping[str, Any], group: int) -> dict[str, Clip]:
    """A file for each clip that a turn uses, numbered in order of time."""
    used = {uid for turn in turns for uid in turn["music"] if uid in segments}
    in_order = sorted(used, key=lambda uid: (segments[uid]["start_ms"], segments[uid]["end_ms"], uid))
    return {
        uid: Clip(uid, segments[uid]["start_ms"], segments[uid]["end_ms"], f"audio/segments/Group{group}/cut_{n}.wav")
        for n, uid in enumerate(in_order, 1)
    }


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


def _why_not(row: TurnRow) -> str:
    if row.user is None and row.assistant is None:
        return "Nobody says anything in it."
    if row.clip is not None and row.clip.length_ms < MIN_CLIP_MS:
        return f"Its clip is {row.clip.length_ms} ms long; {MIN_CLIP_MS} ms is the least that can be heard."
    return ""


def utterances(row: TurnRow) -> list[dict[str, str | None]]:
    """A turn as history tells it: what was played and asked, what was answered; a missing side is left out."""
    told: list[dict[str, str | None]] = []
    if row.user is not None or row.clip is not None:
        audio = row.clip.file if row.clip else None
        told.append({"audio_file": audio, "content": row.user, "role": "user"})
    if row.assistant is not None:
        told.append({"audio_file": None, "content": row.assistant, "role": "assistant"})
    return told


def published(row: TurnRow) -> dict[str, Any]:
    """The eight columns of a row."""
    return {
        "conversation_id": row.conversation_id,
        "topic": row.topic,
        "turn_id": row.turn_id,
        "has_content": row.has_content,
        "input_history": [told for earlier in row.history for told in utterances(earlier)],
        "audio_file": row.clip.file if row.clip else None,
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
