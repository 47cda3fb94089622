"""How words are compared when people search: without case, accents and width, in any script."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

MOST_TERMS = 8
MOST_CHARACTERS = 200  # of a query; nobody means more


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if character == "\0":  # no database keeps one
        return ""
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()


def fold(text: str) -> str:
    """A text as it is compared; each run of white space is one space."""
    return " ".join("".join(map(_folded, text)).split())


def terms(query: str) -> list[str]:
    """What a query asks for, all of it: words, and phrases between double quotes; folded, the longest first."""
    said: list[str] = []
    for place, part in enumerate(query[:MOST_CHARACTERS].replace("“", '"').replace("”", '"').split('"')):
        said += [part] if place % 2 else part.split()
    folded = {fold(each) for each in said} - {""}
    return sorted(folded, key=lambda term: (-len(term), term))[:MOST_TERMS]


def marked(text: str, wanted: Sequence[str], *, most: int = 400) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is a match; a long text is cut around its first match."""
    folded, origin = _with_origins(text)
    hits = [False] * len(text)
    first = len(text)
    for term in wanted:
        at = folded.find(term)
        while at >= 0:
            start, end = origin[at], origin[at + len(term) - 1] + 1
            hits[start:end] = [True] * (end - start)
            first = min(first, start)
            at = folded.find(term, at + 1)
    begin, stop = _window(len(text), first, most)
    pieces: list[tuple[str, bool]] = []
    for at in range(begin, stop):
        if pieces and pieces[-1][1] == hits[at]:
            pieces[-1] = pieces[-1][0] + text[at], hits[at]
        else:
            pieces.append((text[at], hits[at]))
    return [*([("… ", False)] if begin else []), *pieces, *([(" …", False)] if stop < len(text) else [])]


def _with_origins(text: str) -> tuple[str, list[int]]:
    """A folded text, and for each of its characters where it comes from."""
    letters: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(text):
        for letter in _folded(character):
            if letter.isspace():
                if not letters or letters[-1] == " ":
                    continue
                letter = " "
            letters.append(letter)
            origin.append(at)
    return "".join(letters), origin


def _window(length: int, first: int, most: int) -> tuple[int, int]:
    if length <= most:
        return 0, length
    begin = max(0, min(first, length - 1) - most // 4) if first < length else 0
    return begin, min(length, begin + most)
