"""In which order the turns of a session follow each other: one rule for what is stored, drawn and exported."""

import math
from collections.abc import Mapping
from typing import Any

SPOKEN = ("amateur", "expert")
LANES = (*SPOKEN, "music")


def place(turn: Mapping[str, Any], segments: Mapping[str, Mapping[str, Any]]) -> tuple[int, float, int, str]:
    """A turn's place among others: when it begins, when somebody first speaks in it, when it ends, its uid.

    Turns may share a music clip, and then begin together; the one that is spoken first comes first. `segments` holds
    the segments by uid; times are milliseconds.
    """
    spans = [segments[uid] for lane in LANES for uid in turn[lane]]
    spoken = [segments[uid]["start_ms"] for lane in SPOKEN for uid in turn[lane]]
    return (
        min((span["start_ms"] for span in spans), default=0),
        min(spoken, default=math.inf),
        max((span["end_ms"] for span in spans), default=0),
        turn["uid"],
    )
