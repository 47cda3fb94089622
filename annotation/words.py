"""When each word of a segment is said: what another text, a cut or a move leaves of that.

Words are `[start_ms, end_ms, word]` in the order of the text; not every piece of a text need have its time. The browser
says the same early, in `static/js/workbench/words.js`: a rule that changes here changes there.
"""

from collections.abc import Sequence
from typing import Any

Word = list[Any]  # [start_ms, end_ms, word]

MOST = 2_000
LONGEST = 200  # characters of one word
COMPARED = 40_000  # pairs of a word and a piece, between what begins and ends alike
FORM = (
    "Word times are a list of at most 2,000 [start, end, word]: whole milliseconds inside the session, "
    "no start after its end, and words of at most 200 characters."
)


def checked(value: Any, length_ms: int = 0) -> list[Word]:
    """Word times as they are kept; `length_ms` is the session's, where it is known.

    Raises ValueError with a sentence for anything else.
    """
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise ValueError(FORM)
    if not all(isinstance(each, list | tuple) and len(each) == 3 and _is_word(each, length_ms) for each in value):
        raise ValueError(FORM)
    return [list(each) for each in value]


def _is_word(each: Sequence[Any], length_ms: int) -> bool:
    start, end, word = each
    whole = all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end))
    return whole and inside(start, end, length_ms) and isinstance(word, str) and len(word) <= LONGEST


def inside(start: int, end: int, length_ms: int) -> bool:
    """Whether a span lies in a session of this length; 0 is a length that nobody knows."""
    return 0 <= start <= end and (not length_ms or end <= length_ms)


def kept(words: Sequence[Word], text: str) -> list[Word]:
    """The words that a text still says in the same order, whatever their case and punctuation."""
    return [words[number] for number, _ in _matched(words, text.split())]


def moved(words: Sequence[Word], by: int, length_ms: int = 0) -> list[Word]:
    """The words of a segment that was moved as a whole; one that would leave the session loses its time."""
    return [[a + by, b + by, word] for a, b, word in words if inside(a + by, b + by, length_ms)]


def divided(words: Sequence[Word], text: str, span: tuple[int, int], at_ms: int) -> tuple[int, int]:
    """How many words, and how many pieces of the text, come before a cut of a segment that spans `span`.

    A word is on the side of its middle. Pieces without a time are shared out by the time between their neighbours that
    have one, or the segment's edges.
    """
    pieces = text.split()
    before = next((number for number, (a, b, _) in enumerate(words) if a + b >= 2 * at_ms), len(words))
    (since, until), first, last = span, 0, len(pieces)
    for number, place in _matched(words, pieces):
        if number >= before:
            until, last = words[number][0], place
            break
        since, first = words[number][1], place + 1
    length = until - since
    if length <= 0:
        return before, first
    passed = min(max(at_ms - since, 0), length)
    return before, first + (2 * (last - first) * passed + length) // (2 * length)  # rounded, halves up


def _matched(words: Sequence[Word], pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Which word stands where in the text: as many as can be matched without changing the order of either."""
    a, b = [_bare(word) for *_, word in words], [_bare(piece) for piece in pieces]
    shorter = min(len(a), len(b))
    head = next((number for number in range(shorter) if a[number] != b[number]), shorter)
    rest = shorter - head
    tail = next((number for number in range(rest) if a[-1 - number] != b[-1 - number]), rest)
    middle = _common(a[head : len(a) - tail], b[head : len(b) - tail])
    return [
        *((number, number) for number in range(head)),
        *((head + i, head + j) for i, j in middle),
        *((len(a) - number, len(b) - number) for number in range(tail, 0, -1)),
    ]


def _common(a: list[str], b: list[str]) -> list[tuple[int, int]]:
    """The longest common subsequence, or nothing where looking for it would take long."""
    if len(a) * len(b) > COMPARED:
        return []
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            best[i][j] = best[i + 1][j + 1] + 1 if a[i] == b[j] else max(best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _bare(word: str) -> str:
    """A word without case and punctuation; what is punctuation alone stays."""
    return "".join(filter(str.isalnum, word.lower())) or word
