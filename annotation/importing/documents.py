"""JSON documents of other programs: parsed with a sentence for what is none, and looked into without trust."""

import json
import math
from typing import Any

from annotation.importing.characters import decoded
from annotation.importing.rows import Heard, TranscriptError


def parsed(data: bytes, heard: Heard) -> Any:
    """The document; TranscriptError for what is no JSON."""
    try:
        return json.loads(decoded(data, heard))
    except (ValueError, RecursionError):
        raise TranscriptError("bad-json", "This transcript is no whole JSON document; export it again.") from None


def rows_of(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number_of(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def text_of(value: Any) -> str:
    """A text; nothing where it is none."""
    return value if isinstance(value, str) else ""
