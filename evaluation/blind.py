"""What a rater gets to see, and nothing else: rating pages are rendered from the types of this module alone."""

import re
import unicodedata
from dataclasses import dataclass

from evaluation.models import Assignment, Study

NORMALISER = "1"  # kept in every study's protocol: a change of the rules below is a new version
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u202f\u2007\t", " "),
        "\u2026": "...",
    }
)
_FENCE = re.compile(r"^ *(```|~~~|'{3}).*$", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6} +", re.MULTILINE)
_BULLET = re.compile(r"^ *[-*+\u2022\u25e6\u2023\u00b7] +", re.MULTILINE)
_NUMBER = re.compile(r"^ *(\d{1,2})[.)] +", re.MULTILINE)
_STRONG = re.compile(r"(\*\*\*|\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")


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
class BlindBriefing:
    """Everything that a rater may know of a study."""

    question: str
    instructions: str
    total: int
    saved: int


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
    return BlindBriefing(study.question, study.instructions, study.trials_per_rater, saved)


def normalise(text: str) -> str:
    """Write every text in one way: quotes, dashes, spaces, list marks and Markdown tell nothing of its source.

    Words, numbers and line breaks stay; an expert's transcribed speech and a model's Markdown look the same after.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").translate(_SAME)
    text = "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter)[0] != "C")
    text = _FENCE.sub("", text)
    text = _HEADING.sub("", text)
    text = _BULLET.sub("- ", text)
    text = _NUMBER.sub(r"\1. ", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(r"\1", text)
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
