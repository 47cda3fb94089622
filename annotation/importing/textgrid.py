"""Praat TextGrid, long and short form: each interval tier is a speaker or the music, or a speaker's words."""

import re
from bisect import bisect_right
from typing import Any

from annotation.importing.rows import LANES, MAX_MS, Imported, LayerRows, TranscriptError, lane_of, uid_at
from annotation.words import MOST, Word, checked

# A quoted text (a quote inside is doubled), a flag such as <exists>, or a number.
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(<exists>|<absent>)|(?<![\w.])([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.\]])')
# A speaker's words as aligners name the tier: “expert - words”.
_WORDS = re.compile(r"(.*\w)\W*[\W_]words", re.IGNORECASE | re.DOTALL)


def looks_like(data: bytes) -> bool:
    """Whether it begins as Praat's text files do."""
    return "ooTextFile" in _decode(data[:400], errors="ignore") and "TextGrid" in _decode(data[:400], errors="ignore")


def read(data: bytes, lanes: dict[str, str]) -> Imported:
    """Read interval tiers into segments; intervals without text are gaps, point tiers are lost and said so."""
    text = _decode(data)
    tokens = [
        ("text", match[1].replace('""', '"')) if match[1] is not None else ("number", match[3])
        for match in _TOKEN.finditer(text)
        if not match[2]
    ]
    reader = _Reader(tokens)
    if reader.text() not in ("ooTextFile", "ooTextFile short") or reader.text() != "TextGrid":
        raise TranscriptError("not-a-textgrid", "This is not a TextGrid that Praat wrote as text.")
    reader.number()
    reader.number()
    made = Imported(LayerRows())
    words: list[tuple[str, str, Word]] = []
    for tier in range(1, reader.count() + 1):
        words += _tier(reader, made, lanes, tier)
    made.rows.segments.sort(key=lambda row: (row["start_ms"], row["end_ms"], row["lane"]))
    _take_words(made, words)
    return made


def _tier(reader: "_Reader", made: Imported, lanes: dict[str, str], tier: int) -> list[tuple[str, str, Word]]:
    """Take a tier's segments; or return its words, with their lane and place."""
    kind, name = reader.text(), made.text(reader.text(), f"the name of tier {tier}")
    reader.number()
    reader.number()
    count = reader.count()
    if kind != "IntervalTier":
        for _ in range(count):
            reader.number()
            reader.text()
        made.lost.append({"what": f"{count} points", "where": f"tier {name}"})
        return []
    intervals = [(reader.number(), reader.number(), reader.text()) for _ in range(count)]
    lane, speaker = lane_of(name, lanes), _WORDS.fullmatch(name)
    if lane is None and speaker and (lane := lane_of(speaker[1], lanes)):
        return [
            (lane, f"tier {name}, interval {number}", [round(start * 1000), round(end * 1000), text.strip()])
            for number, (start, end, text) in enumerate(intervals, 1)
            if text.strip()
        ]
    if lane is None:
        if any(text.strip() for _, _, text in intervals):
            raise TranscriptError("unknown-lane", f"Say with --lane which lane the tier “{name}” is.")
        return []
    for number, (start, end, text) in enumerate(intervals, 1):
        if text.strip():
            where = f"tier {name}, interval {number}"
            uid = uid_at("segment", number, f"{tier} {name}")  # two tiers may have one name
            found = {"lane": lane, "start": start, "end": end, "text": made.text(text.strip(), where)}
            _interval(made, uid, where, found)
    return []


def _take_words(made: Imported, words: list[tuple[str, str, Word]]) -> None:
    """Give each word to the segment of its lane that holds its middle."""
    rows = {lane: [row for row in made.rows.segments if row["lane"] == lane] for lane in LANES}
    begins = {lane: [row["start_ms"] for row in found] for lane, found in rows.items()}
    for lane, where, (start, end, text) in words:
        place = bisect_right(begins[lane], (start + end) / 2) - 1
        row = rows[lane][place] if place >= 0 else None
        try:
            (word,) = checked([[start, end, made.text(text, where)]], MAX_MS)
        except ValueError:
            row = None
        if row is None or start + end >= 2 * row["end_ms"] or len(row.get("words", ())) == MOST:
            made.lost.append({"what": "the time of a word that no segment can take", "where": where})
        else:
            row.setdefault("words", []).append(word)


def _interval(made: Imported, uid: str, where: str, found: dict[str, Any]) -> None:
    start, end = round(found["start"] * 1000), round(found["end"] * 1000)
    if start < 0 or end <= start:
        made.lost.append({"what": "an interval that ends before it starts", "where": where})
        return
    if abs(found["start"] * 1000 - start) > 1e-6 or abs(found["end"] * 1000 - end) > 1e-6:
        made.repaired.append({"what": "time rounded to a millisecond", "where": where})
    row = {"uid": uid, "lane": found["lane"], "start_ms": start, "end_ms": end, "text": found["text"]}
    made.rows.segments.append(row)


class _Reader:
    """Takes the values of a TextGrid one by one; both forms hold the same values in the same order."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = iter(tokens)

    def text(self) -> str:
        """The next value, which is a text."""
        return self._take("text")

    def number(self) -> float:
        """The next value, which is a number that a time or a count can be."""
        value = float(self._take("number"))
        if abs(value) > MAX_MS:
            raise TranscriptError("broken-textgrid", "This TextGrid is damaged: it holds a time beyond all sessions.")
        return value

    def count(self) -> int:
        """The next value, which says how many follow."""
        return int(self.number())

    def _take(self, kind: str) -> str:
        found, value = next(self.tokens, ("end", ""))
        if found != kind:
            raise TranscriptError("broken-textgrid", f"This TextGrid breaks off or is damaged: a {kind} is missing.")
        return value


def _decode(data: bytes, errors: str = "strict") -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding, errors)
    except UnicodeDecodeError:
        return data.decode("latin-1")
