"""Intervals that hold as often as they say, where votes of one rater and on one item hang together."""

import os

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from evaluation.stats import bootstrap, bradley_terry
from evaluation.stats.bradley_terry import NotIdentified

RUNS = int(os.environ.get("MIXASSIST_EXAMPLES", 200))  # of the simulation; 500 in full
STRENGTH = np.array([0.4, 0.0, -0.4])
RATERS, ITEMS, EACH = 40, 60, 20
SPREAD = 0.8  # of a rater's own leaning to each contender, and of an item's, in log odds


def truth():
    """The difference between first and last that all raters and items together would show."""
    points, weights = hermegauss(80)
    gaps = STRENGTH[:, None] - STRENGTH[None, :]
    spread = np.sqrt(4 * SPREAD**2)  # two contenders, each with a rater's and an item's effect
    chances = np.tensordot(weights / weights.sum(), 1 / (1 + np.exp(-(gaps + spread * points[:, None, None]))), axes=1)
    np.fill_diagonal(chances, 0)
    return bradley_terry.fit(chances).difference(0, 2)[0]


def votes(rng, spread=SPREAD):
    """Winners, losers, raters and items of a study in which each rater sees 20 of 60 items."""
    raters = np.repeat(np.arange(RATERS), EACH)
    items = np.concatenate([rng.permutation(ITEMS)[:EACH] for _ in range(RATERS)])
    one = rng.integers(0, 3, len(raters))
    other = (one + rng.integers(1, 3, len(raters))) % 3
    own = rng.normal(0, spread, (RATERS, 3))
    about = rng.normal(0, spread, (ITEMS, 3))
    lean = STRENGTH + own[raters] + about[items]
    place = np.arange(len(raters))
    won = rng.random(len(raters)) < 1 / (1 + np.exp(lean[place, other] - lean[place, one]))
    return np.where(won, one, other), np.where(won, other, one), raters, items


def test_cluster_intervals_hold_in_95_of_100_studies_and_those_of_independent_votes_do_not():
    rng = np.random.default_rng(2026)
    true = truth()
    held = alone = 0
    for run in range(RUNS):
        winners, losers, raters, items = votes(rng)
        found = bootstrap.strengths(winners, losers, 3, (raters, items), n=1000, seed=run)
        held += found.low[4] <= true <= found.high[4]
        table = np.bincount(winners * 3 + losers, minlength=9).reshape(3, 3)
        difference, se = bradley_terry.fit(table).difference(0, 2)
        alone += abs(difference - true) < 1.96 * se
    assert 0.93 <= held / RUNS <= 0.97
    assert alone / RUNS < 0.85


def test_drawing_both_ways_at_once_would_be_too_wide_without_effects():
    """Where votes do stand alone, two-way intervals stay near those of one: products of weights are √3 as wide."""
    rng = np.random.default_rng(4)
    ratios, products = [], []
    for run in range(8):
        winners, losers, raters, items = votes(rng, spread=0)
        found = bootstrap.strengths(winners, losers, 3, (raters, items), n=1000, seed=run)
        ratios.append(found.design_effect[4])
        weights = [rng.multinomial(size, np.full(size, 1 / size), size=400) for size in (RATERS, ITEMS)]
        both = weights[0][:, raters] * weights[1][:, items]
        tables = np.stack([np.bincount(winners * 3 + losers, weights=w, minlength=9).reshape(3, 3) for w in both])
        drawn = bradley_terry.fit_many(tables)
        products.append((drawn[:, 0] - drawn[:, 2]).var() / found.independent_se[4] ** 2)
    assert 0.9 < np.mean(ratios) < 1.4
    assert np.mean(products) > 2


def test_forty_raters_of_twenty_votes_count_for_fewer():
    """The reference's case: naive SE 0.0725, cluster 0.1248, of the log odds; σ of raters 0.8."""
    rng = np.random.default_rng(0)
    naive, cluster = [], []
    for run in range(30):
        raters = np.repeat(np.arange(40), 20)
        won = rng.random(800) < 1 / (1 + np.exp(-(0.3 + rng.normal(0, 0.8, 40)[raters])))
        found = bootstrap.strengths(np.where(won, 0, 1), np.where(won, 1, 0), 2, (raters,), n=400, seed=run)
        naive.append(found.independent_se[2])
        cluster.append(found.se[2])
    assert np.mean(naive) == pytest.approx(0.0725, abs=0.003)
    assert np.mean(cluster) == pytest.approx(0.1248, abs=0.01)


