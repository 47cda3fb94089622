"""Style, length and side allowed for, against an independent fit and by simulation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from evaluation.stats import bradley_terry, covariates
from evaluation.stats.bradley_terry import NotIdentified


def simulated(size=4000, seed=0, side=0.3, length=0.8):
    rng = np.random.default_rng(seed)
    strength = np.array([0.6, 0.0, -0.6])
    left = rng.integers(0, 3, size)
    right = (left + rng.integers(1, 3, size)) % 3
    own = rng.integers(50, 400, size), rng.integers(50, 400, size)
    z = covariates.relative_difference(*own)
    won = rng.random(size) < 1 / (1 + np.exp(-(strength[left] - strength[right] + side + length * z)))
    return left, right, won, z, rng.integers(0, 40, size), rng.integers(0, 60, size)


def test_strength_side_and_length_are_those_of_another_solver():
    left, right, won, z, *_ = simulated()
    found = covariates.fit(left, right, won, z)
    design = np.zeros((len(left), 3))
    design[range(len(left)), left] += 1
    design[range(len(left)), right] -= 1
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(np.column_stack([design[:, 1:], z]), won)
    assert found.strength[1:] - found.strength[0] == pytest.approx(other.coef_[0, :2], abs=1e-4)
    assert found.coefficient[0] == pytest.approx(other.coef_[0, 2], abs=1e-4)
    assert found.order_effect == pytest.approx(other.intercept_[0], abs=1e-4)


def test_what_was_put_in_is_found():
    left, right, won, z, *_ = simulated(60_000, seed=1)
    found = covariates.fit(left, right, won, z)
    assert abs(found.order_effect - 0.3) < 3 * found.order_se
    assert abs(found.coefficient[0] - 0.8) < 3 * found.coefficient_se[0]
    assert found.strength == pytest.approx([0.6, 0, -0.6], abs=0.05)
    assert found.chance(0, 2) == pytest.approx(1 / (1 + np.exp(-1.2)), abs=0.02)


def test_without_features_it_is_the_order_fit():
    left, right, won, *_ = simulated()
    tables = [np.bincount(left[x] * 3 + right[x], minlength=9).reshape(3, 3) for x in (won, ~won)]
    order, found = bradley_terry.fit_with_order(*tables), covariates.fit(left, right, won)
    assert found.strength == pytest.approx(order.strength, abs=1e-9)
    assert found.se == pytest.approx(order.se, rel=1e-7)
    assert (found.order_effect, found.order_se) == pytest.approx((order.order_effect, order.order_se), rel=1e-7)
    assert found.log_likelihood == pytest.approx(order.log_likelihood)


def test_a_length_that_decides_hides_in_raw_strengths_and_not_in_controlled_ones():
    rng = np.random.default_rng(3)
    size = 20_000
    left = rng.integers(0, 2, size)
    z = np.where(left == 0, 1, -1) * rng.uniform(0.1, 0.9, size)  # 0 is always longer, and no better
    won = rng.random(size) < 1 / (1 + np.exp(-2 * z))
    raw, controlled = covariates.fit(left, 1 - left, won), covariates.fit(left, 1 - left, won, z)
    assert raw.chance(0, 1) > 0.7
    assert controlled.chance(0, 1) == pytest.approx(0.5, abs=0.05)


def test_clusters_widen_errors_where_votes_hang_together():
    left, right, won, z, raters, items = simulated()
    plain = covariates.fit(left, right, won, z)
    twice = [np.repeat(column, 3, axis=0) for column in (left, right, won, z)]
    copied = covariates.fit(*twice)
    honest = covariates.fit(*twice, clusters=(np.repeat(np.arange(len(left)), 3),))
    assert copied.se == pytest.approx(plain.se / np.sqrt(3), rel=1e-6)
    assert honest.se == pytest.approx(plain.se, rel=0.05)
    both = covariates.fit(left, right, won, z, clusters=(raters, items))
    assert both.se == pytest.approx(plain.se, rel=0.4)


@pytest.mark.parametrize(
    ("left", "right", "won", "features", "why"),
    [
        ([0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], None, "explain every vote"),  # a rater who always votes left
        (
            [0, 1, 0, 1],
            [1, 0, 1, 0],
            [1, 0, 0, 1],
            [1, -1, 1, -1],
            "can't tell contenders from",
        ),  # length is the contender
        ([0, 1, 2, 3], [1, 0, 3, 2], [1, 0, 0, 1], None, "falls apart"),
        ([], [], [], None, "no decided votes"),
        ([], [], [], np.zeros((0, 2)), "no decided votes"),
    ],
)
def test_what_cannot_be_told_apart_says_so(left, right, won, features, why):
    with pytest.raises(NotIdentified, match=why):
        covariates.fit(left, right, won, features)


def test_votes_that_are_none_are_refused():
    for bad in (([0], [1], [0.5]), ([0], [0], [1]), ([0], [1], [1], [[float("nan")]])):
        with pytest.raises(ValueError, match="an outcome is 0 or 1"):
            covariates.fit(*bad)
    with pytest.raises(ValueError, match="row of features"):
        covariates.fit([0, 1], [1, 0], [1, 0], [0.5])
    with pytest.raises(ValueError, match="at least two raters"):
        covariates.fit([0, 1] * 4, [1, 0] * 4, [1, 0, 0, 1, 1, 1, 0, 0], clusters=(np.zeros(8),))


def test_relative_difference_of_nothing_is_none():
    assert covariates.relative_difference([3, 0, 0], [1, 4, 0]).tolist() == [0.5, -1, 0]
