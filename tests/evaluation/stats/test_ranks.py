"""Places and how sure they are."""

import numpy as np
import pytest

from evaluation.stats import bradley_terry, ranks
from tests.evaluation.stats.tables import CITATIONS, WIKIPEDIA


def test_journals_are_ranked_one_by_one_but_for_two():
    found = bradley_terry.fit(CITATIONS)
    places = ranks.with_intervals(found.strength, found.covariance)
    assert [each.rank for each in places] == [2, 4, 3, 1]
    assert [(each.best, each.worst) for each in places] == [(2, 2), (4, 4), (3, 3), (1, 1)]


def test_four_players_of_few_games_may_have_any_place():
    found = bradley_terry.fit(WIKIPEDIA)
    places = ranks.with_intervals(found.strength, found.covariance)
    assert {each.rank for each in places} == {1}
    assert {(each.best, each.worst) for each in places} == {(1, 4)}
    assert places[0].low == pytest.approx(found.strength[0] - 1.959964 * found.se[0])


def test_ranks_count_whole_intervals_above():
    places = ranks.with_intervals([3.0, 0.0, 0.1, -5.0], np.eye(4) * 0.01)
    assert [each.rank for each in places] == [1, 2, 2, 4]
    assert [(each.best, each.worst) for each in places] == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_all_true_places_lie_within_in_95_of_100_studies():
    rng = np.random.default_rng(0)
    truth, covariance = np.array([0.2, 0.2, 0.0, -0.3, -0.3]), 0.02 * (np.eye(5) - 0.2)
    best, worst = [1, 1, 3, 4, 4], [2, 2, 3, 5, 5]
    held = 0
    for run in range(120):
        drawn = rng.multivariate_normal(truth, covariance)
        places = ranks.with_intervals(drawn, covariance, seed=run)
        held += all(p.best <= w and p.worst >= b for p, b, w in zip(places, best, worst, strict=True))
    assert held / 120 >= 0.95


def test_one_contender_is_first_and_last_and_certain_ones_have_one_place():
    assert ranks.with_intervals([0.0], [[0.0]])[0].worst == 1
    assert [each.worst for each in ranks.with_intervals([1.0, 0.0], np.zeros((2, 2)))] == [1, 2]


def test_what_is_no_fit_is_refused():
    with pytest.raises(ValueError, match="all finite"):
        ranks.with_intervals([0.0, float("nan")], np.eye(2))
    with pytest.raises(ValueError, match="K×K"):
        ranks.with_intervals([0.0, 1.0], np.eye(3))
