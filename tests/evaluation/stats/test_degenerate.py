"""Whatever the votes: finite numbers, None, or the groups that can't be placed; never NaN, never another error."""

import warnings

import numpy as np
import pytest

from annotation import agreement
from evaluation.stats import bootstrap, bradley_terry, covariates, davidson, leak, plackett_luce, rao_kupper
from evaluation.stats.bradley_terry import NotIdentified

FIELDS = ("strength", "worth", "se", "covariance", "log_likelihood", "order_effect", "order_se", "nu", "theta")
FIELDS += ("coefficient", "low", "high", "draws", "design_effect")


@pytest.fixture(autouse=True)
def strict():
    """No division by zero or overflow passes as a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def told(work, *given, **options):
    """Whether there was a result; it is finite, and strengths are no stand-in for infinity."""
    try:
        found = work(*given, **options)
    except NotIdentified as error:
        assert error.components and str(error)
        return False
    if found is None:
        return False
    values = [getattr(found, name) for name in FIELDS if hasattr(found, name)] or [found]
    assert all(np.all(np.isfinite(value)) for value in values)
    assert np.max(np.abs(getattr(found, "strength", 0.0))) < 40
    return True


def test_sparse_lopsided_and_huge_tables():
    rng = np.random.default_rng(0)
    results = []
    for _ in range(250):
        size, scale = int(rng.integers(1, 6)), 10.0 ** rng.integers(0, 8)
        wins, more, ties = (
            np.floor(rng.random((size, size)) ** 3 * rng.integers(0, 3, (size, size)) * scale) for _ in range(3)
        )
        for table in (wins, more, ties):
            np.fill_diagonal(table, 0)
        rankings = [rng.permutation(size)[: rng.integers(1, size + 1)].tolist() for _ in range(rng.integers(0, 12))]
        results += [
            told(bradley_terry.fit, wins),
            told(bradley_terry.fit_with_order, wins, more),
            told(davidson.fit, wins, np.triu(ties)),
            told(rao_kupper.fit, wins, np.triu(ties)),
            told(plackett_luce.fit, rankings, size),
        ]
        assert told(bradley_terry.fit, wins, ridge=0.5)
    assert 200 < sum(results) < len(results) - 200


def test_few_votes_of_few_raters_on_few_items():
    rng = np.random.default_rng(1)
    results = []
    for _ in range(150):
        size = int(rng.integers(0, 30))
        left = rng.integers(0, 3, size)
        right = (left + rng.integers(1, 3, size)) % 3
        won, (raters, items) = rng.integers(0, 2, size), rng.integers(0, rng.integers(1, 8), (2, size))
        ratings = np.where(rng.random((3, size)) < 0.3, np.nan, rng.integers(0, rng.integers(1, 4), (3, size)))
        clusters = (raters, items)
        results += [
            told(bootstrap.strengths, left, right, 3, clusters, n=40),
            told(bootstrap.cluster, won, np.mean, clusters, n=20),
            told(covariates.fit, left, right, won, rng.normal(size=(size, 2)), n_items=3),
            told(leak.auc, rng.normal(size=(size, 3)), left, items),
            *[told(agreement.krippendorff_alpha, ratings, level) for level in agreement.LEVELS],
            *[told(f, ratings) for f in (agreement.gwet_ac1, agreement.conger_kappa, agreement.percent)],
        ]
    assert 200 < sum(results) < len(results) - 200


def test_ten_million_votes():
    wins = np.full((4, 4), 10**7 / 12)
    np.fill_diagonal(wins, 0)
    wins[0] *= 1.001
    assert bradley_terry.fit(wins).difference(0, 1)[0] == pytest.approx(np.log(1.001), abs=1e-9)
    assert told(davidson.fit, wins, wins + wins.T)
    assert told(bradley_terry.fit_with_order, wins, wins)


def test_a_rater_who_always_votes_left_says_nothing_of_contenders_alone_and_fits_among_others():
    alone = [[0, 20, 20], [20, 0, 20], [20, 20, 0]]
    with pytest.raises(NotIdentified):
        bradley_terry.fit_with_order(alone, np.zeros((3, 3)))
    others = np.array([[0, 6, 8], [4, 0, 6], [2, 4, 0]])
    found = bradley_terry.fit_with_order(alone + others, others.T)
    assert found.order_effect > 1
    assert found.strength[0] > found.strength[1] > found.strength[2]
