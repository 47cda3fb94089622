"""A layer as it goes out, and what every format asks of it: its order, its tiers, and what can't go along."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from annotation.importing.rows import LANES, LayerRows, Repair, Report
from annotation.order import place

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportedLayer:
    """Rows as the edits API tells them; `media` names the session's files, `facts` is what else is known of it."""

    rows: LayerRows
    title: str = ""
    length_ms: int = 0
    media: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def end_ms(self) -> int:
        """Where all of it ends: the session's length, or the last segment's end where that is later; never 0."""
        last: int = max((row["end_ms"] for row in self.rows.segments), default=1)
        return max(self.length_ms, last)


@dataclass(frozen=True, slots=True)
class Exporter:
    """One format: bytes that are the same for the same layer, and what it can't hold of a layer."""

    write: Callable[[ExportedLayer], bytes]
    lost: Callable[[ExportedLayer], list[Repair]]
    suffix: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Tier:
    """Segments of one lane that do not overlap, and their words where those can stand on a tier of their own."""

    name: str
    lane: str
    segments: list[Row]

    @property
    def words(self) -> list[tuple[int, int, str]]:
        """All words of the segments that have words which fit."""
        return [(start, end, word) for row in self.segments if words_fit(row) for start, end, word in row["words"]]


def segments_of(layer: ExportedLayer) -> list[Row]:
    """Segments in order of time, then of lane, then of uid."""
    return sorted(
        layer.rows.segments,
        key=lambda row: (row["start_ms"], row["end_ms"], LANES.index(row["lane"]), row["uid"]),
    )


def tiers_of(layer: ExportedLayer) -> list[Tier]:
    """A tier for each lane, and further ones, “expert (2)”, for what overlaps on it."""
    found: dict[str, list[Tier]] = {lane: [] for lane in LANES}
    for row in segments_of(layer):
        tiers = found[row["lane"]]
        free = next((tier for tier in tiers if tier.segments[-1]["end_ms"] <= row["start_ms"]), None)
        if free is None:
            name = row["lane"] if not tiers else f"{row['lane']} ({len(tiers) + 1})"
            free = Tier(name, row["lane"], [])
            tiers.append(free)
        free.segments.append(row)
    return [tier for tiers in found.values() for tier in tiers]


def words_fit(row: Row) -> bool:
    """Whether a segment's words can stand side by side on a tier, inside the segment."""
    words = row.get("words") or []
    ends = [row["start_ms"], *(end for _, end, _ in words)]
    one_by_one = all(before <= start < end for before, (start, end, _) in zip(ends, words, strict=False))
    return bool(words) and one_by_one and ends[-1] <= row["end_ms"] and not any(_padded(word) for *_, word in words)


def _padded(word: str) -> bool:
    return not word.strip() or word != word.strip()


def order_of(layer: ExportedLayer) -> dict[str, int]:
    """The place of each turn, by its uid."""
    segments = {row["uid"]: row for row in layer.rows.segments}
    turns = sorted(layer.rows.turns, key=lambda turn: place(turn, segments))
    return {turn["uid"]: number for number, turn in enumerate(turns)}


def lost_with(
    layer: ExportedLayer,
    *,
    texts: tuple[str, Callable[[str], str]] | None = None,
    words: Callable[[Row], bool] | None = None,
) -> list[Repair]:
    """What a format of segments alone can't hold: texts that it changes, words' times, and all that stands on segments.

    `texts` says what happens to a text and what becomes of it; `words` whether a segment's words go along.
    """
    told = Report()
    for row in segments_of(layer):
        where = f"{row['start_ms']} ms"
        if texts and texts[1](row["text"]) != row["text"]:
            told.add(texts[0], where)
        if row.get("words") and not (words and words(row)):
            told.add("the times of a segment's words", where)
    for name in ("turns", "conversations", "summaries", "flags"):
        if rows := getattr(layer.rows, name):
            told.add(f"{len(rows)} {name}", "the whole layer")
    return told.told()


def seconds(ms: int, digits: int = 3) -> str:
    """Seconds as a decimal number, exactly."""
    return f"{ms // 1000}.{ms % 1000:03d}".ljust(len(str(ms // 1000)) + 1 + digits, "0")


def clock(ms: int, point: str) -> str:
    """Hours, minutes, seconds and milliseconds: 01:02:03.456."""
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"
