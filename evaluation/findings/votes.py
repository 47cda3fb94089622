"""Votes as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ONE, OTHER, BOTH_GOOD, BOTH_BAD, CANNOT = range(5)
OUTCOMES = ("one", "other", "both_good", "both_bad", "cannot_judge")
LEFT, RIGHT, UNSURE = range(3)
GUESSES = ("left", "right", "unsure")
UNASKED = -1

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """N votes on canonical sides; numbers point into `names`, `items` and `raters`."""

    names: tuple[str, ...]  # of the contenders, in the study's order
    items: tuple[str, ...]
    raters: tuple[str, ...]
    item: Codes
    rater: Codes
    one: Codes
    other: Codes
    left: Codes  # the contender that stood on the left
    outcome: Codes  # ONE … CANNOT
    ms: Codes
    strength: Codes  # 1 slight, 2 clear, 0 unsaid
    guess: Codes  # which side was written by a person; UNASKED
    topic: npt.NDArray[Any]  # of the item
    criteria: Mapping[str, Codes] = field(default_factory=dict)  # ONE, OTHER, BOTH_GOOD (the tie), UNASKED

    def __len__(self) -> int:
        return len(self.outcome)

    def only(self, kept: npt.NDArray[np.bool_]) -> Self:
        """The votes that a mask, shape (N,), keeps."""
        columns = {each.name for each in fields(self)} - {"names", "items", "raters", "criteria"}
        criteria = {name: column[kept] for name, column in self.criteria.items()}
        return replace(self, **{name: getattr(self, name)[kept] for name in columns}, criteria=criteria)

    @property
    def decided(self) -> Self:
        """Those that prefer somebody."""
        return self.only(self.outcome <= OTHER)

    @property
    def winner(self) -> Codes:
        """Who was preferred, of decided votes."""
        return np.where(self.outcome == ONE, self.one, self.other)

    @property
    def loser(self) -> Codes:
        """Who was not, of decided votes."""
        return np.where(self.outcome == ONE, self.other, self.one)

    @property
    def right(self) -> Codes:
        """The contender that stood on the right."""
        return np.where(self.left == self.one, self.other, self.one)

    def of_pair(self, one: int, other: int) -> Self:
        """The votes on two contenders."""
        return self.only((self.one == one) & (self.other == other))


def columns(rows: Sequence[Any], names: Sequence[str]) -> Votes:
    """Turn votes (`evaluation.votes.Vote`) of these contenders into columns."""
    place = {name: number for number, name in enumerate(names)}
    items, item = _numbered([row.item for row in rows])
    raters, rater = _numbered([row.label for row in rows])
    asked = sorted({criterion for row in rows for criterion in row.criteria})
    outcome = {name: number for number, name in enumerate(OUTCOMES)}
    guess = {name: number for number, name in enumerate(GUESSES)}

    def sided(row: Any, criterion: str) -> int:
        choice = row.criteria.get(criterion)
        if choice not in ("left", "right"):
            return UNASKED if choice is None else BOTH_GOOD
        return ONE if (choice == "left") == (row.left == row.one) else OTHER

    def column(values: Any) -> Codes:
        return np.fromiter(values, dtype=np.int64, count=len(rows))

    return Votes(
        names=tuple(names),
        items=items,
        raters=raters,
        item=item,
        rater=rater,
        one=column(place[row.one] for row in rows),
        other=column(place[row.other] for row in rows),
        left=column(place[row.left] for row in rows),
        outcome=column(outcome[row.outcome] for row in rows),
        ms=column(row.ms for row in rows),
        strength=column(row.strength or 0 for row in rows),
        guess=column(UNASKED if row.guess is None else guess[row.guess] for row in rows),
        topic=np.array([row.topic for row in rows], dtype=object),
        criteria={name: column(sided(row, name) for row in rows) for name in asked},
    )


def _numbered(labels: list[str]) -> tuple[tuple[str, ...], Codes]:
    names = sorted(set(labels))
    place = {name: number for number, name in enumerate(names)}
    return tuple(names), np.fromiter((place[label] for label in labels), dtype=np.int64, count=len(labels))
