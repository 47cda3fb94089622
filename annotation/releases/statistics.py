"""What people look at in a data set: turns by topic, lengths of clips, words on each side, shares of flags."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from annotation.releases.frozen import batches
from annotation.snapshots.rows import WINDOW_MS
from annotation.snapshots.splits import SPLITS

DATA = ["topic", "has_content", "audio_file", "user", "assistant"]
TURNS = ["group", "summary", "flags", "clips", "annotator"]
SECONDS = (1, 2, 5, 10, 20, 30, 45, 60)  # 30 s is what common audio encoders hear
WORDS = (1, 6, 11, 21, 41, 81)
VALUES = ("yes", "no", "unset")
SIDES = {"user": "amateur", "assistant": "expert"}


@dataclass
class Statistics:
    """Counts over the rows of a snapshot, or over those with content."""

    rows: Counter[str] = field(default_factory=Counter)  # by split
    content: Counter[tuple[str, str]] = field(default_factory=Counter)  # by split, and yes, no or unset
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)  # by topic and split
    clips: dict[str, tuple[str, int]] = field(default_factory=dict)  # {file: (split, length in ms)}
    named: Counter[str] = field(default_factory=Counter)  # rows by the file of their clip
    words: dict[str, list[int]] = field(default_factory=lambda: {side: [] for side in SIDES})
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)  # by flag and value
    groups: set[int] = field(default_factory=set)
    annotators: set[str] = field(default_factory=set)
    summaries: int = 0

    @property
    def total(self) -> int:
        """How many rows there are."""
        return sum(self.rows.values())

    @property
    def over_window(self) -> int:
        """How many clips are longer than what common audio encoders hear."""
        return sum(length > WINDOW_MS for _, length in self.clips.values())

    def silent(self, side: str) -> int:
        """How many rows say nothing on a side."""
        return self.words[side].count(0)


@dataclass(frozen=True, slots=True)
class Table:
    """One figure as a table: what stands in the first column, the series, their counts."""

    key: str
    title: str
    heading: str
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    note: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(sum(counts) for _, counts in self.rows)


def gather(folder: Path, *, content_only: bool = False) -> Statistics:
    """Count over a frozen snapshot, some thousand rows at a time."""
    found = Statistics()
    for split in SPLITS:
        for data, turns in batches(folder, split, content_only=content_only, columns=(DATA, TURNS)):
            for row, lost in zip(data.to_pylist(), turns.to_pylist(), strict=True):
                _count(found, split, row, lost)
    for flag in {flag for flag, _ in found.flags}:
        found.flags[flag, "unset"] = found.total - found.flags[flag, "yes"] - found.flags[flag, "no"]
    return found


def _count(found: Statistics, split: str, row: dict[str, Any], lost: dict[str, Any]) -> None:
    found.rows[split] += 1
    found.topics[row["topic"], split] += 1
    found.content[split, {True: "yes", False: "no", None: "unset"}[row["has_content"]]] += 1
    for side, counts in found.words.items():
        counts.append(len((row[side] or "").split()))
    if row["audio_file"]:
        found.named[row["audio_file"]] += 1
    for clip in lost["clips"]:
        if clip["start_ms"] is not None and clip["end_ms"] is not None:
            found.clips[clip["audio_file"]] = split, clip["end_ms"] - clip["start_ms"]
    for each in lost["flags"]:
        found.flags[each["flag"], each["value"]] += 1
    found.groups.add(lost["group"])
    found.annotators.update([lost["annotator"]] if lost["annotator"] else [])
    found.summaries += bool(lost["summary"])


def tables(found: Statistics) -> list[Table]:
    """The figures of a snapshot, in the order of its page."""
    topics = sorted({topic for topic, _ in found.topics}, key=lambda t: (-sum(found.topics[t, s] for s in SPLITS), t))
    by_topic = tuple((topic, tuple(found.topics[topic, split] for split in SPLITS)) for topic in topics)
    lengths = {split: [ms / 1000 for where, ms in found.clips.values() if where == split] for split in SPLITS}
    everything = [length for part in lengths.values() for length in part]
    flags = sorted({flag for flag, _ in found.flags})
    by_flag = tuple((flag, tuple(found.flags[flag, value] for value in VALUES)) for flag in flags)
    spans = _seconds([lengths[split] for split in SPLITS])
    said = _words(list(found.words.values()))
    return [
        Table("topics", "Turns by topic and split", "Topic", SPLITS, by_topic),
        Table("clips", "Lengths of clips", "Length", SPLITS, spans, _lengths_told(everything, found.over_window)),
        Table("words", "Words on each side", "Words", tuple(SIDES.values()), said, _words_told(found)),
        Table("flags", "Flags", "Flag", VALUES, by_flag, "Unset is not no: nobody has said."),
    ]


def _seconds(series: Sequence[Iterable[float]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    inner = [f"{low}–{high} s" for low, high in pairwise(SECONDS)]
    return _binned(series, SECONDS, [f"under {SECONDS[0]} s", *inner, f"{SECONDS[-1]} s or more"])


def _words(series: Sequence[Iterable[float]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    inner = [f"{low}–{high - 1}" for low, high in pairwise(WORDS)]  # whole numbers end before the next edge
    return _binned(series, WORDS, ["silent", *inner, f"{WORDS[-1]} or more"])


def _binned(
    series: Sequence[Iterable[float]], edges: Sequence[int], labels: Sequence[str]
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Counts between edges, lower edge included, for each series."""
    counts = [Counter(bisect_right(edges, value) for value in values) for values in series]
    return tuple((label, tuple(each[place] for each in counts)) for place, label in enumerate(labels))


def _lengths_told(seconds: Sequence[float], over: int) -> str:
    if not seconds:
        return "No row has a clip."
    middle = f"{len(seconds)} clips: from {min(seconds):.1f} to {max(seconds):.1f} s, median {median(seconds):.1f} s"
    return f"{middle}; {over} longer than the 30 s that common audio encoders hear."


def _words_told(found: Statistics) -> str:
    spoken = {SIDES[side]: [count for count in counts if count] for side, counts in found.words.items()}
    return (
        "; ".join(
            f"{name}: median {median(counts):g} of {len(counts)} that speak" if counts else f"{name}: never speaks"
            for name, counts in spoken.items()
        ).capitalize()
        + "."
    )
