"""Davidson's and Rao and Kupper's models against printed figures, by hand, and where they say nothing."""

import numpy as np
import pytest
from scipy.optimize import minimize

from evaluation.stats import bradley_terry, davidson, rao_kupper
from evaluation.stats.bradley_terry import NotIdentified
from tests.evaluation.stats.tables import CITATIONS, puddings, random_tables

WORTHS = [0.1388034, 0.1730015, 0.1617474, 0.1653729, 0.1586854, 0.2023893]
MODELS = [davidson.fit, rao_kupper.fit]


@pytest.mark.parametrize(("pudding", "worth"), list(enumerate(WORTHS)))
def test_davidsons_puddings(pudding, worth):
    assert davidson.fit(*puddings()).worth[pudding] == pytest.approx(worth, abs=6e-8)  # 0.16537296 is printed cut


def test_davidsons_puddings_tie_readily():
    found = davidson.fit(*puddings())
    assert found.nu == pytest.approx(0.7468230, abs=5e-8)
    assert found.log_likelihood == pytest.approx(-809.70951, abs=5e-6)
    assert found.worth.sum() == pytest.approx(1)


def test_the_likelihood_ratio_of_equal_puddings():
    wins, ties = puddings()
    decided, tied = wins.sum(), ties.sum() / 2
    assert (decided, tied) == (543, 202)
    share = tied / (decided + tied)
    equal = tied * np.log(share) + decided * np.log((1 - share) / 2)
    assert 2 * (davidson.fit(wins, ties).log_likelihood - equal) == pytest.approx(4.08043, abs=5e-6)


def test_one_triangle_of_ties_says_as_much():
    wins, ties = puddings()
    assert davidson.fit(wins, np.triu(ties)).nu == davidson.fit(wins, ties).nu
    assert rao_kupper.fit(wins, np.tril(ties)).theta == rao_kupper.fit(wins, ties).theta


def test_two_contenders_by_hand():
    wins, ties = [[0, 12], [6, 0]], [[0, 9], [9, 0]]
    found = davidson.fit(wins, ties)
    assert found.worth == pytest.approx([2 / 3, 1 / 3], abs=1e-10)
    assert found.nu == pytest.approx(9 / np.sqrt(12 * 6), abs=1e-10)
    # P(0) = 12/27 = 1 / (1 + θ/ω), P(1) = 6/27 = 1 / (1 + θω): θ² = 15/12 · 21/6, ω² = 21/6 · 12/15
    found = rao_kupper.fit(wins, ties)
    assert found.theta == pytest.approx(np.sqrt(15 / 12 * 21 / 6), abs=1e-9)
    assert found.worth[0] / found.worth[1] == pytest.approx(np.sqrt(21 / 6 * 12 / 15), abs=1e-9)


def test_rao_and_kuppers_puddings_are_those_of_a_plain_search():
    wins, ties = puddings()
    i, j = np.triu_indices(6, 1)

    def loss(place):
        worth, theta = np.exp(np.append(0, place[:5])), 1 + np.exp(place[5])
        a, b = worth[i] / (worth[i] + theta * worth[j]), worth[j] / (worth[j] + theta * worth[i])
        return -(wins[i, j] @ np.log(a) + wins[j, i] @ np.log(b) + ties[i, j] @ np.log((theta**2 - 1) * a * b))

    best = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    found = rao_kupper.fit(wins, ties)
    worth = np.exp(np.append(0, best.x[:5]))
    assert found.worth == pytest.approx(worth / worth.sum(), abs=1e-6)
    assert found.theta == pytest.approx(1 + np.exp(best.x[5]), abs=1e-5)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_standard_errors_are_those_of_the_curvature(model):
    wins, ties = puddings()
    more = model(100 * wins, 100 * ties)
    assert more.se == pytest.approx(model(wins, ties).se / 10, rel=1e-6)
    assert more.covariance.sum(axis=1) == pytest.approx(np.zeros(6), abs=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_without_ties_they_are_bradley_and_terrys(model):
    plain = bradley_terry.fit(CITATIONS)
    found = model(CITATIONS, np.zeros((4, 4)))
    assert found.strength == pytest.approx(plain.strength, abs=1e-12)
    assert found.log_likelihood == plain.log_likelihood
    assert getattr(found, "nu", 0.0) == 0.0 and getattr(found, "theta", 1.0) == 1.0


@pytest.mark.parametrize("model", MODELS)
def test_at_the_maximum_expected_ties_are_the_ties(model):
    for wins, ties in random_tables(40, seed=4, ties=True):
        if not ties.any():
            continue
        found = model(wins, ties)
        x = found.strength[:, None] - found.strength[None, :]
        if model is davidson.fit:
            tie = found.nu / (np.exp(x / 2) + np.exp(-x / 2) + found.nu)
        else:
            theta = found.theta
            tie = (theta**2 - 1) / ((1 + theta * np.exp(-x)) * (1 + theta * np.exp(x)))
        met = np.triu(wins + wins.T + ties, 1)
        if model is davidson.fit:
            assert (met * tie).sum() == pytest.approx(ties.sum() / 2, rel=1e-8)
        assert 0 < (met * tie).sum() < met.sum()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("wins", "ties", "groups"),
    [
        ([[0, 0], [0, 0]], [[0, 3], [3, 0]], ((0, 1),)),  # all ties
        ([[0, 5], [0, 0]], [[0, 3], [3, 0]], ((0,), (1,))),  # one never wins, ties or not
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]], ((0,), (1,))),  # nothing
        ([[0, 1, 0], [1, 0, 0], [0, 0, 0]], [[0, 2, 0], [2, 0, 0], [0, 0, 0]], ((0, 1), (2,))),  # never met
    ],
)
def test_where_nothing_can_be_said_the_groups_are_named(model, wins, ties, groups):
    with pytest.raises(NotIdentified) as caught:
        model(wins, ties)
    assert caught.value.components == groups


def test_ties_in_a_circle_connect_who_never_lost_to_each_other():
    # 2 never beats 0 or 1 and never loses to them: only ties place it
    found = davidson.fit([[0, 3, 0], [2, 0, 0], [0, 0, 0]], [[0, 1, 4], [1, 0, 4], [4, 4, 0]])
    assert np.all(np.isfinite(found.strength)) and np.all(np.isfinite(found.se))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("wins", "ties"),
    [
        ([[0, 1], [1, 0]], [[0, 2], [3, 0]]),
        ([[0, 1], [1, 0]], [[1, 2], [2, 0]]),
        ([[0, 1], [1, 0]], [[0]]),
        ([[0, -1], [1, 0]], [[0, 2], [2, 0]]),
        ([[0, float("nan")], [1, 0]], [[0, 2], [2, 0]]),
    ],
)
def test_what_is_no_table_is_refused(model, wins, ties):
    with pytest.raises(ValueError, match=r"wins and ties|ties must|diagonals"):
        model(wins, ties)


@pytest.mark.parametrize("model", MODELS)
def test_ten_million_votes_and_one_contender_alone(model):
    found = model([[0, 6_000_000], [1, 0]], [[0, 4_000_000], [4_000_000, 0]])
    assert np.all(np.isfinite(found.strength)) and np.all(np.isfinite(found.se))
    assert model([[0]], [[0]]).worth == pytest.approx([1])
