"""Strengths against worked examples, and what happens where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.stats.bradley_terry import NotIdentified, components, fit

# Wikipedia's example: A>B 2, B>A 3, A>D 1, D>A 4, B>C 5, C>B 3, C>D 1, D>C 3
WIKIPEDIA = [[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]]
# Stigler's journals (Agresti): rows are cited by columns; Biometrika, Comm. Statist., JASA, JRSS-B
CITATIONS = [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]


def test_wikipedias_four_players():
    found = fit(WIKIPEDIA)
    assert found.worth == pytest.approx([0.6398348, 1.0433144, 0.6598102, 2.2703766], abs=5e-8)
    assert found.log_likelihood == pytest.approx(-13.42845, abs=5e-6)
    assert 1000 + 400 / np.log(10) * found.strength == pytest.approx([922.427, 1007.366, 927.768, 1142.439], abs=5e-4)
    assert found.strength.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("journal", "strength", "se"),
    [(1, -2.9490725, 0.10255), (2, -0.4795698, 0.06059), (3, 0.2689540, 0.07083)],
)
def test_statistics_journals_relative_to_biometrika(journal, strength, se):
    found = fit(CITATIONS)
    assert found.difference(journal, 0) == (pytest.approx(strength, abs=1e-7), pytest.approx(se, abs=5e-6))


def test_two_contenders_are_their_log_odds():
    found = fit([[0, 40], [33, 0]])
    assert found.difference(0, 1)[0] == pytest.approx(np.log(40 / 33), abs=1e-10)
    assert found.difference(0, 1)[1] == pytest.approx(np.sqrt(1 / 40 + 1 / 33), abs=1e-10)


def test_one_contender_alone_has_no_strength_to_speak_of():
    assert fit([[0]]).strength == pytest.approx([0])


def test_who_never_loses_has_no_finite_strength():
    with pytest.raises(NotIdentified) as caught:
        fit([[0, 3, 1], [0, 0, 2], [0, 4, 0]])
    assert caught.value.components == ((0,), (1, 2))


def test_contenders_who_never_met_are_named_apart():
    assert components([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]) == ((0, 1), (2, 3))


@pytest.mark.parametrize("wins", [[[0, -1], [1, 0]], [[1, 1], [1, 0]], [[0, 1]], [[0, float("nan")], [1, 0]], []])
def test_what_is_no_table_of_wins_is_refused(wins):
    with pytest.raises(ValueError, match=r"wins|beats"):
        fit(wins)


@given(st.integers(2, 7).flatmap(lambda k: st.lists(st.integers(1, 10**6), min_size=k * k, max_size=k * k)))
def test_at_the_maximum_expected_wins_are_the_wins(counts):
    size = int(len(counts) ** 0.5)
    table = np.array(counts, dtype=float).reshape(size, size)
    np.fill_diagonal(table, 0)
    found = fit(table)
    expected = (table + table.T) / (1 + np.exp(found.strength[None, :] - found.strength[:, None]))
    np.fill_diagonal(expected, 0)
    assert expected.sum(axis=1) == pytest.approx(table.sum(axis=1), rel=1e-7)
    assert np.all(np.isfinite(found.se))


def test_ten_million_votes_against_one():
    found = fit([[0, 10_000_000], [1, 0]])
    assert found.difference(0, 1)[0] == pytest.approx(np.log(10_000_000), abs=1e-6)
