"""Strengths against worked examples, and what happens where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.stats.bradley_terry import NotIdentified, components, fit, fit_many, fit_with_order, tabulate
from tests.evaluation.stats.tables import CITATIONS, FOOD, FOOD_TIES, WIKIPEDIA, puddings, random_tables, votes_of


def test_wikipedias_four_players():
    found = fit(WIKIPEDIA)
    assert found.worth == pytest.approx([0.6398348, 1.0433144, 0.6598102, 2.2703766], abs=5e-8)
    assert found.log_likelihood == pytest.approx(-13.42845, abs=5e-6)
    assert found.elo == pytest.approx([922.427, 1007.366, 927.768, 1142.439], abs=5e-4)
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


def test_evalicas_foods_with_ties_as_halves():
    found = fit(np.array(FOOD) + np.array(FOOD_TIES) / 2)
    worths = [2.509025136, 1.101156130, 0.854906362, 0.740381433, 0.571837692]
    assert found.worth == pytest.approx(worths, abs=1e-6)  # printed where evalica's iterations stop by default, at 1e-6
    assert found.worth / found.worth.sum() == pytest.approx(
        [0.434290, 0.190600, 0.147977, 0.128153, 0.098980], abs=5e-7
    )
    wins = np.array(FOOD) + np.array(FOOD_TIES) / 2
    assert [wins.sum(axis=1)[0], wins.sum()] == [10, 30]


def test_puddings_with_ties_as_halves_shrink_toward_each_other():
    wins, ties = puddings()
    worth = fit(wins + ties / 2).worth
    printed = [0.1460747, 0.1714732, 0.1632792, 0.1659354, 0.1610232, 0.1922143]
    assert worth / worth.sum() == pytest.approx(printed, abs=5e-8)


def test_a_ridge_gives_finite_strengths_to_who_never_loses():
    found = fit([[0, 3, 1], [0, 0, 2], [0, 4, 0]], ridge=0.5)
    assert found.strength[0] == max(found.strength)
    assert np.all(np.isfinite(found.se))
    assert found.strength.sum() == pytest.approx(0, abs=1e-12)
    assert found.covariance.sum(axis=1) == pytest.approx([0, 0, 0], abs=1e-12)
    assert np.all(fit(WIKIPEDIA, ridge=0.5).se < fit(WIKIPEDIA).se)


def test_many_tables_at_once_are_each_by_itself():
    tables = [wins for wins, _ in random_tables(300, seed=3) if len(wins) == 4]
    tables += [np.array([[0, 5, 1, 0], [0, 0, 2, 1], [0, 4, 0, 1], [0, 1, 1, 0]])]
    found = fit_many(np.array(tables))
    assert np.isnan(found[-1]).all()
    assert found[:-1] == pytest.approx(np.array([fit(each).strength for each in tables[:-1]]), abs=1e-8)


def test_many_hardly_connected_tables_at_once():
    lopsided = np.array([[0, 10**6, 0, 1], [1, 0, 10**6, 0], [0, 1, 0, 10**6], [0, 0, 1, 0]], dtype=float)
    assert fit_many(lopsided[None])[0] == pytest.approx(fit(lopsided).strength, abs=1e-6)


def columns(kind):
    """Winners and losers of the citations, as a kind of column."""
    names = np.array(["Biometrika", "Communications", "JASA", "JRSS-B"])
    won, lost = votes_of(CITATIONS)
    order = np.random.default_rng(0).permutation(len(won))
    first, second = names[won[order]], names[lost[order]]
    made = {"array": np.asarray, "wide": lambda x: x.astype("<U99"), "object": lambda x: x.astype(object)}
    return [made.get(kind, lambda x: x.tolist())(column) for column in (first, second)]


@pytest.mark.parametrize("kind", ["array", "wide", "object", "list"])
def test_names_are_counted_whatever_holds_them(kind):
    names, wins = tabulate(*columns(kind))
    assert names == ("Biometrika", "Communications", "JASA", "JRSS-B")
    assert wins.tolist() == CITATIONS


def test_names_of_different_width_and_who_only_lost_are_counted():
    names, wins = tabulate(np.array(["a", "bb"]), np.array(["longer", "a"]))
    assert names == ("a", "bb", "longer")
    assert wins.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_names_that_share_a_hash_are_still_told_apart(monkeypatch):
    monkeypatch.setattr("evaluation.stats.bradley_terry._marks", lambda words: np.zeros(len(words), dtype=np.uint64))
    assert tabulate(*columns("array")).wins.tolist() == CITATIONS


def test_no_comparison_names_nobody():
    names, wins = tabulate([], [])
    assert (names, wins.shape) == ((), (0, 0))


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="a winner and a loser, got 2 and 1"):
        tabulate(["a", "b"], ["b"])
    with pytest.raises(ValueError, match="nobody beats themselves: b"):
        tabulate(["a", "b"], ["b", "b"])


def test_without_an_order_effect_there_is_none_and_strengths_are_the_plain_ones():
    wins = np.array(CITATIONS, dtype=float)
    found = fit_with_order(wins, wins.T)  # as often won on the left as on the right
    plain = fit(2 * wins)
    assert found.order_effect == pytest.approx(0, abs=1e-10)
    assert found.strength == pytest.approx(plain.strength, abs=1e-10)
    assert found.se == pytest.approx(plain.se, rel=1e-8)


def test_two_contenders_with_an_order_effect_by_hand():
    # left is 0: 30 won, 10 lost; left is 1: 20 won, 20 lost: log odds s + δ = log 3, -s + δ = 0
    found = fit_with_order([[0, 30], [20, 0]], [[0, 10], [20, 0]])
    assert found.order_effect == pytest.approx(np.log(3) / 2, abs=1e-10)
    assert found.difference(0, 1)[0] == pytest.approx(np.log(3) / 2, abs=1e-10)
    assert found.order_se == pytest.approx(np.sqrt(1 / 30 + 1 / 10 + 2 / 20) / 2, abs=1e-10)
    assert found.log_likelihood == pytest.approx(30 * np.log(0.75) + 10 * np.log(0.25) + 40 * np.log(0.5), abs=1e-9)


def test_an_order_effect_is_recovered():
    rng = np.random.default_rng(5)
    strength, size = np.array([0.5, 0.0, -0.5]), 200_000
    left = rng.integers(0, 3, size)
    right = (left + rng.integers(1, 3, size)) % 3
    won = rng.random(size) < 1 / (1 + np.exp(-(strength[left] - strength[right] + 0.25)))
    counts = [np.bincount(left[x] * 3 + right[x], minlength=9).reshape(3, 3) for x in (won, ~won)]
    found = fit_with_order(*counts)
    assert abs(found.order_effect - 0.25) < 4 * found.order_se
    assert found.strength == pytest.approx(strength, abs=0.02)


@pytest.mark.parametrize(
    ("left_wins", "right_wins", "components_named", "why"),
    [
        ([[0, 4, 3], [5, 0, 2], [1, 6, 0]], np.zeros((3, 3)), {0, 1, 2}, "explain every vote"),  # always left
        ([[0, 30], [0, 0]], [[0, 10], [0, 0]], {0, 1}, "vary who stands where"),  # one stood left throughout
        ([[0, 3, 0], [2, 0, 0], [0, 0, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]], {0, 1, 2}, "falls apart"),  # never met
        ([[0, 3], [0, 0]], [[0, 0], [4, 0]], {0, 1}, "explain every vote"),  # one always wins
    ],
)
def test_what_no_order_effect_can_be_told_from_says_so(left_wins, right_wins, components_named, why):
    with pytest.raises(NotIdentified, match=why) as caught:
        fit_with_order(left_wins, right_wins)
    assert {each for group in caught.value.components for each in group} == components_named
