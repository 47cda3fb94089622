"""The tables of a result as CSV: what stands behind each figure and each table of the page."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

NAMES = ("contenders", "pairs", "topics", "raters", "criteria", "davidson", "length", "agreement", "everyone")
FIRST = ("name", "one", "other", "label", "topic", "criterion", "coefficient", "votes", "wins", "losses", "share")
MANNERS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def as_csv(result: Mapping[str, Any], name: str) -> str:
    """One table, a line a row; an empty table has its name alone."""
    rows = [flat(row) for row in rows_of(result, name)]
    known = {key: place for place, key in enumerate(FIRST)}  # PostgreSQL keeps no order of a result's keys
    columns = sorted({key for row in rows for key in row}, key=lambda key: (known.get(key, len(known)), key)) or [name]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def rows_of(result: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    """The rows of one table; raises KeyError for a name that there isn't."""
    if name not in NAMES:
        raise KeyError(name)
    if name == "raters":
        return list(result["rater_rows"])
    if name in ("davidson", "length"):
        return list(result[name]["contenders" if name == "davidson" else "pairs"])
    if name == "everyone":
        return list(result["everyone"]["contenders"]) if result["everyone"] else []
    if name == "agreement":
        found = result["agreement"]
        return [{"coefficient": key, **found[key]} for key in ("percent", "ac1", "alpha", "ordinal") if found.get(key)]
    return list(result[name])


def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A row with what lies inside it as columns of their own."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}_")
        else:
            found[f"{before}{key}"] = " ".join(map(str, value)) if isinstance(value, list) else value
    return found


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(MANNERS) else value
