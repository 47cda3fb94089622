"""A long recording heard in windows that overlap, and one text made of what was heard in each."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

WINDOW_MS = 30_000  # what Whisper hears at a time
OVERLAP_MS = 5_000  # what two windows hear both: a window's edges are where it hears worst
APART_MS = 1_500  # how far two windows may differ about when a word is said
PAUSE_MS = 1_000  # a sentence that goes on after a seam has no longer pause there
REPEATS = 2.4  # a text that deflates better than this says the same over and over (Radford et al. 2022, §4.5)
ENDS = ".?!…。？！"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Word:
    """A word with what separates it from the one before, when it is said, and in which of its window's lines."""

    start_ms: int
    end_ms: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Line:
    """What is said in one go."""

    words: tuple[Word, ...]

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return self.words[0].start_ms

    @property
    def end_ms(self) -> int:
        """When it ends."""
        return max(word.end_ms for word in self.words)

    @property
    def text(self) -> str:
        """What is said."""
        return "".join(word.text for word in self.words).strip()


def windows_of(length_ms: int) -> list[Span]:
    """Cover a recording with windows; the last is as short as the recording leaves it, and hears more than the overlap.

    Half-open spans in ms; none for a recording of no length.
    """
    step = WINDOW_MS - OVERLAP_MS
    starts = range(0, max(length_ms - OVERLAP_MS, min(length_ms, 1)), step)
    return [(start, min(start + WINDOW_MS, length_ms)) for start in starts]


def merged(windows: Sequence[Span], heard: Sequence[Sequence[Word]]) -> list[Word]:
    """Make one run of words of what each window heard, in the recording's time.

    Where two windows overlap, the longest run of words that both heard at about the same time joins them: the first
    window is believed up to its middle, the second from there. Where they agree on nothing, the middle of the overlap
    parts them; where one heard nothing, the other is believed. Lines get numbers of their own.
    """
    told: list[Word] = []
    lines = 0
    for number, words in enumerate(heard):
        fresh = [Word(word.start_ms, word.end_ms, word.text, word.line + lines) for word in words]
        lines += 1 + max((word.line for word in words), default=0)
        told = _joined(told, fresh, (windows[number][0], windows[number - 1][1])) if number else fresh
    return told


def _joined(before: list[Word], after: list[Word], seam: Span) -> list[Word]:
    tail = [number for number, word in enumerate(before) if word.end_ms > seam[0]]
    head = [number for number, word in enumerate(after) if word.start_ms < seam[1]]
    middle = sum(seam) / 2
    found = _same_run([before[number] for number in tail], [after[number] for number in head], middle)
    if not tail or not head:  # one of them stopped early, or hears nothing there: the other is believed
        first, second = before, after
    elif found is None:
        first = [word for word in before if word.start_ms + word.end_ms < 2 * middle]
        second = [word for word in after if word.start_ms + word.end_ms >= 2 * middle]
    else:
        i, j, length = found
        half = length - length // 2
        first, second = before[: tail[i] + half], after[head[j] + half :]
    begun = first[-1].start_ms if first else 0  # the second may hear a word a little before the first heard its last
    return [*first, *(_not_before(word, begun) for word in second)]


def _not_before(word: Word, ms: int) -> Word:
    return word if word.start_ms >= ms else Word(ms, max(ms, word.end_ms), word.text, word.line)


def _same_run(a: list[Word], b: list[Word], middle: float) -> tuple[int, int, int] | None:
    """Where the longest run of words lies that both say at about the same time: its place in each, and its length."""
    plain = [[_bare(word.text) for word in words] for words in (a, b)]
    best: tuple[int, int, int] | None = None
    rank: tuple[float, float] = (0, 0)
    ending = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, said in enumerate(a):
        for j, heard in enumerate(b):
            if plain[0][i] and plain[0][i] == plain[1][j] and abs(_mid(said) - _mid(heard)) <= APART_MS:
                length = ending[i + 1][j + 1] = ending[i][j] + 1
                here = (length, -abs(_mid(a[i - length // 2]) - middle))
                if here > rank:
                    best, rank = (i - length + 1, j - length + 1, length), here
    return best


def _mid(word: Word) -> float:
    return (word.start_ms + word.end_ms) / 2


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Group words into lines; a sentence that a seam had cut becomes whole again."""
    lines: list[Line] = []
    for _, group in groupby(words, key=lambda word: word.line):
        line = Line(tuple(group))
        if not line.text:
            continue
        last = lines[-1] if lines else None
        if last and _goes_on(last, line):
            lines[-1] = Line((*last.words, *line.words))
        else:
            lines.append(line)
    return lines


def _goes_on(last: Line, line: Line) -> bool:
    """Whether a line goes on with the one before: unended, after no pause, and together no longer than a window."""
    is_near = line.start_ms - last.end_ms < PAUSE_MS
    return is_near and last.text[-1] not in ENDS and line.end_ms - last.start_ms <= WINDOW_MS


def says_it_over(text: str) -> bool:
    """Whether a text repeats itself, as models do that hear nothing."""
    said = text.strip().encode()
    return len(said) > 60 and len(said) / len(zlib.compress(said)) > REPEATS
