"""A layer's document with its references as places in its lists, for the workbench: a uid is told once, in its row.

Random names don't compress: in a long session they are more than half of what a document weighs. The browser undoes
this in `static/js/workbench/packing.js`.
"""

from typing import Any

from annotation.tables import MEMBER_LANES

Rows = list[dict[str, Any]]


def packed(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, smaller: members, turns of conversations, and what summaries and flags stand on as numbers."""
    segments, turns = _places(document["segments"]), _places(document["turns"])
    return {
        **document,
        "packed": True,
        "turns": [
            {**row, **{lane: [segments[uid] for uid in row[lane]] for lane in MEMBER_LANES}}
            for row in document["turns"]
        ],
        "conversations": [{**row, "turns": [turns[uid] for uid in row["turns"]]} for row in document["conversations"]],
        "summaries": [_on(row, turns) for row in document["summaries"]],
        "flags": [_on(row, turns) for row in document["flags"]],
    }


def _places(rows: Rows) -> dict[str, int]:
    return {row["uid"]: place for place, row in enumerate(rows)}


def _on(row: dict[str, Any], turns: dict[str, int]) -> dict[str, Any]:
    return {**{name: value for name, value in row.items() if name != "uid"}, "turn": turns[row["turn"]]}
