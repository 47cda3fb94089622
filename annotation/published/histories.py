"""Histories in a cell of text: JSON, or what Python and numpy print of a list of dicts, with or without commas."""

import ast
import json
import re
import warnings
from typing import Any

LONGEST = 4_000_000  # characters of one cell
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<name>[A-Za-z_][\w.]*)|(?P<mark>[\[\]{}():,=]))""",
    re.DOTALL,
)
_NOTHING = ("None", "nan", "null", "NaN")


def parse(cell: str) -> list[dict[str, Any]] | None:
    """The utterances in a cell; None when it can't be read."""
    text = cell.strip()
    if not text or text in ("[]", *_NOTHING):
        return []
    if len(text) > LONGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text)
    return found if isinstance(found, list) and all(isinstance(item, dict) for item in found) else None


def _printed(text: str) -> list[dict[str, Any]] | None:
    """Read `[{'role': 'user', …} {…}]`: only names, texts and None are understood, so nothing is ever run."""
    items: list[dict[str, Any]] = []
    key: str | None = None
    open_item: dict[str, Any] | None = None
    at, end = 0, len(text)
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at = token.end()
        mark = token["mark"]
        if mark == "{" and open_item is None:
            open_item, key = {}, None
        elif mark == "}" and open_item is not None and key is None:
            items.append(open_item)
            open_item = None
        elif mark in ("{", "}"):
            return None
        elif open_item is None:  # around the dicts: brackets, commas, array( …, dtype=object)
            if token["text"]:
                return None
        elif token["text"] or token["name"]:
            value = _value(token)
            if value is NotImplemented or (key is None and not isinstance(value, str)):
                return None
            if key is None:
                key = value
            elif key in open_item:
                return None
            else:
                open_item[key], key = value, None
        elif mark not in (":", ","):
            return None
    return items if open_item is None and items else None


def _value(token: re.Match[str]) -> Any:
    if token["name"]:
        return None if token["name"] in _NOTHING else NotImplemented
    # a line may be broken inside a text that numpy printed; Python would not read it
    text = token["text"].replace("\n", "\\n").replace("\r", "\\r").replace("\0", "")
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes
            return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return NotImplemented
