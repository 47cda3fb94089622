"""What a rater gets to see, and nothing else: rating pages are rendered from the types of this module alone."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.models import Assignment, Rating, Study
from evaluation.rules import CRITERIA, TIES, Rules, rules_of

NORMALISER = "2"  # kept in every study's protocol: a change of the rules below is a new version
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        "\u2026": "...",
        "\t": " ",
    }
)
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:b|i|u|em|strong|code|p|span|div|ul|ol|li|h[1-6])>", re.IGNORECASE)
# a line that is nothing but a mark: a fence, a rule, the line under a table's head
_MARK = re.compile(r"(?:```|~~~|'{3}).*|(?:[-*_] ?){3,}|\|?(?: ?:?-{2,}:? ?\|)+(?: ?:?-{2,}:? ?)?")
_ROW = re.compile(r"\|(.+)\|")
_QUOTE = re.compile(r">(?! ?[\d=]) ?")  # not: more than 3 dB
_HEADING = re.compile(r"#{2,6} ?(?=[^\W\d])|#{1,6} +")
_BULLET = re.compile(r"[-*+\u2022\u25e6\u2023\u00b7] +")
_NUMBER = re.compile(r"(\d{1,2})\\?[.)] +")
_LINK = re.compile(r"!?\[([^\]\n]+)\]\([^()\s]*\)")
_STRONG = re.compile(r"(\*\*\*|\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(
    r"(?<![\w*\\])\*(?=\S)([^*]+?)(?<=[^\s\\])\*(?![\w*])|(?<!\w)_(?=[^\W_])([^_]+?)(?<=[^\W_])_(?!\w)"
)
_ESCAPED = re.compile(r"\\([\\*_{}\[\]()#+.!>~|-])")


@dataclass(frozen=True, slots=True)
class BlindAnswer:
    """One of two answers, under a letter and a token that is good for this page only."""

    letter: str
    token: str
    text: str


@dataclass(frozen=True, slots=True)
class BlindTurn:
    """Something that was said before."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class BlindComparison:
    """Everything that a rater may know of a pair."""

    token: str
    number: int
    total: int
    summary: str
    turns: tuple[BlindTurn, ...]
    asked: str
    audio: str  # a token; empty where the item has no clip
    answers: tuple[BlindAnswer, BlindAnswer]


@dataclass(frozen=True, slots=True)
class BlindOption:
    """Something that can be chosen: what is sent, what it is called, and its key."""

    value: str
    label: str
    key: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class BlindRow:
    """One criterion and its three options."""

    name: str
    label: str
    options: tuple[BlindOption, ...]


@dataclass(frozen=True, slots=True)
class BlindBriefing:
    """Everything that a rater may know of a study."""

    question: str
    instructions: str
    total: int
    saved: int
    practice: int
    consent: str
    asks_reason: bool
    must_listen: bool
    has_codes: bool


def comparison(assignment: Assignment, *, number: int, total: int) -> BlindComparison:
    """Take from an assignment what its rater may see: letters, texts, tokens, progress."""
    context = assignment.item.context
    left, right = assignment.left.shown, assignment.right.shown
    return BlindComparison(
        token=assignment.token,
        number=number,
        total=total,
        summary=normalise(context.get("summary") or ""),
        turns=tuple(BlindTurn(turn["speaker"], normalise(turn["text"])) for turn in context.get("turns", ())),
        asked=normalise(context.get("asked") or ""),
        audio=assignment.audio_token if assignment.item.clip else "",
        answers=(BlindAnswer("A", assignment.left_token, left), BlindAnswer("B", assignment.right_token, right)),
    )


def briefing(study: Study, *, saved: int) -> BlindBriefing:
    """Take from a study what its raters may see."""
    rules = rules_of(study.protocol)
    return BlindBriefing(
        question=study.question,
        instructions=study.instructions,
        total=study.trials_per_rater + rules.extras,
        saved=saved,
        practice=rules.practice,
        consent=rules.consent,
        asks_reason=rules.asks_reason,
        must_listen=rules.listening != "none",
        has_codes=bool(study.panel.get("codes")),
    )


