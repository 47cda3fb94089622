"""Votes as they count: one current rating each, on sides that say which contender stood where."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evaluation.models import Assignment, FollowUp, Rating, Study

LEFT, RIGHT = Rating.Choice.LEFT.value, Rating.Choice.RIGHT.value
BETTER, WORSE = "better", "worse"  # the two sides of a check, which are no contenders


@dataclass(frozen=True, slots=True)
class Vote:
    """One current rating, on canonical sides."""

    item: str
    one: str  # the pair, in the order of the study's contenders; `better` and `worse` of a check
    other: str
    left: str  # who stood on the left
    choice: str  # left, right, both_good (the tie), both_bad or cannot_judge; the last two are never ties
    rater: int
    label: str
    simulated: bool
    ms: int
    topic: str
    strength: int | None  # 1 slightly, 2 clearly; None where nobody was preferred, and in the four-outcome preset
    kind: str  # main, repeat, attention, gold or practice
    criteria: dict[str, str]  # criterion → left, right or both_good (the tie)
    reason: str
    guess: str | None  # left, right or unsure: which was written by a person; None where it wasn't asked
    assignment: int
    served_at: datetime

    @property
    def winner(self) -> str | None:
        """Who was preferred; None where nobody was."""
        return self._stood(self.choice)

    @property
    def outcome(self) -> str:
        """`one`, `other`, `both_good`, `both_bad` or `cannot_judge`, whichever side they stood on."""
        return self.choice if self.winner is None else "one" if self.winner == self.one else "other"

    def better_on(self, criterion: str) -> str | None:
        """Who was better on a criterion; None for a tie and where it wasn't asked."""
        return self._stood(self.criteria.get(criterion, ""))

    def _stood(self, side: str) -> str | None:
        right = self.other if self.left == self.one else self.one
        return {LEFT: self.left, RIGHT: right}.get(side)


def votes_of(
    study: Study, *, include: Collection[str] = (Assignment.Kind.MAIN.value,), excluded: bool = False
) -> list[Vote]:
    """Every current rating of these kinds, ordered by item, pair, rater and time.

    Votes of raters whom a person has excluded are left out unless `excluded`.
    """
    rows = Rating.objects.current().filter(assignment__rater__study=study, assignment__kind__in=include)
    if not excluded:
        rows = rows.filter(assignment__rater__excluded_for="")
    fields = (
        "assignment__item__row",
        "assignment__comparison__lo__name",
        "assignment__comparison__hi__name",
        "assignment__left__contender__name",
        "choice",
        "assignment__rater__number",
        "assignment__rater__label",
        "assignment__rater__is_simulated",
        "ms_to_vote",
        "assignment__item__topic",
        "strength",
        "assignment__kind",
        "criteria",
        "reason",
        "assignment",
        "assignment__served_at",
        "assignment__left",
        "assignment__check_pair__better",
    )
    later = _follow_ups(study)
    votes = []
    for row in rows.order_by("pk").values_list(*fields):
        *known, criteria, reason, assignment, served_at, left, better = row
        item, one, other, stood, *told = known
        if better is not None:
            one, other, stood = BETTER, WORSE, BETTER if left == better else WORSE
        more, guess = later.get(assignment, ({}, ""))
        said = [{**criteria, **more}, reason, guess or None, assignment, served_at]
        values: list[Any] = [item, one, other, stood, *told, *said]
        votes.append(Vote(*values))
    return sorted(votes, key=lambda vote: (vote.item, vote.one, vote.other, vote.rater, vote.assignment))


def _follow_ups(study: Study) -> dict[int, tuple[dict[str, str], str]]:
    rows = FollowUp.objects.filter(assignment__rater__study=study)
    return {one: (criteria, guess) for one, criteria, guess in rows.values_list("assignment", "criteria", "guess")}
