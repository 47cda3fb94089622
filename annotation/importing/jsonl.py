"""The site's own full-fidelity layer format: one JSON object per line, told apart by its `type`."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from annotation.importing.rows import MAX_MS, Heard, TranscriptError, uid_at
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


def hear(data: bytes) -> Heard:
    """Take the rows; a line that can't be used is an error, since this format loses nothing."""
    heard = Heard()
    try:
        lines = data.decode("utf-8-sig").split("\n")  # JSON may hold other separators of lines inside a text
    except UnicodeDecodeError:
        raise TranscriptError("not-utf8", "This transcript is not UTF-8; save it as UTF-8 and try again.") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            _take(heard, number, _object(number, line))
    return heard


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise TranscriptError("bad-line", f"Line {number} of the transcript is not JSON.") from None
    if not isinstance(row, dict) or row.get("type") not in KINDS:
        raise TranscriptError("bad-line", f"Line {number} has no type that is known here: {', '.join(KINDS)}.")
    return row


def _take(heard: Heard, number: int, row: dict[str, Any]) -> None:
    try:
        _READ[row["type"]](heard, number, row)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TranscriptError(
            "bad-line", f"Line {number}: this {row['type']} lacks something or has a wrong kind."
        ) from None


def _session(heard: Heard, number: int, row: dict[str, Any]) -> None:
    where = f"line {number}"
    heard.facts = {
        key: heard.text(value, where) if isinstance(value, str) else value
        for key, value in row.items()
        if key != "type"
    }


def _segment(heard: Heard, number: int, row: dict[str, Any]) -> None:
    where = f"line {number}"
    start, end = row["start_ms"], row["end_ms"]
    if not all(isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= MAX_MS for at in (start, end)):
        raise TranscriptError("bad-line", f"Line {number}: times are whole milliseconds from 0.")
    if start >= end:
        raise TranscriptError("bad-line", f"Line {number}: a segment starts before it ends.")
    words = _words(heard, number, row.get("words") or [])
    heard.add(row["lane"], start, end, row.get("text") or "", where, words=words, uid=_uid("segment", number, row))


def _words(heard: Heard, number: int, words: Any) -> list[Word]:
    try:
        return [[start, end, heard.text(word, f"line {number}")] for start, end, word in checked(words, MAX_MS)]
    except ValueError as error:
        raise TranscriptError("bad-line", f"Line {number}: {error}") from None


def _turn(heard: Heard, number: int, row: dict[str, Any]) -> None:
    texts = {
        name: None if row.get(name) is None else heard.text(row[name], f"line {number}")
        for name in ("amateur_text", "expert_text")
    }
    places = {lane: [_named(uid) for uid in row.get(lane) or []] for lane in ("amateur", "expert", "music")}
    heard.rest.turns.append({"uid": _uid("turn", number, row), **places, **texts})


def _conversation(heard: Heard, number: int, row: dict[str, Any]) -> None:
    topic, turns = heard.text(row["topic"], f"line {number}"), [_named(uid) for uid in row["turns"]]
    heard.rest.conversations.append({"uid": _uid("conversation", number, row), "topic": topic, "turns": turns})


def _summary(heard: Heard, number: int, row: dict[str, Any]) -> None:
    where = f"line {number}"
    model = row.get("model") or ("model" if row.get("author") == "model" else "")
    kept = heard.text(model, where)[:MAX_MODEL]
    if kept != model:
        heard.mend(f"a model's name cut at {MAX_MODEL} characters", where)
    heard.rest.summaries.append({"turn": _named(row["turn"]), "text": heard.text(row["text"], where), "model": kept})


def _flag(heard: Heard, number: int, row: dict[str, Any]) -> None:
    where = f"line {number}"
    if row["value"] not in ("yes", "no"):
        raise TranscriptError("bad-line", f"Line {number}: a flag is yes or no.")
    note = heard.text(row.get("note") or "", where)
    if len(note) > MAX_NOTE:
        heard.lose(f"the end of a note of {len(note)} characters", where)
    flag = {"flag": heard.text(row["flag"], where), "value": row["value"], "note": note[:MAX_NOTE]}
    heard.rest.flags.append({"turn": _named(row["turn"]), **flag})


_READ: dict[str, Callable[[Heard, int, dict[str, Any]], None]] = {
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
