"""Whether long answers are the ones that stay unscored."""

import random

import pytest
from scipy.stats import spearmanr

from evaluation.opinions.missing import Asked, missing_of

NAMES = ["a", "b", "c"]
ALL = frozenset({0, 1, 2})


def asked(lengths, unscored, orders=6):
    """One item for each length; `unscored` of its orders have no verdict."""
    return [
        Asked(f"r{n}", ALL, length, order >= lost)
        for n, (length, lost) in enumerate(zip(lengths, unscored, strict=True))
        for order in range(orders)
    ]


def test_long_answers_that_stay_unscored_are_found():
    found = missing_of(asked(range(100, 1100, 100), [0, 0, 0, 0, 0, 1, 1, 2, 4, 6]), NAMES)
    assert (found.asked, found.unscored, found.sets) == (60, 14, 10)
    assert found.characters_unscored > found.characters_scored
    assert found.rho == pytest.approx(spearmanr(range(10), [0, 0, 0, 0, 0, 1, 1, 2, 4, 6]).statistic)
    assert found.p <= 0.005 and found.is_flagged and found.longer


def test_short_answers_too_and_in_their_own_words():
    found = missing_of(asked(range(100, 1100, 100), [6, 4, 2, 1, 1, 0, 0, 0, 0, 0]), NAMES)
    assert found.is_flagged and not found.longer


def test_the_orders_of_one_item_are_one_item():
    """Six questions on the longest of four items: as single questions a clear case, as one item none."""
    found = missing_of(asked([100, 200, 300, 900], [0, 0, 0, 6]), NAMES)
    assert found.rho > 0.7
    assert found.p > 0.05 and not found.is_flagged


@pytest.mark.parametrize(
    ("lengths", "unscored"), [([100, 200, 300], [0, 0, 0]), ([100, 200, 300], [6, 6, 6]), ([50, 50, 50], [0, 1, 6])]
)
def test_where_nothing_differs_nothing_is_said(lengths, unscored):
    found = missing_of(asked(lengths, unscored), NAMES)
    assert (found.rho, found.p, found.is_flagged) == (None, None, False)
    assert missing_of([], NAMES).asked == 0


def test_whose_answers_are_unscored_is_told_where_they_are_not_always_shown_together():
    rows = [Asked("r", frozenset(pair), 100, 2 not in pair) for pair in ((0, 1), (0, 2), (1, 2))]
    assert missing_of(rows, NAMES).by_contender == {"a": (1, 2), "b": (1, 2), "c": (2, 2)}
    assert missing_of(asked([100, 200], [1, 0]), NAMES).by_contender == {}


def test_what_is_missing_by_chance_is_rarely_called_otherwise():
    rng = random.Random(5)
    flagged = 0
    for _ in range(200):
        lengths = [rng.randint(50, 900) for _ in range(20)]
        flagged += missing_of(
            asked(lengths, [rng.choice([0, 0, 0, 1, 6]) for _ in lengths]), NAMES, seed=rng.randrange(10**6)
        ).is_flagged
    assert 2 <= flagged <= 20  # 10 ± 3 standard deviations
