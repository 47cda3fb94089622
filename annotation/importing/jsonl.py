"""The site's own full-fidelity layer format: one JSON object per line, told apart by its `type`."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from annotation.importing.rows import (
    LANES,
    MAX_MS,
    Imported,
    LayerRows,
    TranscriptError,
    lane_of,
    require_whole,
    uid_at,
)
from annotation.words import Word, checked

MAX_MODEL = 120
MAX_NOTE = 500
KINDS = ("session", "segment", "turn", "conversation", "summary", "flag")


def looks_like(data: bytes) -> bool:
    """Whether the first line is a JSON object with a type of ours."""
    try:
        first = json.loads(data.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("type") in KINDS


def read(data: bytes, lanes: dict[str, str]) -> Imported:
    """Read the rows; a line that can't be used is an error, since this format loses nothing."""
    made = Imported(LayerRows())
    try:
        lines = data.decode("utf-8-sig").split("\n")  # JSON may hold other separators of lines inside a text
    except UnicodeDecodeError:
        raise TranscriptError("not-utf8", "This transcript is not UTF-8; save it as UTF-8 and try again.") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            _take(made, number, _object(number, line), lanes)
    require_whole(made.rows)
    return made


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise TranscriptError("bad-line", f"Line {number} of the transcript is not JSON.") from None
    if not isinstance(row, dict) or row.get("type") not in KINDS:
        raise TranscriptError("bad-line", f"Line {number} has no type that is known here: {', '.join(KINDS)}.")
    return row


def _take(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    try:
        _READ[row["type"]](made, number, row, lanes)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TranscriptError(
            "bad-line", f"Line {number}: this {row['type']} lacks something or has a wrong kind."
        ) from None


def _session(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    where = f"line {number}"
    made.facts = {
        key: made.text(value, where) if isinstance(value, str) else value for key, value in row.items() if key != "type"
    }


def _segment(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    name = made.text(row["lane"], f"line {number}")
    lane = lane_of(name, lanes)
    if lane not in LANES:
        raise TranscriptError("unknown-lane", f"Line {number}: say with --lane which lane “{name}” is.")
    start, end = row["start_ms"], row["end_ms"]
    if not all(isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= MAX_MS for at in (start, end)):
        raise TranscriptError("bad-line", f"Line {number}: times are whole milliseconds from 0.")
    if start >= end:
        raise TranscriptError("bad-line", f"Line {number}: a segment starts before it ends.")
    text = made.text(row.get("text") or "", f"line {number}")
    found = {"uid": _uid("segment", number, row), "lane": lane, "start_ms": start, "end_ms": end, "text": text}
    words = _words(made, number, row.get("words") or [])
    made.rows.segments.append({**found, "words": words} if words else found)


def _words(made: Imported, number: int, words: Any) -> list[Word]:
    try:
        return [[start, end, made.text(word, f"line {number}")] for start, end, word in checked(words, MAX_MS)]
    except ValueError as error:
        raise TranscriptError("bad-line", f"Line {number}: {error}") from None


def _turn(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    texts = {
        name: None if row.get(name) is None else made.text(row[name], f"line {number}")
        for name in ("amateur_text", "expert_text")
    }
    places = {lane: [_named(uid) for uid in row.get(lane) or []] for lane in ("amateur", "expert", "music")}
    made.rows.turns.append({"uid": _uid("turn", number, row), **places, **texts})


def _conversation(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    topic, turns = made.text(row["topic"], f"line {number}"), [_named(uid) for uid in row["turns"]]
    made.rows.conversations.append({"uid": _uid("conversation", number, row), "topic": topic, "turns": turns})


def _summary(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    where = f"line {number}"
    model = row.get("model") or ("model" if row.get("author") == "model" else "")
    kept = made.text(model, where)[:MAX_MODEL]
    if kept != model:
        made.repaired.append({"what": f"a model's name cut at {MAX_MODEL} characters", "where": where})
    made.rows.summaries.append({"turn": _named(row["turn"]), "text": made.text(row["text"], where), "model": kept})


def _flag(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    where = f"line {number}"
    if row["value"] not in ("yes", "no"):
        raise TranscriptError("bad-line", f"Line {number}: a flag is yes or no.")
    note = made.text(row.get("note") or "", where)
    if len(note) > MAX_NOTE:
        made.lost.append({"what": f"the end of a note of {len(note)} characters", "where": where})
    flag = {"flag": made.text(row["flag"], where), "value": row["value"], "note": note[:MAX_NOTE]}
    made.rows.flags.append({"turn": _named(row["turn"]), **flag})


_READ: dict[str, Callable[[Imported, int, dict[str, Any], dict[str, str]], None]] = {
    "session": _session,
    "segment": _segment,
    "turn": _turn,
    "conversation": _conversation,
    "summary": _summary,
    "flag": _flag,
}


def _named(uid: Any) -> str:
    """A row's name in its usual form."""
    return str(uuid.UUID(uid))


def _uid(kind: str, number: int, row: dict[str, Any]) -> str:
    return _named(row["uid"]) if row.get("uid") else uid_at(kind, number, "")
