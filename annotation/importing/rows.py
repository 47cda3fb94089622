"""What an importer makes: the rows of a layer, and what it repaired or lost on the way."""

import uuid
from dataclasses import dataclass, field
from typing import Any, TypedDict

LANES = ("amateur", "expert", "music", "note")
# Names under which other tools know the lanes.
ALIASES = {"student": "amateur", "learner": "amateur", "teacher": "expert", "mentor": "expert", "daw": "music"}
NAMESPACE = uuid.UUID("6e4f5b0a-8f4d-5d0e-9c0b-5a3c1f7d2e90")


class TranscriptError(Exception):
    """A transcript that can't be read, in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Repair(TypedDict):
    """Something that was mended or lost, and where."""

    what: str
    where: str


@dataclass
class LayerRows:
    """Rows in the shape in which the edits API tells them."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Imported:
    """A layer's rows, facts about the session that the file carried, repairs and losses."""

    rows: LayerRows
    facts: dict[str, Any] = field(default_factory=dict)
    repaired: list[Repair] = field(default_factory=list)
    lost: list[Repair] = field(default_factory=list)

    def lanes(self) -> dict[str, int]:
        """How many segments each lane got."""
        count = dict.fromkeys(LANES, 0)
        for segment in self.rows.segments:
            count[segment["lane"]] += 1
        return {lane: n for lane, n in count.items() if n}


def lane_of(name: str, lanes: dict[str, str]) -> str | None:
    """The lane that a speaker or tier name means; None when nobody said."""
    if name in lanes:
        return lanes[name]
    plain = name.strip().lower()
    known = ALIASES.get(plain, plain)
    return known if known in LANES else None


def uid_at(kind: str, position: int, content: str) -> str:
    """A uid that the same file always gives to the same row."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{position}:{content}"))
