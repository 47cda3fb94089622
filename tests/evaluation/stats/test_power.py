"""Votes needed and differences seen, as printed."""

import pytest

from evaluation.stats import power


@pytest.mark.parametrize(
    ("p", "eighty", "ninety"),
    [(0.55, 783, 1047), (0.575, 347, 463), (0.6, 194, 259), (0.65, 85, 113), (0.7, 47, 62), (0.75, 29, 38)],
)
def test_votes_for_a_share(p, eighty, ninety):
    assert (power.decisive_votes(p), power.decisive_votes(p, 0.9)) == (eighty, ninety)
    assert power.decisive_votes(1 - p) == eighty


@pytest.mark.parametrize(("p", "votes"), [(0.55, 786), (0.6, 199), (0.65, 90), (0.7, 49)])
def test_votes_of_the_exact_test(p, votes):
    assert power.exact_votes(p) == votes


@pytest.mark.parametrize(("n", "share"), [(100, 0.640), (200, 0.599), (400, 0.570), (800, 0.550)])
def test_shares_that_votes_can_show(n, share):
    assert power.detectable(n) == pytest.approx(share, abs=5e-4)
    assert n - 5 <= power.decisive_votes(power.detectable(n)) <= n


@pytest.mark.parametrize(("rho", "effect", "votes"), [(0.05, 1.95, 378), (0.1, 2.9, 563), (0.2, 4.8, 931)])
def test_twenty_votes_of_a_rater_count_for_fewer(rho, effect, votes):
    assert power.design_effect(20, rho) == pytest.approx(effect)
    assert round(194 * power.design_effect(20, rho)) == votes


def test_no_number_of_votes_tells_a_half_from_a_half_nor_do_three_tell_anything():
    assert power.decisive_votes(0.5) is None
    assert power.exact_votes(0.5) is None
    assert power.detectable(3) is None
    assert power.detectable(0) is None
    assert power.detectable(10**7) == pytest.approx(0.5, abs=5e-4)
    assert power.decisive_votes(1.0) == 4
    assert power.design_effect(1, 0.3) == 1


def test_plans_that_cannot_be_are_refused():
    for bad in ({"p": 1.1}, {"p": 0.6, "power": 1}, {"p": 0.6, "alpha": 0}):
        with pytest.raises(ValueError, match="between 0 and 1"):
            power.decisive_votes(**bad)
    with pytest.raises(ValueError, match="number of votes"):
        power.detectable(-1)
    with pytest.raises(ValueError, match="at least 1"):
        power.design_effect(0.5, 0.1)
