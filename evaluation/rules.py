"""How raters are asked: the part of a protocol that a researcher signs before anybody votes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

CRITERIA = {
    "technical_accuracy": "Technically more accurate",
    "helpfulness": "More helpful",
    "fluency": "Better worded",
}
SCALES = {"four": "Four outcomes: A, B, both good, both bad", "five": "Five points, both bad, can't judge"}
TIES = {"both_good": "Both good", "same": "About the same"}
PASSES = {"same": "With the vote", "after": "After the vote, on a page of their own"}
LISTENING = {"none": "Nobody has to listen", "once": "The clip is heard before a vote is taken"}
DESIGNS = {
    "open": "Open: the least-filled comparison goes first",
    "closed": "Closed: a Williams square for a fixed panel",
}
STOPPING = {"fixed": "When every comparison has its ratings", "sequential": "By the sequential test in the report"}
EXCLUSIONS = ("attention", "gold", "speed", "side", "repeats", "listening", "account")
REPEAT_AFTER = 8  # a pair comes again after as many others, at the earliest
QUIZ_ATTEMPTS = 2


class RuleError(ValueError):
    """A rule that can't be, in words that a person can act on."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked, checked and agreed to; counts are per rater."""

    scale: str = "four"
    tie: str = "both_good"
    criteria: tuple[str, ...] = ()
    criteria_when: str = "same"
    criteria_optional: bool = False  # a row that a rater leaves open is not said, and nothing is kept of it
    asks_reason: bool = True
    listening: str = "none"
    repeats: int = 0
    attention: int = 0
    gold: int = 0
    practice: int = 0
    quiz: bool = False
    block: int = 0  # pairs between two breaks; 0: no breaks
    source_share: float = 0.0  # of the pairs that are followed by "which was written by a person?"
    consent: str = ""
    design: str = "open"
    stopping: str = "fixed"
    exclusions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        choices = {
            "scale": SCALES, "tie": TIES, "criteria_when": PASSES, "listening": LISTENING, "design": DESIGNS,
            "stopping": STOPPING,
        }  # fmt: skip
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise RuleError(name, f"{name} is one of {', '.join(known)}, not {getattr(self, name)}.")
        for name, most in (("repeats", 50), ("attention", 20), ("gold", 20), ("practice", 10), ("block", 500)):
            if not 0 <= getattr(self, name) <= most:
                raise RuleError(name, f"{name} is a number from 0 to {most}.")
        if not 0 <= self.source_share <= 1:
            raise RuleError("source_share", "The share of pairs that are followed by a question lies between 0 and 1.")
        for name, allowed in (("criteria", tuple(CRITERIA)), ("exclusions", EXCLUSIONS)):
            if unknown := set(getattr(self, name)) - set(allowed):
                raise RuleError(name, f"{name} may hold {', '.join(allowed)}, not {', '.join(sorted(unknown))}.")
        if len(self.consent) > 20_000 or "\x00" in self.consent:
            raise RuleError("consent", "The consent text has at most 20,000 characters, all of them printable.")

    @property
    def extras(self) -> int:
        """Pairs beside those that answer the study's question; practice comes before and isn't counted."""
        return self.repeats + self.attention + self.gold

    @property
    def checks(self) -> int:
        """Items that are kept for checks."""
        return self.attention + self.gold + self.practice

    def as_dict(self) -> dict[str, Any]:
        """As the protocol's JSON keeps them."""
        told = asdict(self)
        return {**told, "criteria": list(self.criteria), "exclusions": list(self.exclusions)}


def rules_of(protocol: Mapping[str, Any]) -> Rules:
    """The rules in a protocol; one from before there were any is the four-outcome preset."""
    names = {field.name for field in fields(Rules)} - {"design"}
    known = {name: protocol[name] for name in names if name in protocol}
    for name in ("criteria", "exclusions"):
        known[name] = tuple(known.get(name, ()))
    return Rules(**known, design="closed" if protocol.get("closed") else "open")


def read(told: Mapping[str, Any]) -> Rules:
    """Rules from a script's JSON; RuleError for a name that isn't one, or a value of another type."""
    known = {field.name: field for field in fields(Rules)}
    if unknown := sorted(set(told) - set(known)):
        raise RuleError(unknown[0], f"There is no rule {unknown[0]}; there are {', '.join(known)}.")
    values: dict[str, Any] = {}
    for name, value in told.items():
        default = getattr(Rules(), name)
        if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(each, str) for each in value):
            values[name] = tuple(value)
        elif type(value) is type(default) or (isinstance(default, float) and type(value) is int):
            values[name] = value
        else:
            raise RuleError(name, f"The rule {name} is written like {default!r}, not like {value!r}.")
    return Rules(**values)


def outcomes(rules: Rules) -> list[str]:
    """The choices that a vote may name."""
    return ["left", "right", "both_good", "both_bad", *(["cannot_judge"] if rules.scale == "five" else [])]


def quiz(rules: Rules) -> list[dict[str, Any]]:
    """The questions that show whether the task was understood: text, options, and which of them is right."""
    both_bad = 'When neither answer would help, choose "Both bad".'
    return [
        {
            "question": "What do you judge?",
            "options": [
                "Which answer helps the amateur more at this moment",
                "Which answer is longer",
                "Which of the two you would have written",
            ],
            "right": 0,
        },
        {
            "question": "Two answers are equally useless. What do you do?",
            "options": ["I choose the first one", both_bad, "I close the page"],
            "right": 1,
        },
    ]
