"""Rankings against pairs, by hand, and where they say nothing."""

import numpy as np
import pytest

from evaluation.stats import bradley_terry, plackett_luce
from evaluation.stats.bradley_terry import NotIdentified
from tests.evaluation.stats.tables import CITATIONS, WIKIPEDIA, votes_of


@pytest.mark.parametrize("wins", [WIKIPEDIA, CITATIONS])
def test_rankings_of_two_are_pairs(wins):
    pairs = bradley_terry.fit(wins)
    found = plackett_luce.fit(np.stack(votes_of(wins), axis=1).tolist(), 4)
    assert found.strength == pytest.approx(pairs.strength, abs=1e-9)
    assert found.covariance == pytest.approx(pairs.covariance, abs=1e-9)
    assert found.log_likelihood == pytest.approx(pairs.log_likelihood, abs=1e-8)


def test_three_in_a_circle_are_equal():
    found = plackett_luce.fit([[0, 1, 2], [1, 2, 0], [2, 0, 1]], 3)
    assert found.strength == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.worth == pytest.approx([1 / 3] * 3)
    assert found.log_likelihood == pytest.approx(3 * np.log(1 / 6))


def test_at_the_maximum_firsts_and_seconds_are_those_expected():
    rankings = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 1], [2, 0], [1]]
    worth = plackett_luce.fit(rankings, 3).worth
    chosen, expected = np.zeros(3), np.zeros(3)
    for ranking in rankings:
        for place in range(len(ranking) - 1):
            chosen[ranking[place]] += 1
            expected[ranking[place:]] += worth[ranking[place:]] / worth[ranking[place:]].sum()
    assert expected == pytest.approx(chosen, abs=1e-9)


@pytest.mark.parametrize(
    ("rankings", "n_items", "groups"),
    [
        ([[0, 1, 2], [0, 2, 1]], 3, ((0,), (1, 2))),  # always first
        ([[0, 1], [1, 0]], 3, ((0, 1), (2,))),  # never ranked
        ([], 2, ((0,), (1,))),
        ([[0], [1]], 2, ((0,), (1,))),  # rankings of one
    ],
)
def test_where_nothing_can_be_said_the_groups_are_named(rankings, n_items, groups):
    with pytest.raises(NotIdentified) as caught:
        plackett_luce.fit(rankings, n_items)
    assert caught.value.components == groups


@pytest.mark.parametrize("ranking", [[0, 0], [0, 5], [-1, 0]])
def test_what_is_no_ranking_is_refused(ranking):
    with pytest.raises(ValueError, match="at most once"):
        plackett_luce.fit([ranking], 3)


def test_one_item_alone_has_nothing_to_be_stronger_than():
    assert plackett_luce.fit([[0]], 1).strength == pytest.approx([0])
