"""Strengths before a judge: their intervals hold for items that hang together, and are never of no width."""

import random
from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from evaluation.opinions.means import interval_of_mean
from evaluation.opinions.rankings import Ranked
from evaluation.opinions.standings import standings_of

NAMES = ["expert", "tiny", "adapter"]
ORDERS = list(permutations(range(3)))


def drawn(rng, worth):
    """A ranking by Plackett and Luce."""
    left, ranking = list(range(len(worth))), []
    while left:
        ranking.append(rng.choices(left, [worth[each] for each in left])[0])
        left.remove(ranking[-1])
    return ranking


def judged(rankings):
    """Each item ranked the same in all its orders: six verdicts that are one."""
    return [
        (Ranked(f"r{n}", tuple((each,) for each in ranking), order, 0), "judge")
        for n, ranking in enumerate(rankings)
        for order in ORDERS
    ]


def test_an_interval_is_as_wide_as_items_drawn_anew_say():
    rng = random.Random(1)
    rankings = [drawn(rng, (4, 2, 1)) for _ in range(60)]
    strengths = [
        [each.strength for each in standings_of(judged(rng.choices(rankings, k=60)), NAMES, Counter())]
        for _ in range(60)
    ]
    for each, spread in zip(
        standings_of(judged(rankings), NAMES, Counter()), np.std(strengths, axis=0, ddof=1), strict=True
    ):
        assert each.low < each.strength < each.high
        assert (each.high - each.low) / (2 * 2.001) == pytest.approx(spread, rel=0.3)  # t of 59 degrees


def test_the_orders_of_an_item_are_no_items_of_their_own():
    rng = random.Random(2)
    rankings = [drawn(rng, (4, 2, 1)) for _ in range(40)]
    six = standings_of(judged(rankings), NAMES, Counter())
    one = standings_of(judged(rankings)[::6], NAMES, Counter())
    for a, b in zip(six, one, strict=True):
        assert (a.strength, a.low, a.high) == pytest.approx((b.strength, b.low, b.high), abs=1e-6)


def test_the_truth_lies_within_nineteen_of_twenty_intervals():
    rng = random.Random(3)
    worth = (4, 2, 1)
    true = np.log(worth) - np.log(worth).mean()
    hits, told = 0, 0
    for _ in range(100):
        found = standings_of(judged([drawn(rng, worth) for _ in range(40)]), NAMES, Counter())
        hits += sum(each.low <= value <= each.high for each, value in zip(found, true, strict=True))
        told += 3
    assert 0.90 <= hits / told <= 0.99


def test_a_share_of_items_that_are_all_alike_has_the_interval_of_their_number():
    low, high = interval_of_mean([0.5] * 5, 5)
    assert low == pytest.approx(1 - high)  # half of five is no whole number: between two and three of five
    assert 0.15 < low < 0.2
    assert interval_of_mean([1.0] * 4, 24) == pytest.approx((0.862, 1), abs=1e-3)
    assert interval_of_mean([], 0) == (None, None)
