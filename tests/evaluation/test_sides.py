"""Ten thousand draws of who stands on the left, by the functions that draw for raters."""

import random
from collections import Counter
from itertools import combinations

import pytest
from scipy import stats

from evaluation.assignment import Balance, Cell, least_filled, pick

ITEMS, TURNS = 20, 4  # five conversations of four turns


def drawn(contenders, raters, seed):
    """Every rater one after another through all items: a list of (item, left, right) for each."""
    dice = random.Random(seed)
    pairs = list(combinations(range(contenders), 2))
    placed = {(item, pair): 0 for item in range(ITEMS) for pair in pairs}
    lo_left, days = Counter(), []
    for _ in range(raters):
        seen = []
        while len(seen) < ITEMS:
            furthest = {item // TURNS: item for item, *_ in seen}
            cells = [
                Cell(pairs.index(pair), item, *pair, placed[item, pair], lo_left[item, pair],
                     sum(placed[item, other] for other in pairs), f"test/{item // TURNS}/{item}", item, 0)
                for item in range(ITEMS) for pair in pairs if item > furthest.get(item // TURNS, -1)
            ]  # fmt: skip
            balance = balance_of(placed, lo_left, seen)
            cell, on_left = pick(least_filled(cells, ITEMS - len(seen), balance), balance, dice)
            placed[cell.item, (cell.lo, cell.hi)] += 1
            lo_left[cell.item, (cell.lo, cell.hi)] += on_left
            seen.append((cell.item, *((cell.lo, cell.hi) if on_left else (cell.hi, cell.lo))))
        days.append(seen)
    return days


def balance_of(placed, lo_left, seen):
    shown, left, by_pair = Counter(), Counter(), Counter()
    for (item, (lo, hi)), count in placed.items():
        by_pair[lo, hi] += count
        shown.update({lo: count, hi: count})
        left.update({lo: lo_left[item, (lo, hi)], hi: count - lo_left[item, (lo, hi)]})
    left_to_rater = Counter(one for _, one, _ in seen)
    return Balance(by_pair, left, shown, left_to_rater, left_to_rater + Counter(other for *_, other in seen))


@pytest.mark.parametrize("contenders", [2, 3])
def test_ten_thousand_sides_are_even_and_tell_nothing(contenders):
    days = drawn(contenders, raters=500, seed=11)
    sides = [(rater, place, *draw) for rater, seen in enumerate(days) for place, draw in enumerate(seen)]
    assert len(sides) == 10_000
    for pair in combinations(range(contenders), 2):
        for item in range(ITEMS):  # each comparison has shown both orders equally often
            left = Counter(one for _, _, of, one, other in sides if of == item and {one, other} == set(pair))
            assert abs(left[pair[0]] - left[pair[1]]) <= 1
    for seen in days:  # and nobody has seen a contender much more often on one side
        left, right = Counter(one for _, one, _ in seen), Counter(other for *_, other in seen)
        assert all(abs(left[who] - right[who]) <= 3 for who in range(contenders))
    for who in range(contenders):
        mine = [(place, rater, one == who) for rater, place, _, one, other in sides if who in (one, other)]
        assert stats.chisquare(list(Counter(on_left for *_, on_left in mine).values())).pvalue > 0.01
        for where in (lambda place, rater: place, lambda place, rater: rater % 2):  # by trial, by rater's number
            table = Counter((where(place, rater), on_left) for place, rater, on_left in mine)
            rows = sorted({key for key, _ in table})
            counted = [[table[key, True] for key in rows], [table[key, False] for key in rows]]
            assert stats.chi2_contingency(counted).pvalue > 0.01
