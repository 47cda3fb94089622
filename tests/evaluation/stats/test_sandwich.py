"""Covariances of clusters, one way and two, by hand."""

import numpy as np
import pytest

from evaluation.stats import bradley_terry, sandwich
from tests.evaluation.stats.tables import CITATIONS, votes_of


def scores_of(wins):
    """Scores and information of a fit, vote by vote."""
    won, lost = votes_of(wins)
    found = bradley_terry.fit(wins)
    p = 1 / (1 + np.exp(found.strength[lost] - found.strength[won]))
    unit = np.eye(len(wins))
    apart = unit[won] - unit[lost]
    return (1 - p)[:, None] * apart, apart.T @ ((p * (1 - p))[:, None] * apart), found


def test_each_vote_a_cluster_gives_about_the_models_own_covariance():
    scores, information, found = scores_of(CITATIONS)
    assert np.sqrt(np.diag(sandwich.covariance(scores, information))) == pytest.approx(found.se, rel=0.05)


def test_one_way_by_hand_is_that_of_a_mean():
    rng = np.random.default_rng(0)
    x, way = rng.normal(size=60), np.repeat(np.arange(12), 5)
    sums = np.bincount(way, weights=x - x.mean())
    by_hand = np.sum(sums**2) * 12 / 11 / 60**2
    assert sandwich.covariance((x - x.mean())[:, None], [[60.0]], (way,))[0, 0] == pytest.approx(by_hand)
    labels = np.array([f"rater {each}" for each in way])
    assert sandwich.covariance((x - x.mean())[:, None], [[60.0]], labels)[0, 0] == pytest.approx(by_hand)


def test_two_ways_are_the_sum_less_what_both_hold():
    rng = np.random.default_rng(1)
    x, first, second = rng.normal(size=(80, 2)), np.repeat(np.arange(8), 10), np.tile(np.arange(20), 4)
    x[:, 0] += np.repeat(rng.normal(size=8), 10)
    both = first * 20 + second
    parts = [sandwich.covariance(x, np.eye(2), (way,)) for way in (first, second, both)]
    expected = parts[0] + parts[1] - parts[2]
    assert np.linalg.eigvalsh(expected).min() > 0
    assert sandwich.covariance(x, np.eye(2), (first, second)) == pytest.approx(expected)


def test_two_ways_never_give_a_negative_variance():
    x = np.array([[1.0], [-1.0], [-1.0], [1.0]])  # sums of raters and of items are all zero
    assert sandwich.covariance(x, [[4.0]], ([0, 0, 1, 1], [0, 1, 0, 1])) == pytest.approx(np.zeros((1, 1)))


def test_one_rater_tells_nothing_of_others():
    assert sandwich.covariance(np.ones((5, 1)), [[1.0]], (np.zeros(5),)) is None
    assert sandwich.covariance(np.ones((5, 1)), [[1.0]], (np.arange(5), np.zeros(5))) is None


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one label for each of 5 rows"):
        sandwich.covariance(np.ones((5, 1)), [[1.0]], (np.zeros(4),))
    with pytest.raises(ValueError, match="raters, items, or both"):
        sandwich.covariance(np.ones((2, 1)), [[1.0]], ([0, 1], [0, 1], [0, 1]))
