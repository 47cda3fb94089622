"""Shares, intervals and the sign test against printed figures."""

import pytest
from scipy import stats

from evaluation.stats import binomial


def test_sixty_of_a_hundred_as_in_the_textbook():
    assert binomial.sign_test(60, 40) == pytest.approx(0.056888, abs=5e-7)
    assert binomial.wilson(60, 100) == pytest.approx((0.502003, 0.690599), abs=5e-7)
    assert binomial.exact(60, 100) == pytest.approx((0.497209, 0.696705), abs=5e-7)


def test_the_papers_forty_against_thirty_three_is_no_difference():
    low, high = binomial.wilson(40, 73)
    assert (round(40 / 73, 3), round(low, 2), round(high, 2)) == (0.548, 0.43, 0.66)
    assert round(binomial.sign_test(40, 33), 2) == 0.48


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 7), (0, 40), (40, 40), (17, 400), (5_100, 10_000)])
def test_intervals_and_test_agree_with_scipy(k, n):
    oracle = stats.binomtest(k, n)
    assert binomial.wilson(k, n) == pytest.approx(tuple(oracle.proportion_ci(method="wilson")), abs=1e-9)
    assert binomial.exact(k, n) == pytest.approx(tuple(oracle.proportion_ci(method="exact")), abs=1e-9)
    assert binomial.sign_test(k, n - k) == pytest.approx(oracle.pvalue, rel=1e-8)


def test_without_votes_nothing_is_known():
    assert binomial.wilson(0, 0) == (0.0, 1.0)
    assert binomial.exact(0, 0) == (0.0, 1.0)
    assert binomial.sign_test(0, 0) == 1.0


def test_ten_million_votes_are_counted_as_well():
    assert binomial.sign_test(5_003_000, 4_997_000) == pytest.approx(stats.binomtest(5_003_000, 10**7).pvalue, rel=1e-6)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="between 0 and n"):
        binomial.wilson(5, 4)
    with pytest.raises(ValueError, match="counts"):
        binomial.sign_test(-1, 4)
