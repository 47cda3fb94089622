"""How a vote is saved: once, by its own rater, and never over another."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from django.db import transaction
from django.utils import timezone

from evaluation import ending, listening
from evaluation.models import Assignment, FollowUp, Rater, Rating, Study
from evaluation.rules import Rules, outcomes, rules_of

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
    """The vote names nothing that the pair offers, or leaves a row open."""


class NotHeard(Exception):
    """The clip has not been heard as far as the protocol asks."""

    def __init__(self, heard: int, required: int) -> None:
        super().__init__(heard, required)
        self.heard = heard
        self.required = required


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a rater sends for one pair."""

    pair: str
    choice: str  # a slot's token, with `:1` or `:2` for its strength; or both_good, both_bad, cannot_judge
    reason: str = ""
    criteria: Mapping[str, str] = field(default_factory=dict)  # criterion → a slot's token, or both_good
    played: str = ""  # "0-3200,4000-5000": what was heard of the clip, in ms
    listened: bool = False  # told in words, where nothing could be measured
    revision: int = 0  # the vote that this one replaces; 0: a first vote


def vote(rater: Rater, token: str, slot: str, reason: str = "", *, now: datetime | None = None) -> Saved:
    """Save a vote that is nothing but a choice and a reason."""
    return cast(rater, Ballot(token, slot, reason), now=now)


def cast(rater: Rater, ballot: Ballot, *, now: datetime | None = None) -> Saved:
    """Save a rater's vote on their own assignment, or the revision of their last one.

    Raises NotYours for a token that is forged or another rater's, NoChoice for what isn't on this page or isn't
    answered, NotHeard where the clip has to be heard first.
    """
    now = now or timezone.now()
    known = TOKEN.fullmatch(ballot.pair)
    mine = Assignment.objects.filter(rater=rater, token=ballot.pair) if known else Assignment.objects.none()
    assignment = mine.select_related("item").first()
    if assignment is None:
        raise NotYours
    rules = rules_of(rater.study.protocol)
    said = _said(assignment, ballot, rules)
    measured = not ballot.revision and not rater.is_simulated  # nobody sits there who could listen
    heard = _heard(assignment, ballot, rules, rater.study, now) if measured else {}
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)  # a vote and the closing: one comes first
        if not Rater.objects.with_a_living_link().filter(pk=rater.pk).exists():
            raise NotYours
        rater.refresh_from_db(fields=["outcome", "finished_at", "code_shown_at"])
        if ballot.revision:
            return _revise(rater, assignment, ballot, said, now)
        if not rater.outcome and mine.open().update(state=Assignment.State.RATED, **heard):
            Rating.objects.create(assignment=assignment, ms_to_vote=_waited(assignment, now), **said)
            return Saved.NOW
    assignment.refresh_from_db(fields=["state"])
    if assignment.state != Assignment.State.RATED:
        return Saved.TOO_LATE
    return Saved.BEFORE if _says(assignment.ratings.current().get(), said) else Saved.OTHER_BEFORE


def revisable(rater: Rater, now: datetime | None = None) -> Rating | None:
    """The vote that this rater may still change: the last, while nothing followed it. None where there is none."""
    if ending.is_final(rater, now):
        return None
    last = rater.assignments.rated().order_by("-number").first()
    if last is None or last.kind == Assignment.Kind.PRACTICE or FollowUp.objects.filter(assignment=last).exists():
        return None
    return last.ratings.current().select_related("assignment__item", "assignment__left", "assignment__right").get()


def _revise(rater: Rater, assignment: Assignment, ballot: Ballot, said: dict[str, Any], now: datetime) -> Saved:
    before = assignment.ratings.current().first()
    if before is None:
        return Saved.TOO_LATE
    if _says(before, said) and before.reason == said["reason"]:
        return Saved.BEFORE
    last = revisable(rater, now)
    if last is None or last.pk != before.pk or before.revision != ballot.revision:
        return Saved.OTHER_BEFORE
    waited = _waited(assignment, now)
    Rating.objects.create(
        assignment=assignment, revision=before.revision + 1, replaces=before, ms_to_vote=waited, **said
    )
    if rater.outcome:
        ending.settle(rater)
    return Saved.NOW


def _says(rating: Rating, said: dict[str, Any]) -> bool:
    return all(getattr(rating, name) == said[name] for name in ("choice", "strength", "criteria"))


def _waited(assignment: Assignment, now: datetime) -> int:
    return max(0, round((now - assignment.served_at).total_seconds() * 1000))


def _said(assignment: Assignment, ballot: Ballot, rules: Rules) -> dict[str, Any]:
    """Choice, strength, criteria and reason as they are stored; NoChoice for anything that this page doesn't offer."""
    slot, _, strength = ballot.choice.partition(":")
    choice = _choice(assignment, slot)
    is_side = choice in (Rating.Choice.LEFT, Rating.Choice.RIGHT)
    if choice.value not in outcomes(rules) or strength not in ("", "1", "2"):
        raise NoChoice
    if bool(strength) != (is_side and rules.scale == "five"):
        raise NoChoice
    criteria = {}
    if rules.criteria_when == "same" and rules.criteria and choice != Rating.Choice.CANNOT_JUDGE:
        criteria = criteria_said(assignment, ballot.criteria, rules)
    words = ballot.reason.replace("\0", "").strip()[:MAX_REASON] if rules.asks_reason else ""
    return {"choice": choice, "strength": int(strength) if strength else None, "criteria": criteria, "reason": words}


def criteria_said(assignment: Assignment, given: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """What a rater says by each criterion; of a row left open, where the protocol lets it be, nothing is kept.

    Raises NoChoice for what a row doesn't offer.
    """
    said = {}
    for name in rules.criteria:
        slot = given.get(name, "")
        if not slot and rules.criteria_optional:
            continue
        choice = _choice(assignment, slot)
        if choice in (Rating.Choice.BOTH_BAD, Rating.Choice.CANNOT_JUDGE):
            raise NoChoice
        said[name] = choice.value
    return said


def _heard(assignment: Assignment, ballot: Ballot, rules: Rules, study: Study, now: datetime) -> dict[str, int | None]:
    """What was heard of the clip, by the page's claim and by what clock and bytes allow; NotHeard where too little."""
    if not assignment.item.clip or rules.listening == "none":
        return {}
    path = study.snapshot.path / assignment.item.clip
    duration = listening.duration_ms(path)
    required = listening.required_ms(duration)
    size = path.stat().st_size if duration else 0
    allowed = listening.allowed_ms(assignment.audio_at, assignment.audio_bytes, size, duration, now)
    claimed = listening.claimed_ms(ballot.played, duration)
    if not ballot.played and ballot.listened and allowed >= required:  # no script: their word, within what can be
        return {"claimed_ms": None, "heard_ms": None}
    heard = min(claimed, allowed)
    if heard < required:
        raise NotHeard(heard, required)
    return {"claimed_ms": claimed, "heard_ms": heard}


def _choice(assignment: Assignment, slot: str) -> Rating.Choice:
    slots = {
        assignment.left_token: Rating.Choice.LEFT,
        assignment.right_token: Rating.Choice.RIGHT,
        **{each.value: each for each in Rating.Choice if each not in (Rating.Choice.LEFT, Rating.Choice.RIGHT)},
    }
    for known, choice in slots.items():
        if secrets.compare_digest(known.encode(), slot.encode()):
            return choice
    raise NoChoice
