"""Coefficients against Krippendorff's, Cohen's and Gwet's printed figures; undefined where they are."""

import evalica
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from annotation import agreement

NAN = float("nan")
# Krippendorff's four observers of twelve units
MATRIX = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
# Fleiss 1971: fourteen raters, ten subjects, five categories
FLEISS = [
    *[[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]],
    *[[7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]],
]


def sides(table):
    """Two raters' labels, from their table of counts."""
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return np.array(cells).T


def counts_of(matrix, values=(1, 2, 3, 4, 5)):
    return np.stack([(np.array(matrix) == value).sum(axis=0) for value in values], axis=1)


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.7434211), ("ordinal", 0.8153875), ("interval", 0.8491071), ("ratio", 0.7974028)]
)
def test_krippendorffs_matrix(level, alpha):
    assert agreement.krippendorff_alpha(MATRIX, level) == pytest.approx(alpha, abs=5e-8)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_evalicas_on_random_tables(level):
    rng = np.random.default_rng(0)
    for _ in range(60):
        table = rng.integers(1, 6, size=(rng.integers(2, 6), rng.integers(3, 15))).astype(float)
        table[rng.random(table.shape) < 0.2] = NAN
        found = agreement.krippendorff_alpha(table, level)
        if found is not None:
            theirs = evalica.alpha(pd.DataFrame(table), distance=level).alpha
            assert found == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("coefficient", "value"),
    [
        (agreement.gwet_ac1, 0.77544),
        (lambda m: agreement.fleiss_kappa(counts_of(m)), 0.76117),
        (agreement.brennan_prediger, 0.77273),
        (agreement.conger_kappa, 0.76207),
        (agreement.percent, 0.81818),
    ],
)
def test_krippendorffs_matrix_by_other_coefficients(coefficient, value):
    assert coefficient(MATRIX) == pytest.approx(value, abs=5e-6)


def test_cohens_fifty_subjects():
    assert agreement.cohen_kappa(*sides([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_the_kappa_paradox():
    a, b = sides([[80, 10], [5, 5]])
    assert agreement.cohen_kappa(a, b) == pytest.approx(0.31818, abs=5e-6)
    assert agreement.gwet_ac1([a, b]) == pytest.approx(0.808, abs=5e-4)
    assert agreement.percent([a, b]) == pytest.approx(0.85)
    assert agreement.prevalence([a, b]) == pytest.approx({0: 0.875, 1: 0.125})


def test_fleiss_own_example():
    assert agreement.fleiss_kappa(FLEISS) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_weighted_kappa_is_scikit_learns(weights):
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, (2, 200))
    assert agreement.cohen_kappa(a, b, weights) == pytest.approx(cohen_kappa_score(a, b, weights=weights))
    assert agreement.cohen_kappa(*(x.astype(str) for x in (a, b)), weights) == pytest.approx(
        cohen_kappa_score(a, b, weights=weights)
    )


def test_missing_labels_are_left_out():
    assert agreement.cohen_kappa([1.0, 2, NAN, 1], [1.0, 2, 2, NAN]) == 1
    assert agreement.cohen_kappa(np.array(["a", None, "b"], dtype=object), ["a", "a", "b"]) == 1


COEFFICIENTS = [
    *[lambda m, level=level: agreement.krippendorff_alpha(m, level) for level in agreement.LEVELS],
    *[agreement.gwet_ac1, agreement.brennan_prediger, agreement.conger_kappa],
    lambda m: agreement.fleiss_kappa(counts_of(m)),
]


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((0, 0)),
        np.zeros((2, 0)),
        [[1, 2, 3]],  # one rater
        [[3, 3, 3], [3, 3, 3]],  # one category throughout
        [[NAN, NAN], [NAN, NAN]],
        [[1, NAN], [NAN, 2]],  # nobody rated the same
    ],
)
def test_what_is_undefined_is_neither_0_nor_1(coefficient, matrix):
    assert coefficient(matrix) is None


def test_one_label_throughout_has_no_kappa_and_full_per_cent():
    assert agreement.cohen_kappa([1, 1], [1, 1]) is None
    assert agreement.cohen_kappa([], []) is None
    assert agreement.percent([[1, 1], [1, 1]]) == 1
    assert agreement.percent([[1, 2]]) is None
    assert agreement.prevalence([[NAN]]) == {}


def test_full_agreement_is_1_and_reversal_below_0():
    for coefficient in COEFFICIENTS:
        assert coefficient([[1, 2, 3, 1], [1, 2, 3, 1]]) == pytest.approx(1)
    assert agreement.krippendorff_alpha([[1, 2, 1, 2], [2, 1, 2, 1]]) < 0


def test_an_interval_surrounds_the_value_and_repeats_with_its_seed():
    found = agreement.interval(agreement.krippendorff_alpha, MATRIX)
    assert found.low < found.value < found.high <= 1
    assert found == agreement.interval(agreement.krippendorff_alpha, MATRIX)


def test_units_of_one_session_are_drawn_together():
    rng = np.random.default_rng(0)
    session = np.repeat(np.arange(8), 20)
    agree = np.repeat(rng.random(8), 20) > rng.random(160)  # some sessions are easy
    a = rng.integers(0, 2, 160)
    table = np.array([a, np.where(agree, a, 1 - a)], dtype=float)
    alone = agreement.interval(agreement.percent, table)
    together = agreement.interval(agreement.percent, table, session)
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_an_interval_needs_two_sessions_and_values():
    assert agreement.interval(agreement.percent, MATRIX, np.zeros(12))[1:] == (None, None, 0)
    assert agreement.interval(agreement.krippendorff_alpha, [[1, 1], [1, 1]]) == (None, None, None, 0)
    rare = np.zeros((2, 200))
    rare[0, 0] = 1  # a third of the draws are without it
    found = agreement.interval(agreement.krippendorff_alpha, rare)
    assert 200 < found.undefined < 500 and found.low is not None


def test_what_is_no_rating_is_refused():
    with pytest.raises(ValueError, match="level is one of"):
        agreement.krippendorff_alpha(MATRIX, "cosine")
    with pytest.raises(ValueError, match="raters by units"):
        agreement.krippendorff_alpha([1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        agreement.percent([[float("inf"), 1]])
    with pytest.raises(ValueError, match="not negative"):
        agreement.krippendorff_alpha([[-1, 2], [1, 2]], "ratio")
    with pytest.raises(ValueError, match="same units"):
        agreement.cohen_kappa([1], [1, 2])
    with pytest.raises(ValueError, match="weights are"):
        agreement.cohen_kappa([1], [1], "cubic")
    with pytest.raises(ValueError, match="units by categories"):
        agreement.fleiss_kappa([[-1, 2]])
    with pytest.raises(ValueError, match="each of 12 units"):
        agreement.interval(agreement.percent, MATRIX, [1, 2])
