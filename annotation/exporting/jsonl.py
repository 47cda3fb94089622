"""The site's own form: one JSON object a line, and nothing lost."""

import json
from typing import Any

from annotation.exporting.layers import ExportedLayer, Exporter, order_of, segments_of
from annotation.importing.rows import Repair

FACTS = ("expert", "amateur", "license", "song")


def write(layer: ExportedLayer) -> bytes:
    """The session, segments, turns, conversations, summaries and flags, each in order of time."""
    rows, place = layer.rows, order_of(layer)
    facts = {name: layer.facts[name] for name in FACTS if layer.facts.get(name)}
    told: list[dict[str, Any]] = [{"type": "session", "title": layer.title, "length_ms": layer.length_ms, **facts}]
    told += [{"type": "segment", **row} for row in segments_of(layer)]
    for row in sorted(rows.turns, key=lambda row: place[row["uid"]]):
        told.append({"type": "turn", **{name: value for name, value in row.items() if value is not None}})
    for row in sorted(rows.conversations, key=lambda row: [place[uid] for uid in row["turns"]]):
        told.append({"type": "conversation", **row})
    for row in sorted(rows.summaries, key=lambda row: place[row["turn"]]):
        model = {"model": row["model"]} if row.get("model") else {}
        told.append({"type": "summary", "turn": row["turn"], "text": row["text"], **model})
    for row in sorted(rows.flags, key=lambda row: (place[row["turn"]], row["flag"])):
        note = {"note": row["note"]} if row.get("note") else {}
        told.append({"type": "flag", "turn": row["turn"], "flag": row["flag"], "value": row["value"], **note})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in told).encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """Nothing."""
    return []


EXPORTER = Exporter(write, lost, ".jsonl", "application/jsonl; charset=utf-8")
