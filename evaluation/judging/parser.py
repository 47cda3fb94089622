"""What a judge's text states: a verdict that stands in it word for word, or none.

The reasoning in front is left out; what remains is one JSON object, with prose or a code fence before it and nothing
but the fence's end after it. Everything else is Invalid: two objects, one that is cut off, a label that is missing,
doubled or unknown. Nothing is repaired, and no pieces are joined: the verdict's JSON is one span of the text.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.judging.errors import Invalid

LONGEST = 200_000  # characters that are looked at
TAGS = ("think", "thinking", "reasoning", "thought", "reflection")
_OPEN = re.compile(rf"<({'|'.join(TAGS)})\b[^<>]*>", re.IGNORECASE)
_CLOSE = re.compile(rf"</({'|'.join(TAGS)})\s*>", re.IGNORECASE)
_FINAL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|[a-z_]+\|>[^<{]*)*<\|message\|>")
_ENDS = re.compile(r"\s*(?:```\s*)?(?:<\|(?:return|end|im_end|eot_id)\|>\s*)?")
_REFUSAL = re.compile(
    r"\W*(?:i['’]?m (?:very )?sorry|i am sorry|sorry|i apologi[sz]e|i can(?:no|['’])t|i can not|"
    r"i['’]?m (?:unable|not able)|i am (?:unable|not able)|i won['’]?t|i will not|i must decline|as an ai)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Labels in groups, best first, and where in the text they are said."""

    groups: tuple[tuple[str, ...], ...]
    start: int
    end: int

    @property
    def said(self) -> dict[str, Any]:
        """The verdict as JSON keeps it."""
        return {"ranking": [list(group) for group in self.groups]}


@dataclass(frozen=True, slots=True)
class Scores:
    """Points by criterion for one answer, and where in the text they are said."""

    points: dict[str, int]
    start: int
    end: int

    @property
    def said(self) -> dict[str, Any]:
        """The verdict as JSON keeps it."""
        return {"scores": dict(self.points)}


def ranking(text: str, labels: Sequence[str], *, ties: bool) -> Ranking:
    """Read `{"ranking": [["R2"], ["R1", "R3"]]}`: exactly these labels, each once; other keys are ignored.

    Raises Invalid with a sentence that can be sent back to the judge.
    """
    value, start, end = _object(text)
    groups = value.get("ranking")
    if not isinstance(groups, list) or not groups:
        raise Invalid('there is no list under "ranking"')
    for group in groups:
        if not isinstance(group, list) or not group or not all(isinstance(label, str) for label in group):
            raise Invalid('"ranking" is a list of lists of labels')
        if len(group) > 1 and not ties:
            raise Invalid("ties are not allowed: each list holds one label")
    given = [label for group in groups for label in group]
    if sorted(given) != sorted(labels):
        raise Invalid(f"the ranking holds each of {', '.join(labels)} exactly once, and no other label")
    return Ranking(tuple(tuple(group) for group in groups), start, end)


def scores(text: str, criteria: Sequence[str], least: int = 1, most: int = 5) -> Scores:
    """Read `{"scores": {"accuracy": 4, …}}`: exactly these criteria, whole numbers from least to most."""
    value, start, end = _object(text)
    points = value.get("scores")
    if not isinstance(points, dict) or set(points) != set(criteria):
        raise Invalid(f'"scores" is an object with exactly {", ".join(criteria)}')
    for point in points.values():
        if isinstance(point, bool) or not isinstance(point, int) or not least <= point <= most:
            raise Invalid(f"each score is a whole number from {least} to {most}")
    return Scores({name: points[name] for name in criteria}, start, end)


def is_refusal(text: str) -> bool:
    """Whether a text without a verdict declines to give one."""
    begin = _after_reasoning(text) if not _unfinished(text) else 0
    return "{" not in text[begin:] and bool(_REFUSAL.match(text, begin))


def _object(text: str) -> tuple[dict[str, Any], int, int]:
    if len(text) > LONGEST:
        raise Invalid("the answer is too long")
    if not text.strip():
        raise Invalid("the answer is empty")
    if _unfinished(text):
        raise Invalid("the reasoning does not end")
    begin = _after_reasoning(text)
    start = text.find("{", begin)
    if start < 0:
        raise Invalid("there is no JSON object")
    if "}" in text[begin:start] or text[begin:start].rstrip().endswith(("[", ",")):
        raise Invalid("there is more than one JSON object, or a piece of one")
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        raise Invalid("the JSON object can't be read") from None
    if not isinstance(value, dict):
        raise Invalid("there is no JSON object")
    if not _ENDS.fullmatch(text, end):
        raise Invalid("nothing may follow the JSON object")
    return value, start, end


def _unfinished(text: str) -> bool:
    """Whether reasoning begins after the last place where it ends, or never ends."""
    if "<|channel|>" in text:
        return not _FINAL.search(text)
    opened = [found.end() for found in _OPEN.finditer(text)]
    closed = [found.end() for found in _CLOSE.finditer(text)]
    return bool(opened) and (not closed or opened[-1] > closed[-1])


def _after_reasoning(text: str) -> int:
    """Where the answer begins: after the last end of reasoning, so that what is read is one piece of the text."""
    ends = [found.end() for found in _CLOSE.finditer(text)] + [found.end() for found in _FINAL.finditer(text)]
    return max(ends, default=0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
