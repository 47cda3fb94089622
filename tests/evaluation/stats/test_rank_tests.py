"""Friedman, Kendall, McNemar and many tests at once, against scipy, textbooks and printed figures."""

import numpy as np
import pytest
from scipy import stats

from evaluation.stats import multiple, rank_tests

P = (0.01, 0.04, 0.03, 0.005)
# Hollander and Wolfe 1973, p. 140 ff.: 22 players, three ways of rounding first base
ROUNDING = [
    *[(5.40, 5.50, 5.55), (5.85, 5.70, 5.75), (5.20, 5.60, 5.50), (5.55, 5.50, 5.40), (5.90, 5.85, 5.70)],
    *[(5.45, 5.55, 5.60), (5.40, 5.40, 5.35), (5.45, 5.50, 5.35), (5.25, 5.15, 5.00), (5.85, 5.80, 5.70)],
    *[(5.25, 5.20, 5.10), (5.65, 5.55, 5.45), (5.60, 5.35, 5.45), (5.05, 5.00, 4.95), (5.50, 5.50, 5.40)],
    *[(5.45, 5.55, 5.50), (5.55, 5.55, 5.35), (5.45, 5.50, 5.55), (5.50, 5.45, 5.25), (5.65, 5.60, 5.40)],
    *[(5.70, 5.65, 5.55), (6.30, 6.30, 6.25)],
]


def test_friedmans_test_of_rounding_first_base_as_r_prints_it():
    found = rank_tests.friedman(ROUNDING)
    assert found.statistic == pytest.approx(11.143, abs=5e-4)
    assert found.p == pytest.approx(0.003805, abs=5e-7)


@pytest.mark.parametrize(("m", "n"), [(5, 3), (12, 4), (40, 6)])
def test_friedman_and_w_are_scipys_ties_included(m, n):
    table = np.random.default_rng(m).integers(1, n + 2, size=(m, n))
    oracle = stats.friedmanchisquare(*table.T)
    assert rank_tests.friedman(table) == pytest.approx((oracle.statistic, oracle.pvalue))
    found = rank_tests.kendall_w(table)
    assert found.statistic == pytest.approx(oracle.statistic / (m * (n - 1)))
    assert found.p == pytest.approx(oracle.pvalue)


def test_judges_of_one_mind_have_w_1_and_opposite_ones_0():
    assert rank_tests.kendall_w([[1, 2, 3]] * 5).statistic == pytest.approx(1)
    assert rank_tests.kendall_w([[1, 2, 3], [3, 2, 1]]).statistic == pytest.approx(0)
    assert rank_tests.kendall_w([[1, 2, 3], [3, 2, 1]]).p == pytest.approx(1)


@pytest.mark.parametrize("table", [np.zeros((0, 3)), [[1]], [[2, 2, 2], [5, 5, 5]], np.zeros((4, 0))])
def test_where_nothing_could_differ_there_is_no_test(table):
    assert rank_tests.friedman(table) == (None, None)
    assert rank_tests.kendall_w(table) == (None, None)


def test_ranks_that_are_missing_are_refused():
    with pytest.raises(ValueError, match="m×n table"):
        rank_tests.friedman([[1, float("nan")]])


def test_mcnemar_by_hand():
    found = rank_tests.mcnemar(25, 12)  # pairs that changed
    assert found.statistic == pytest.approx(169 / 37)
    assert found.p == pytest.approx(stats.binomtest(12, 37).pvalue)
    assert rank_tests.mcnemar(150, 86).statistic == pytest.approx(17.3559, abs=5e-5)  # R's performance, uncorrected
    assert rank_tests.mcnemar(0, 0) == (None, 1.0)
    assert rank_tests.mcnemar(6_000_000, 4_000_000).p < 1e-300


@pytest.mark.parametrize(
    ("adjust", "printed"), [(multiple.holm, (0.03, 0.06, 0.06, 0.02)), (multiple.bh, (0.02, 0.04, 0.04, 0.02))]
)
def test_four_tests_at_once(adjust, printed):
    assert adjust(P) == pytest.approx(printed, abs=1e-12)


def test_bh_is_scipys_and_holm_never_below_it():
    for seed in range(20):
        p = np.random.default_rng(seed).random(seed)
        if seed:
            assert multiple.bh(p) == pytest.approx(stats.false_discovery_control(p))
        assert np.all(multiple.holm(p) >= multiple.bh(p) - 1e-15)
        assert np.all(multiple.holm(p) <= 1)


@pytest.mark.parametrize("p", [[0.5, float("nan")], [1.2], [[0.5]]])
def test_what_is_no_p_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        multiple.holm(p)
