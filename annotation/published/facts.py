"""What is known of the published data set, and what a row of it says."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from annotation.importing.rows import Repair

SPLITS = ("train", "validation", "test")
COLUMNS = ("conversation_id", "topic", "turn_id", "has_content", "input_history", "audio_file", "user", "assistant")
TOPICS = ("drums", "overall_mix", "guitars", "bass", "vocals", "keys")
REVISION = "bf37575232cff9490085433fe1434e23f5426b52"
ROWS = {"train": 340, "validation": 50, "test": 250}
WITH_CONTENT = {"train": 241, "validation": 34, "test": 156}
SHA256 = {  # of the Parquet files at that revision
    "train": "0d3047dea8213be7f3122bef79686d6f417958831eb65472f3b777ad1efee5ed",
    "validation": "5f2d830a7b016503653ffedbf49a8ab89eaee971f7149b424706b4f52bf6d187",
    "test": "b6d354c04d56ddb33fd05bf74bf2af446dcd1170c89d7509b55d777f2bed4739",
}
PLACEHOLDERS = {  # what stands where a side is silent
    "user": "Please analyze this audio segment.",
    "assistant": "I need more information before I can respond. Please elaborate.",
}
LONGEST_NAME = 200
TOLD = 5  # places that a note names before it only counts
_GROUP = re.compile(r"(?:^|/)Group(\d{1,6})/")
_TAIL = re.compile(r"(?:audio/segments/)?Group\d{1,6}/[^/]+$")


class PublishedError(Exception):
    """A data set that can't be read, in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance of a history; a missing text is None."""

    role: str
    content: str | None
    audio_file: str | None

    def as_dict(self) -> dict[str, str | None]:
        """As the column tells it."""
        return {"audio_file": self.audio_file, "content": self.content, "role": self.role}


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One turn as it was published, with silence as None."""

    split: str
    conversation_id: str
    topic: str
    turn_id: int
    has_content: bool | None
    history: tuple[Said, ...]
    audio_file: str | None
    user: str | None
    assistant: str | None

    @property
    def where(self) -> str:
        """How people find it."""
        return f"{self.split}, {self.conversation_id}, turn {self.turn_id}"

    @property
    def said(self) -> tuple[Said, ...]:
        """The row as a later row's history tells it; a silent side without a clip is left out."""
        asked = [Said("user", self.user, self.audio_file)] if self.user or self.audio_file else []
        return (*asked, *([Said("assistant", self.assistant, None)] if self.assistant else []))


@dataclass
class Notes:
    """What was repaired or lost: each kind once, with the first places and how many more there are."""

    places: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, where: str) -> None:
        """Note that something happened somewhere."""
        self.counts[what] += 1
        if self.counts[what] <= TOLD:
            self.places.setdefault(what, []).append(where)

    def told(self) -> list[Repair]:
        """As a layer's report tells it."""
        return [{"what": what, "where": self._where(what)} for what in sorted(self.places)]

    def _where(self, what: str) -> str:
        more = self.counts[what] - TOLD
        return "; ".join(self.places[what]) + (f"; and {more} more" if more > 0 else "")


def group_of(audio_file: str | None) -> int | None:
    """The k of Group<k> in a clip's path."""
    found = _GROUP.search(audio_file or "")
    return int(found[1]) if found else None


def is_safe(name: str) -> bool:
    """Whether a clip's path stays below the folder that it is relative to."""
    parts = PurePosixPath(name).parts
    odd = name.startswith("/") or "\\" in name or "//" in name or "\0" in name or not parts
    return not odd and len(name) <= LONGEST_NAME and not any(part.startswith(".") for part in parts)


def mended_name(name: str) -> str | None:
    """A path that leaves its folder, cut down to `audio/segments/Group<k>/cut_<n>.wav`; None when it can't be."""
    found = _TAIL.search(name.replace("\\", "/"))
    return found[0] if found and is_safe(found[0]) else None
