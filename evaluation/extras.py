"""What comes between the pairs of the question: practice before them, then attention, gold and repeats among them."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.crypto import salted_hmac

from evaluation.models import Assignment, Check, Rater, Study
from evaluation.rules import REPEAT_AFTER, Rules

Kind = Assignment.Kind


class Due(NamedTuple):
    """A check to be shown, or a pair to be shown again."""

    kind: str
    check: Check | None
    again: Assignment | None


def due(study: Study, rater: Rater, rules: Rules, rated: int, kinds: Sequence[str]) -> Due | None:
    """What this rater gets before the next pair of the question, after so many votes on it; None for nothing."""
    given = Counter(kinds)
    if given[Kind.PRACTICE] < rules.practice:
        return _check(study, rater, Kind.PRACTICE)
    trials, places = study.trials_per_rater, _dice(rater, "places")
    for kind, count in ((Kind.ATTENTION, rules.attention), (Kind.GOLD, rules.gold), (Kind.REPEAT, rules.repeats)):
        first = REPEAT_AFTER + 1 if kind == Kind.REPEAT else 1
        steps = [first + (n + places.random()) * max(0, trials - first) / count for n in range(count)]
        reached = sum(rated >= step for step in steps)
        if given[kind] < reached:
            found = _repeat(rater) if kind == Kind.REPEAT else _check(study, rater, kind)
            if found:
                return found
    return None


def rest(rater: Rater, rules: Rules, kinds: Sequence[str]) -> Due | None:
    """What is still owed to a rater for whom no pair of the question is left."""
    given = Counter(kinds)
    for kind, count in ((Kind.ATTENTION, rules.attention), (Kind.GOLD, rules.gold)):
        if given[kind] < count and (found := _check(rater.study, rater, kind)):
            return found
    return _repeat(rater) if given[Kind.REPEAT] < rules.repeats else None


def place(study: Study, rater: Rater, found: Due, **when: Any) -> Assignment:
    """Put a check or a repeat before its rater."""
    if found.again:
        first = found.again
        shown: dict[str, Any] = {"comparison": first.comparison, "repeat_of": first, "item": first.item}
        left, right = first.right, first.left
    else:
        assert found.check is not None
        check = found.check
        shown = {"check_pair": check, "item": check.item}
        side = check.side or _dice(rater, f"side:{check.pk}").choice(["left", "right"])
        left, right = (check.better, check.worse) if side == "left" else (check.worse, check.better)
    return Assignment.objects.create(rater=rater, kind=found.kind, left=left, right=right, **shown, **when)


def asked(rater: Rater, rules: Rules, number: int) -> dict[str, Any]:
    """What follows the vote on a pair of the question: drawn when it is placed, and stored."""
    dice = _dice(rater, f"asked:{number}")
    order = list(rules.criteria)
    dice.shuffle(order)
    return {
        "asks_source": dice.random() < rules.source_share,
        "asks_criteria": bool(order) and rules.criteria_when == "after",
        "criteria_order": order,
    }


def _check(study: Study, rater: Rater, kind: str) -> Due | None:
    seen = rater.assignments.exclude(check_pair=None).values("check_pair")
    check = study.checks.filter(kind=kind).exclude(pk__in=seen).order_by("position").first()
    return Due(kind, check, None) if check else None


def _repeat(rater: Rater) -> Due | None:
    """A pair that was rated long enough ago, and of whose conversation nothing later was seen: it quotes the expert."""
    rows = rater.assignments.exclude(kind=Kind.PRACTICE).select_related("item", "left", "right", "comparison")
    given = list(rows.order_by("number"))
    main = [one for one in given if one.kind == Kind.MAIN]
    repeated = {one.repeat_of_id for one in given}
    last = {
        one.item.row.rpartition("/")[0]: one.item.position for one in sorted(main, key=lambda one: one.item.position)
    }
    old = [one for one in given[: max(0, len(given) - REPEAT_AFTER)] if one in main]
    may = [
        one
        for one in old
        if one.state == Assignment.State.RATED
        and one.pk not in repeated
        and last[one.item.row.rpartition("/")[0]] == one.item.position
    ]
    return Due(Kind.REPEAT, None, _dice(rater, f"repeat:{len(given)}").choice(may)) if may else None


def _dice(rater: Rater, what: str) -> random.Random:
    """Dice of one rater that need the site's key: nobody can foretell which pair is a check."""
    words = f"{rater.study.key}:{rater.number}:{what}"
    return random.Random(salted_hmac("evaluation.extras", words, algorithm="sha256").hexdigest())
