"""How a vote is saved: once, by its own rater, and never over another."""

import re
import secrets
from datetime import datetime
from enum import Enum

from django.db import transaction
from django.utils import timezone

from evaluation.models import Assignment, Rater, Rating, Study

MAX_REASON = 2000
TOKEN = re.compile(r"[\w-]{1,32}", re.ASCII)


class Saved(Enum):
    """What became of a vote."""

    NOW = "now"
    BEFORE = "before"  # a double click, a reload, the back button: the first vote stands
    OTHER_BEFORE = "other before"  # the same, with another choice: the rater should know
    TOO_LATE = "too late"  # the pair had gone back to the others


class NotYours(Exception):
    """This rater has no assignment under this token, or may not vote any more."""


class NoChoice(Exception):
    """The vote names none of the pair's four outcomes."""


def vote(rater: Rater, token: str, slot: str, reason: str = "", *, now: datetime | None = None) -> Saved:
    """Save a rater's vote on their own assignment.

    `slot` is the token of the chosen answer, or both_good or both_bad. Raises NotYours for a token that is forged or
    another rater's, NoChoice for a slot that isn't on this page.
    """
    now = now or timezone.now()
    mine = Assignment.objects.filter(rater=rater, token=token) if TOKEN.fullmatch(token) else Assignment.objects.none()
    assignment = mine.first()
    if assignment is None:
        raise NotYours
    choice = _choice(assignment, slot)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)  # a vote and the closing: one comes first
        if not Rater.objects.with_a_living_link().filter(pk=rater.pk).exists():
            raise NotYours
        if mine.open().update(state=Assignment.State.RATED):
            waited = max(0, round((now - assignment.served_at).total_seconds() * 1000))
            words = reason.replace("\0", "").strip()[:MAX_REASON]
            Rating.objects.create(assignment=assignment, choice=choice, reason=words, ms_to_vote=waited)
            return Saved.NOW
    assignment.refresh_from_db(fields=["state"])
    if assignment.state != Assignment.State.RATED:
        return Saved.TOO_LATE
    return Saved.BEFORE if assignment.ratings.filter(choice=choice).exists() else Saved.OTHER_BEFORE


def _choice(assignment: Assignment, slot: str) -> str:
    slots = {
        assignment.left_token: Rating.Choice.LEFT,
        assignment.right_token: Rating.Choice.RIGHT,
        Rating.Choice.BOTH_GOOD.value: Rating.Choice.BOTH_GOOD,
        Rating.Choice.BOTH_BAD.value: Rating.Choice.BOTH_BAD,
    }
    for known, choice in slots.items():
        if secrets.compare_digest(known.encode(), slot.encode()):
            return choice
    raise NoChoice