def test_a_share_by_rows_and_by_counts_is_the_same_interval():
    rng = np.random.default_rng(1)
    raters, items = np.repeat(np.arange(30), 12), np.tile(np.arange(12), 30)
    won = (rng.random(360) < 0.4 + 0.3 * (raters % 2)).astype(int)
    rows = bootstrap.cluster(won, np.mean, (raters, items), n=1500, seed=7)
    cells = bootstrap.counts(won, 2, lambda c: c[:, 1:] / c.sum(axis=1, keepdims=True), (raters, items), 1500, 7)
    assert rows.estimate == won.mean() == cells.estimate[0]
    assert isinstance(rows.low, float)
    assert (cells.low[0], cells.high[0], cells.se[0]) == pytest.approx((rows.low, rows.high, rows.se), abs=0.006)
    assert rows.design_effect > 1.5


def test_a_mean_of_rater_means_has_the_textbooks_error():
    rng = np.random.default_rng(2)
    raters = np.repeat(np.arange(50), 4)
    x = rng.normal(size=50)[raters] + 0.1 * rng.normal(size=200)
    means = x.reshape(50, 4).mean(axis=1)
    found = bootstrap.cluster(x, np.mean, (raters,), n=3000)
    assert found.se == pytest.approx(means.std(ddof=1) / np.sqrt(50), rel=0.05)
    assert found.independent_se == pytest.approx(x.std(ddof=1) / np.sqrt(200), rel=0.15)


def test_the_same_seed_gives_the_same_interval_and_rows_may_hold_columns():
    rows = np.random.default_rng(0).normal(size=(60, 2))
    raters = [f"R{n % 6}" for n in range(60)]
    one, again = (bootstrap.cluster(rows, lambda r: r.mean(axis=0), [raters], n=200, seed=5) for _ in range(2))
    other = bootstrap.cluster(rows, lambda r: r.mean(axis=0), [raters], n=200, seed=6)
    assert one.low.tolist() == again.low.tolist() != other.low.tolist()
    assert one.estimate.shape == one.low.shape == (2,)
    assert one.draws.shape == (200, 2)


def test_repeated_votes_on_one_item_by_one_rater_hang_together_too():
    rng = np.random.default_rng(3)
    raters, items = np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20)
    won = (rng.random(200) < 0.6).astype(int)
    once = bootstrap.cluster(won, np.mean, (raters, items), n=800)
    copied = bootstrap.cluster(np.repeat(won, 4), np.mean, (np.repeat(raters, 4), np.repeat(items, 4)), n=800)
    assert copied.se == pytest.approx(once.se, rel=0.15)


@pytest.mark.parametrize("clusters", [(np.zeros(6),), (np.arange(6), np.zeros(6))])
def test_one_rater_or_one_item_gives_no_interval(clusters):
    assert bootstrap.cluster(np.arange(6.0), np.mean, clusters) is None
    assert bootstrap.strengths([0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0], 2, clusters) is None


def test_no_rows_or_no_estimate_give_no_interval():
    assert bootstrap.cluster([], np.mean, ([],)) is None
    assert bootstrap.counts([], 2, lambda c: c) is None
    assert bootstrap.cluster(np.arange(4.0), lambda rows: float("nan"), (np.arange(4),)) is None
    assert bootstrap.cluster(np.arange(4.0), lambda rows: None, (np.arange(4),)) is None


def test_votes_without_strengths_say_so():
    with pytest.raises(NotIdentified):
        bootstrap.strengths([0, 0, 0], [1, 1, 1], 2, (np.arange(3),))


def test_where_most_draws_have_no_strengths_there_is_no_interval():
    # one rater alone ever preferred 1: a third of the draws is without them
    assert bootstrap.strengths([0] * 8 + [1], [1] * 8 + [0], 2, (np.arange(9),), n=400) is None


def test_few_draws_without_strengths_are_counted():
    winners, losers = [0] * 20 + [1] * 4, [1] * 20 + [0] * 4
    found = bootstrap.strengths(winners, losers, 2, (np.arange(24),), n=1000)
    assert 0 < found.failed < 100
    assert len(found.draws) == 1000 - found.failed
    assert np.all(np.isfinite(found.draws))


def test_votes_all_alike_have_an_interval_without_width():
    found = bootstrap.cluster(np.ones(40), np.mean, (np.arange(40) % 4, np.arange(40) % 5), n=50)
    assert (found.low, found.high, found.se, found.design_effect) == (1, 1, 0, 1)


def test_two_draws_are_the_fewest_and_more_ways_than_two_are_refused():
    assert bootstrap.cluster(np.arange(4.0), np.mean, n=1) is None
    with pytest.raises(ValueError, match="raters, items, or both"):
        bootstrap.cluster(np.arange(4.0), np.mean, (np.arange(4),) * 3)
