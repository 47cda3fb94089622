"""Which place the best answer stood in: a judge with a taste has no favourite place, whatever was scored."""

import random
from itertools import permutations

import pytest

from evaluation.opinions import slots
from evaluation.opinions.rankings import Ranked
from evaluation.opinions.slots import slots_of

ORDERS = list(permutations(range(3)))


def verdict(row, order, best, replicate=0):
    rest = tuple(sorted(set(order) - {best}))
    return Ranked(row, ((best,), rest), tuple(order), replicate)


def test_a_judge_that_prefers_a_place_is_flagged_whichever_it_is():
    for place in range(3):
        found = slots_of([verdict(f"r{n}", order, order[place]) for n in range(4) for order in ORDERS])
        assert (found.verdicts, found.preferred[place], found.favourite) == (24, 24, place + 1)
        assert found.chi2 == pytest.approx(48)  # 3 · (16² + 8² + 8²) / 24
        assert found.p == pytest.approx(1 / 2000)
        assert found.is_flagged


def test_a_judge_with_a_taste_has_no_favourite_place():
    found = slots_of([verdict(f"r{n}", order, n % 3) for n in range(4) for order in ORDERS])
    assert found.preferred == (8, 8, 8)
    assert (found.chi2, found.p, found.is_flagged) == (0, 1, False)


def test_a_taste_is_no_place_though_only_some_orders_are_scored():
    """By the table of χ² this would be a place beyond doubt: 16 of 16 in the first, of three."""
    some = [verdict(f"r{n}", order, 1) for n in range(8) for order in ORDERS if order[0] == 1]
    found = slots_of(some)
    assert found.preferred == (16, 0, 0) and found.chi2 == pytest.approx(32)
    assert found.p == 1 and not found.is_flagged


def test_winners_are_dealt_within_their_item_and_not_between_items():
    """Each item has one order alone: nothing can be said of places, however the items look together."""
    found = slots_of([verdict(f"r{n}", ORDERS[n % 6], ORDERS[n % 6][0]) for n in range(30)])
    assert found.preferred == (30, 0, 0)
    assert (found.chi2, found.p, found.is_flagged) == (None, None, False)


def test_ties_at_the_top_repeats_and_scores_do_not_count():
    tie = Ranked("r0", ((0, 1), (2,)), (0, 1, 2), 0)
    alone = Ranked("r1", ((2,), (0,), (1,)), (), 0)  # points: nobody stood anywhere
    found = slots_of([tie, alone, verdict("r0", (1, 0, 2), 1, replicate=1)])
    assert (found.verdicts, found.p) == (0, None)
    assert found.shares == []


def test_pairs_are_blocks_of_their_own():
    """First in one pair and last in the other is a taste for one answer, and no place."""
    rows = [
        verdict("r", order, best)
        for pair, best in (((0, 1), 0), ((0, 2), 0), ((1, 2), 2))
        for order in (pair, pair[::-1])
    ]
    found = slots_of(rows)
    assert found.preferred == (3, 3) and found.p == 1


def test_a_judge_without_any_preference_for_places_is_rarely_called_one(monkeypatch):
    monkeypatch.setattr(slots, "DRAWS", 199)
    rng = random.Random(3)
    below = 0
    for _ in range(300):
        rows = []
        for n in range(8):
            taste = [rng.random() ** 2 for _ in range(3)]  # an item with a clear best, or without
            rows += [verdict(f"r{n}", order, rng.choices(range(3), taste)[0]) for order in ORDERS]
        below += slots_of(rows, seed=rng.randrange(10**6)).p <= 0.05
    assert 4 <= below <= 28  # 15 ± 3 standard deviations
