"""Praat TextGrid, long and short form: each interval tier is a speaker or the music, or a speaker's words."""

import re
from collections.abc import Iterator

from annotation.importing.characters import decoded, head_of
from annotation.importing.rows import (
    MAX_MS,
    MAX_NAME,
    MAX_SEGMENTS,
    MAX_SPEAKERS,
    Heard,
    Piece,
    TranscriptError,
    lane_of,
    require_few,
    speaker_of,
)

WORDLESS = "<no text>"  # how a segment without text is written: an interval without text is a gap
# A quoted text (a quote inside is doubled), a flag such as <exists>, or a number.
_TOKEN = re.compile(
    r'"((?:[^"]++|"")*+)"|(<exists>|<absent>)|(?<![\w.])([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.\]])'
)
# A speaker's words as aligners name the tier: “expert - words”.
WORDS = re.compile(r"(.*[\w)])\W*[\W_]words", re.IGNORECASE | re.DOTALL)


def looks_like(data: bytes) -> bool:
    """Whether it begins as Praat's files do."""
    head = head_of(data)[:400]
    return ("ooTextFile" in head and "TextGrid" in head) or data.startswith(b"ooBinaryFile")


def hear(data: bytes) -> Heard:
    """Take the intervals of all tiers; those without text are gaps, point tiers are lost and said so."""
    if data.startswith(b"ooBinaryFile"):
        raise TranscriptError("binary-textgrid", "This TextGrid is in Praat's binary form; save it as text in Praat.")
    heard = Heard()
    tokens = (
        ("text", match[1].replace('""', '"')) if match[1] is not None else ("number", match[3])
        for match in _TOKEN.finditer(decoded(data, heard))
        if not match[2]
    )
    reader = _Reader(tokens)
    if reader.text() not in ("ooTextFile", "ooTextFile short") or reader.text() != "TextGrid":
        raise TranscriptError("not-a-textgrid", "This is not a TextGrid that Praat wrote as text.")
    reader.number()
    reader.number()
    tiers = []
    for number in range(1, reader.count(MAX_SPEAKERS) + 1):
        tiers.append(_tier(reader, heard, number))
        require_few(tiers[-1][1])
    names = {name for name, _ in tiers}
    taken: dict[str, list[Piece]] = {}
    for name, intervals in tiers:
        if words_of(name, names) is None:
            for where, start, end, text in intervals:
                said = "" if text == WORDLESS else text
                piece = heard.add(speaker_of(name, names), start, end, said, where)
                if piece:
                    taken.setdefault(name, []).append(piece)
    for name, intervals in tiers:
        if speaker := words_of(name, names):
            heard.time_words(taken.get(speaker, []), intervals)
    return heard


def words_of(tier: str, tiers: set[str]) -> str | None:
    """The tier whose words this one holds; None for a tier of segments."""
    named = WORDS.fullmatch(tier)
    if named is None:
        return None
    if named[1] in tiers:
        return named[1]
    lane = lane_of(named[1], {})
    return next((name for name in sorted(tiers) if lane and lane_of(name, {}) == lane), None)


def _tier(reader: "_Reader", heard: Heard, tier: int) -> tuple[str, list[tuple[str, float, float, str]]]:
    """A tier's name, and its intervals with text as (where, start, end, text) in milliseconds."""
    kind, name = reader.text(), heard.text(reader.text(), f"the name of tier {tier}")
    if len(name) > MAX_NAME:
        raise TranscriptError("long-name", f"The name of tier {tier} has more than {MAX_NAME} characters; shorten it.")
    reader.number()
    reader.number()
    count = reader.count(2 * MAX_SEGMENTS + 1)  # with the gaps between
    if kind != "IntervalTier":
        for _ in range(count):
            reader.number()
            reader.text()
        heard.lose(f"{count} points", f"tier {name}")
        return name, []
    intervals = [(reader.number() * 1000, reader.number() * 1000, reader.text()) for _ in range(count)]
    return name, [
        (f"tier {name}, interval {number}", start, end, text)
        for number, (start, end, text) in enumerate(intervals, 1)
        if text.strip()
    ]


class _Reader:
    """Takes the values of a TextGrid one by one; both forms hold the same values in the same order."""

    def __init__(self, tokens: Iterator[tuple[str, str]]) -> None:
        self.tokens = tokens

    def text(self) -> str:
        """The next value, which is a text."""
        return self._take("text")

    def number(self) -> float:
        """The next value, which is a number that a time or a count can be."""
        value = float(self._take("number"))
        if abs(value) * 1000 > MAX_MS:
            raise TranscriptError("broken-textgrid", "This TextGrid is damaged: it holds a time beyond all sessions.")
        return value

    def count(self, most: int) -> int:
        """The next value, which says how many follow."""
        count = int(self.number())
        if count > most:
            raise TranscriptError("too-many", "This TextGrid counts more tiers or intervals than any session has.")
        return count

    def _take(self, kind: str) -> str:
        found, value = next(self.tokens, ("end", ""))
        if found != kind:
            raise TranscriptError("broken-textgrid", f"This TextGrid breaks off or is damaged: a {kind} is missing.")
        return value
