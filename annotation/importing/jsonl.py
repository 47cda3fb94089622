"""The site's own full-fidelity layer format: one JSON object per line, told apart by its `type`."""

import json
import uuid
from typing import Any

from annotation.importing.rows import LANES, Imported, LayerRows, TranscriptError, lane_of, uid_at

KINDS = ("session", "segment", "turn", "conversation", "summary", "flag")


def looks_like(data: bytes) -> bool:
    """Whether the first line is a JSON object with a type of ours."""
    try:
        first = json.loads(data.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0])
    except ValueError:
        return False
    return isinstance(first, dict) and first.get("type") in KINDS


def read(data: bytes, lanes: dict[str, str]) -> Imported:
    """Read the rows; a line that can't be used is an error, since this format loses nothing."""
    made = Imported(LayerRows())
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise TranscriptError("not-utf8", "This transcript is not UTF-8; save it as UTF-8 and try again.") from None
    objects = [(number, _object(number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    for number, row in objects:
        _take(made, number, row, lanes)
    _check(made)
    return made


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise TranscriptError("bad-line", f"Line {number} of the transcript is not JSON.") from None
    if not isinstance(row, dict) or row.get("type") not in KINDS:
        raise TranscriptError("bad-line", f"Line {number} has no type that is known here: {', '.join(KINDS)}.")
    return row


def _take(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> None:
    rows = made.rows
    try:
        match row["type"]:
            case "session":
                made.facts = {key: value for key, value in row.items() if key != "type"}
            case "segment":
                rows.segments.append(_segment(made, number, row, lanes))
            case "turn":
                texts = {name: row.get(name) for name in ("amateur_text", "expert_text")}
                places = {lane: list(row.get(lane) or []) for lane in ("amateur", "expert", "music")}
                rows.turns.append({"uid": _uid("turn", number, row), **places, **texts})
            case "conversation":
                topic, turns = str(row["topic"]), list(row["turns"])
                rows.conversations.append({"uid": _uid("conversation", number, row), "topic": topic, "turns": turns})
            case "summary":
                model = row.get("model") or ("model" if row.get("author") == "model" else "")
                rows.summaries.append({"turn": row["turn"], "text": str(row["text"]), "model": model})
            case "flag":
                if row["value"] not in ("yes", "no"):
                    raise TranscriptError("bad-line", f"Line {number}: a flag is yes or no.")
                note = str(row.get("note") or "")[:500]
                rows.flags.append({"turn": row["turn"], "flag": str(row["flag"]), "value": row["value"], "note": note})
    except (KeyError, TypeError, ValueError):
        raise TranscriptError(
            "bad-line", f"Line {number}: this {row['type']} lacks something or has a wrong kind."
        ) from None


def _segment(made: Imported, number: int, row: dict[str, Any], lanes: dict[str, str]) -> dict[str, Any]:
    lane = lane_of(str(row["lane"]), lanes)
    if lane not in LANES:
        raise TranscriptError("unknown-lane", f"Line {number}: say with --lane which lane “{row['lane']}” is.")
    start, end = row["start_ms"], row["end_ms"]
    if not all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end)) or start < 0:
        raise TranscriptError("bad-line", f"Line {number}: times are whole milliseconds from 0.")
    if start >= end:
        raise TranscriptError("bad-line", f"Line {number}: a segment starts before it ends.")
    text = str(row.get("text") or "").replace("\x00", "")
    return {"uid": _uid("segment", number, row), "lane": lane, "start_ms": start, "end_ms": end, "text": text}


def _uid(kind: str, number: int, row: dict[str, Any]) -> str:
    return str(uuid.UUID(row["uid"])) if row.get("uid") else uid_at(kind, number, "")


def _check(made: Imported) -> None:
    """Everything that is named must be there, once."""
    rows = made.rows
    for kind, found in (("segment", rows.segments), ("turn", rows.turns), ("conversation", rows.conversations)):
        uids = [row["uid"] for row in found]
        if len(set(uids)) != len(uids):
            raise TranscriptError("double-uid", f"Two {kind}s of this transcript have the same uid.")
    lane = {row["uid"]: row["lane"] for row in rows.segments}
    for turn in rows.turns:
        for side in ("amateur", "expert", "music"):
            if any(lane.get(uid) != side for uid in turn[side]):
                raise TranscriptError("unknown-segment", f"A turn names a segment that is not on its lane {side}.")
    turns = {turn["uid"] for turn in rows.turns}
    grouped = [turn for conversation in rows.conversations for turn in conversation["turns"]]
    if not turns.issuperset({*grouped, *(row["turn"] for row in [*rows.summaries, *rows.flags])}):
        raise TranscriptError(
            "unknown-turn", "A conversation, summary or flag names a turn that is not in the transcript."
        )
    if len(set(grouped)) != len(grouped):
        raise TranscriptError("double-turn", "A turn is in one conversation at most.")
