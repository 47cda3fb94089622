"""Shares whose votes hang together: by hand, against the sandwich, and in simulated studies."""

import numpy as np
import pytest

from evaluation.stats import binomial, sandwich, shares


def test_votes_that_stand_alone_give_wilsons_interval_with_students_quantile():
    rng = np.random.default_rng(4)
    hits = rng.permutation([1] * 600 + [0] * 400)
    found = shares.clustered(hits, np.arange(1000), np.arange(1000))
    assert (found.low, found.high) == pytest.approx(binomial.wilson(600, 1000), abs=2e-4)
    assert found.design_effect == pytest.approx(1, abs=2e-3)


def test_a_rater_who_always_says_the_same_counts_once():
    hits = np.repeat([1, 1, 0, 1, 0, 1, 1, 0], 25)
    raters, items = np.repeat(np.arange(8), 25), np.tile(np.arange(25), 8)
    found = shares.clustered(hits, raters, items)
    assert found.design_effect == pytest.approx(25 * 8 / 7, rel=1e-9)
    assert found.low < 0.25 and found.high > 0.89


def test_the_variance_is_the_sandwichs_of_a_mean():
    rng = np.random.default_rng(2)
    raters, items = rng.integers(20, size=400), rng.integers(30, size=400)
    hits = (rng.random(400) < 0.4 + 0.02 * (raters - 10)).astype(float)
    found = shares.clustered(hits, raters, items)
    scores = (hits - hits.mean())[:, None]
    expected = float(sandwich.covariance(scores, [[400.0]], (raters, items))[0, 0])
    alone = found.share * (1 - found.share) / 400
    assert found.design_effect == pytest.approx(expected / alone, rel=1e-9)


def test_votes_that_are_all_alike_leave_as_many_minds_as_raters():
    found = shares.clustered(np.ones(60), np.repeat([0, 1, 2], 20), np.tile(np.arange(20), 3))
    assert (found.share, found.high) == (1, 1)
    assert found.low < 0.5  # three raters who agree on everything are three
    assert found.p is None


@pytest.mark.parametrize(("raters", "items"), [([0] * 4, range(4)), (range(4), [0] * 4)])
def test_one_rater_or_one_item_gives_no_interval(raters, items):
    found = shares.clustered([1, 0, 1, 1], list(raters), list(items))
    assert (found.share, found.low, found.p) == (0.75, None, None)
    assert shares.clustered([], [], []).share is None


def test_intervals_hold_the_truth_in_95_of_100_studies_and_independent_ones_do_not():
    rng = np.random.default_rng(11)
    raters, items = np.repeat(np.arange(40), 20), rng.integers(60, size=800)
    inside = alone = 0
    for _ in range(300):
        logits = 0.3 + rng.normal(0, 0.8, 40)[raters] + rng.normal(0, 0.8, 60)[items]
        hits = rng.random(800) < 1 / (1 + np.exp(-logits))
        found = shares.clustered(hits, raters, items)
        low, high = binomial.wilson(found.k, found.n)
        inside += found.low <= 0.5625 <= found.high  # the mean of the logistic of N(0.3, 1.28)
        alone += low <= 0.5625 <= high
    assert 0.925 <= inside / 300 <= 0.98
    assert alone / 300 < 0.8


def test_a_mean_has_the_same_variance():
    rng = np.random.default_rng(3)
    raters, items = rng.integers(12, size=200), rng.integers(15, size=200)
    found = shares.mean(rng.integers(-1, 2, 200), raters, items)
    assert found.low < found.value < found.high
    assert shares.mean([1, 1, 1], [0, 1, 2], [0, 1, 2]).low is None
    assert shares.mean([], [], []).value is None