def options(pair: BlindComparison, rules: Rules, chosen: str = "") -> tuple[BlindOption, ...]:
    """What can be said of a pair, in the order of the screen; the scale runs from A to B."""
    a, b = pair.answers
    tie, bad = (Rating.Choice.BOTH_GOOD.value, TIES[rules.tie]), (Rating.Choice.BOTH_BAD.value, "Both bad")
    if rules.scale == "five":
        scale = [(f"{a.token}:2", "A clearly"), (f"{a.token}:1", "A slightly"), tie]
        scale += [(f"{b.token}:1", "B slightly"), (f"{b.token}:2", "B clearly")]
        rest = [(*bad, "0"), (Rating.Choice.CANNOT_JUDGE.value, "Can't judge", "x")]
        told = [(value, label, str(n)) for n, (value, label) in enumerate(scale, start=1)] + rest
    else:
        told = [(a.token, "A is better", "1"), (b.token, "B is better", "2"), (*tie, "3"), (*bad, "4")]
    return tuple(BlindOption(value, label, key, value == chosen) for value, label, key in told)


def rows(
    pair: BlindComparison, rules: Rules, order: Sequence[str], chosen: Mapping[str, str] | None = None
) -> tuple[BlindRow, ...]:
    """The criteria of a pair in the order that was drawn for it: A, the same, B; and not said, where that may be."""
    a, b = pair.answers
    said = chosen or {}
    values = [(a.token, "A"), (Rating.Choice.BOTH_GOOD.value, "The same"), (b.token, "B")]
    if rules.criteria_optional:
        values.append(("", "Not said"))  # chosen from the start, and by the key of what is chosen already
    keys = ("qwe", "asd", "zcv")
    return tuple(
        BlindRow(
            name,
            CRITERIA[name],
            tuple(
                BlindOption(value, label, keys[n][place] if value else "", said.get(name, "") == value)
                for place, (value, label) in enumerate(values)
            ),
        )
        for n, name in enumerate(order or rules.criteria)
    )


def normalise(text: str) -> str:
    """Write every text in one way: quotes, dashes, spaces, list marks and Markdown tell nothing of its source.

    Words, numbers and line breaks stay; an expert's transcribed speech and a model's Markdown look the same after. What
    is normalised once stays as it is.
    """
    text = unicodedata.normalize("NFC", text)
    while (again := _plainer(text)) != text:  # one mark may hide another; every step is shorter, or stands
        text = again
    return text


def _plainer(text: str) -> str:
    text = text.replace("\r\n", "\n").translate(_SAME)
    text = _BREAK.sub("\n", "".join(_plain_sign(sign) for sign in text))
    lines = [_plain_line(" ".join(_TAG.sub("", line).split())) for line in text.split("\n")]
    return unicodedata.normalize("NFC", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


def _plain_sign(sign: str) -> str:
    kind = unicodedata.category(sign)
    if sign in "\n\r" or kind in ("Zl", "Zp"):
        return "\n"
    return " " if kind == "Zs" else "" if kind[0] == "C" or 0xFE00 <= ord(sign) <= 0xFE0F else sign


def _plain_line(line: str) -> str:
    if _MARK.fullmatch(line):
        return ""
    if row := _ROW.fullmatch(line):
        line = " - ".join(cell.strip() for cell in row[1].split("|"))
    line = _QUOTE.sub("", line, count=1) if _QUOTE.match(line) else line
    line = line[found.end() :] if (found := _HEADING.match(line)) else line
    if line[1:2] == " " and unicodedata.category(line[0]) == "So":
        line = "- " + line[2:]  # a picture for a bullet
    line = "- " + line[found.end() :] if (found := _BULLET.match(line)) else line
    line = f"{found[1]}. {line[found.end() :]}" if (found := _NUMBER.match(line)) else line
    line = _LINK.sub(r"\1", line)
    line = _STRONG.sub(r"\2", line)
    line = _EMPHASIS.sub(lambda found: found[1] or found[2], line)
    return _ESCAPED.sub(r"\1", line).strip()
