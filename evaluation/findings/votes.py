"""Votes as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ONE, OTHER, BOTH_GOOD, BOTH_BAD, CANNOT = range(5)
OUTCOMES = ("one", "other", "both_good", "both_bad", "cannot_judge")
LEFT, RIGHT, UNSURE = range(3)
GUESSES = ("left", "right", "unsure")
UNASKED = -1
CRITERION = {"left": LEFT, "right": RIGHT, "both_good": BOTH_GOOD, None: UNASKED}

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
    outcome = {name: number for number, name in enumerate(("left", "right", *OUTCOMES[BOTH_GOOD:]))}
    guess = {None: UNASKED} | {name: number for number, name in enumerate(GUESSES)}

    def told(name: str) -> list[Any]:
        return list(map(attrgetter(name), rows))

    def column(values: Iterable[Any]) -> Codes:
        return np.fromiter(values, dtype=np.int64, count=len(rows))

    items, item = _numbered(told("item"))
    raters, rater = _numbered(told("label"))
    one, other, left = (column(map(place.__getitem__, told(name))) for name in ("one", "other", "left"))

    def sided(choice: Codes) -> Codes:
        """A choice of a side, LEFT or RIGHT, as one of a contender, ONE or OTHER; all else stays."""
        return np.where(
            (choice == LEFT) | (choice == RIGHT), np.where((choice == LEFT) == (left == one), ONE, OTHER), choice
        )

    criteria = told("criteria")
    asked = sorted({name for said in criteria if said for name in said})
    return Votes(
        names=tuple(names),
        items=items,
        raters=raters,
        item=item,
        rater=rater,
        one=one,
        other=other,
        left=left,
        outcome=sided(column(map(outcome.__getitem__, told("choice")))),
        ms=column(told("ms")),
        strength=column(strength or 0 for strength in told("strength")),
        guess=column(map(guess.__getitem__, told("guess"))),
        topic=np.array(told("topic"), dtype=object),
        criteria={name: sided(column(CRITERION[said.get(name)] for said in criteria)) for name in asked},
    )


def _numbered(labels: list[str]) -> tuple[tuple[str, ...], Codes]:
    names = sorted(set(labels))
    place = {name: number for number, name in enumerate(names)}
    return tuple(names), np.fromiter(map(place.__getitem__, labels), dtype=np.int64, count=len(labels))
