"""Simulated raters: how balanced a study will be, and votes for a demonstration, by the real code."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from evaluation import assignment, protocol, voting
from evaluation.balance import balance_of
from evaluation.errors import StudyError
from evaluation.models import Assignment, Comparison, FollowUp, Item, Rating, Study
from evaluation.rules import Rules, rules_of

BOTH_GOOD, BOTH_BAD = 0.12, 0.15  # the shares that the paper's study found
NOISE = 1.0  # the scale of a logistic: utilities are log odds


@dataclass(frozen=True, slots=True)
class Drill:
    """What a simulation counted, beside the ratings that it left."""

    repeat_views: int
    lost: int
    doubled: int


def simulate(study: Study, *, raters: int, dropout: float, seed: int) -> dict[str, object]:
    """Let raters come, vote, reload, click twice and stay away; count, and roll everything back.

    Returns the least and the most ratings per comparison and per item, how often each contender stood on the left,
    and how many views were repeated, votes lost and votes doubled.
    """
    if not 0 <= dropout < 1:
        raise StudyError("dropout", "The share of drop-outs lies between 0 and 1.")
    with transaction.atomic():
        study = Study.objects.get(pk=study.pk)
        _empty(study)
        if study.is_draft:
            protocol.open_study(study)
        drill = _drill(study, raters, dropout, random.Random(f"simulation:{seed}"))
        result = {**_counts(study), "repeat_views": drill.repeat_views, "lost": drill.lost, "doubled": drill.doubled}
        transaction.set_rollback(True)
    return result


def vote_all(study: Study, seed: int, preferences: Mapping[str, float] | None = None) -> int:
    """Let the study's simulated raters rate all that is left for them; return the number of votes.

    `preferences` are utilities in log odds by contender; a contender without one has 0. Who is preferred wins more
    often, never always.
    """
    rng = random.Random(f"votes:{seed}")
    utilities = preferences or {}
    rules = rules_of(study.protocol)
    waiting = list(study.raters.filter(is_simulated=True, revoked_at=None).order_by("number"))
    votes = 0
    while waiting:
        rater = rng.choice(waiting)
        rater.start()
        served = assignment.next_for(rater)
        if served is None:
            waiting.remove(rater)
            continue
        ballot = _ballot(served, utilities, rng, rules)
        waited = timedelta(seconds=rng.uniform(15, 90))
        voting.cast(rater, ballot, now=served.served_at + waited)
        votes += 1
    return votes


def _ballot(served: Assignment, utilities: Mapping[str, float], rng: random.Random, rules: Rules) -> voting.Ballot:
    """Vote as a noisy judge would: by the difference of two utilities, with room for both good and both bad."""
    slot = _slot(served, utilities, rng)
    strong = rules.scale == "five" and slot in (served.left_token, served.right_token)
    criteria = {name: _slot(served, utilities, rng, ties=False) for name in rules.criteria}
    return voting.Ballot(served.token, f"{slot}:{rng.choice('12')}" if strong else slot, criteria=criteria)


def _slot(served: Assignment, utilities: Mapping[str, float], rng: random.Random, *, ties: bool = True) -> str:
    lot = rng.random() if ties else 1.0
    if lot < BOTH_GOOD:
        return Rating.Choice.BOTH_GOOD.value
    if lot < BOTH_GOOD + BOTH_BAD:
        return Rating.Choice.BOTH_BAD.value
    left, right = (
        utilities.get(answer.contender.name if answer.contender else "", 0.0) for answer in (served.left, served.right)
    )
    likes_left = 1 / (1 + math.exp((right - left) / NOISE))
    return served.left_token if rng.random() < likes_left else served.right_token


def _empty(study: Study) -> None:
    """Take away what real raters left, inside the transaction that will be rolled back."""
    FollowUp.objects.filter(assignment__rater__study=study).delete()
    Rating.objects.filter(assignment__rater__study=study).delete()
    Assignment.objects.filter(rater__study=study).delete()
    study.raters.all().delete()
    Item.objects.filter(study=study).update(placed=0)
    Comparison.objects.filter(item__study=study).update(placed=0, lo_left=0)


def _drill(study: Study, count: int, dropout: float, rng: random.Random) -> Drill:
    """Raters come one after another, some at the same time; a drop-out leaves with a pair open on the screen."""
    raters = protocol.invite(study, count, prefix="Simulated", is_simulated=True)
    rules, begin = rules_of(study.protocol), timezone.now()
    leaves_at = {
        rater.pk: rng.randint(1, study.trials_per_rater) if rng.random() < dropout else None for rater in raters
    }
    clock: dict[int, datetime] = {rater.pk: begin + timedelta(minutes=rng.uniform(0, 60 * count)) for rater in raters}
    here = {rater.pk: rater for rater in raters}
    views: Counter[tuple[int, int]] = Counter()
    sent: list[str] = []
    repeated = doubled = 0
    while here:
        pk = min(here, key=lambda one: (clock[one], one))
        rater, now = here[pk], clock[pk]
        served = assignment.next_for(rater, now=now)
        if served is None:
            del here[pk]
            continue
        views[pk, served.item_id] += served.kind != Assignment.Kind.REPEAT  # a marked repeat is meant to be seen twice
        again = assignment.next_for(rater, now=now) if rng.random() < 0.1 else served  # a reload
        repeated += again is None or again.token != served.token
        if served.number == leaves_at[pk]:
            del here[pk]
            continue
        clock[pk] = now + timedelta(seconds=rng.uniform(20, 90))
        ballot = _ballot(served, {}, rng, rules)
        for _ in range(2 if rng.random() < 0.1 else 1):  # a double click
            saved = voting.cast(rater, ballot, now=clock[pk])
            doubled += saved is voting.Saved.NOW and served.token in sent
            if saved is not voting.Saved.TOO_LATE:
                sent.append(served.token)
    kept = Counter(Rating.objects.filter(assignment__rater__study=study).values_list("assignment__token", flat=True))
    return Drill(
        repeat_views=repeated + sum(seen - 1 for seen in views.values()),
        lost=len(set(sent) - set(kept)),
        doubled=doubled + sum(times - 1 for times in kept.values()),
    )


def _counts(study: Study) -> dict[str, object]:
    balance = balance_of(study)
    return {
        "cells": {"min": balance.cells.least, "max": balance.cells.most},
        "items": {"min": balance.items.least, "max": balance.items.most},
        "left_share": {each.name: None if each.share is None else round(each.share, 4) for each in balance.contenders},
    }
