"""Votes as they count: one current rating each, on sides that say which contender stood where."""

import json
from collections.abc import Collection
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from django.db.models import TextField
from django.db.models.functions import Cast

from evaluation.models import Assignment, Comparison, FollowUp, Rating, Response, Study

LEFT, RIGHT = Rating.Choice.LEFT.value, Rating.Choice.RIGHT.value
BETTER, WORSE = "better", "worse"  # the two sides of a check, which are no contenders
PAIR = ("lo__name", "hi__name")


class Vote(NamedTuple):
    """One current rating, on canonical sides; one of a hundred thousand that are read at once."""

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


ORDER = tuple(Vote._fields.index(name) for name in ("item", "one", "other", "rater", "assignment"))


def votes_of(
    study: Study, *, include: Collection[str] = (Assignment.Kind.MAIN.value,), excluded: bool = False
) -> list[Vote]:
    """Every current rating of these kinds, ordered by item, pair, rater and time.

    Votes of raters whom a person has excluded are left out unless `excluded`.
    """
    rows = Rating.objects.current().filter(assignment__rater__study=study, assignment__kind__in=include)
    if not excluded:
        rows = rows.filter(assignment__rater__excluded_for="")
    of = [f"assignment__{name}" for name in ("item", "comparison", "left", "rater", "check_pair", "kind")]
    fields: tuple[str | Cast, ...] = (
        *of,
        "assignment",
        "choice",
        "ms_to_vote",
        "strength",
        "reason",
        Cast("criteria", TextField()),
    )
    items = {pk: told for pk, *told in study.items.values_list("pk", "row", "topic")}
    pairs = {pk: pair for pk, *pair in Comparison.objects.filter(item__study=study).values_list("pk", *PAIR)}
    stood = dict(Response.objects.filter(item__study=study).values_list("pk", "contender__name"))
    people = {pk: told for pk, *told in study.raters.values_list("pk", "number", "label", "is_simulated")}
    right = dict(study.checks.values_list("pk", "better"))
    later, votes = _follow_ups(study), []
    said = lru_cache(maxsize=1000)(json.loads)  # a hundred thousand votes say few different things
    read = rows.order_by().values_list(*fields)
    for item, pair, left, rater, check, kind, pk, choice, ms, strength, reason, criteria in read:
        row, topic = items[item]
        if check is None:
            (one, other), side = pairs[pair], stood[left]
        else:
            one, other, side = BETTER, WORSE, BETTER if left == right[check] else WORSE
        told, guess = said(criteria), None
        if pk in later:
            more, guess = later[pk]
            told = {**told, **more}
        who = (*people[rater], ms, topic, strength, kind, told, reason, guess or None, pk)
        votes.append(Vote(row, one, other, side, choice, *who))
    return sorted(votes, key=itemgetter(*ORDER))


def _follow_ups(study: Study) -> dict[int, tuple[dict[str, str], str]]:
    rows = FollowUp.objects.filter(assignment__rater__study=study)
    return {one: (criteria, guess) for one, criteria, guess in rows.values_list("assignment", "criteria", "guess")}
