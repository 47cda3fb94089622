"""What moved between two results."""

from collections.abc import Mapping
from typing import Any


def changes(before: Any, after: Any, path: str = "") -> list[dict[str, Any]]:
    """What moved between two results: {"what", "before", "after"} for each number or word that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            each
            for key in keys
            for each in changes(before.get(key), after.get(key), f"{path} › {key}" if path else str(key))
        ]
    if isinstance(before, list) and isinstance(after, list):
        if all(isinstance(each, dict) and _name(each) for each in [*before, *after]):
            return changes({_name(each): each for each in before}, {_name(each): each for each in after}, path)
        length = max(len(before), len(after))
        ends = [(*before, *[None] * (length - len(before))), (*after, *[None] * (length - len(after)))]
        return [
            each for place in range(length) for each in changes(ends[0][place], ends[1][place], f"{path} › {place + 1}")
        ]
    return [] if before == after else [{"what": path, "before": before, "after": after}]


def _name(row: Mapping[str, Any]) -> str:
    """What a row of a table is about."""
    keys = ("criterion", "topic", "name", "label", "one", "other", "outcome")
    return " | ".join(str(row[key]) for key in keys if isinstance(row.get(key), str))
