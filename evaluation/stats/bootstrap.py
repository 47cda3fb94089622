"""How far an estimate would move with other raters and other items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.stats import norm, t

from evaluation.stats import bradley_terry
from evaluation.stats.newton import Array, NotIdentified
from evaluation.stats.sandwich import Codes, crossing, ways_of

MAX_FAILED = 0.1  # of the draws: more without an estimate, and those that have one tell of a chosen few
AT_ONCE = 2_000_000  # numbers that are held for draws at once
EXACT = 1 << 22  # votes below which a draw's counts are whole numbers that half the width holds
FEW = 200  # draws whose variance alone is used


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrapped:
    """An estimate with its interval; arrays of the statistic's own shape, floats for a number."""

    estimate: Any
    low: Any
    high: Any
    se: Any
    independent_se: Any  # what it would be if every vote stood alone
    draws: Array  # (n - failed, P), centred on the estimate, with the spread that the interval is read from
    failed: int  # draws in which the statistic did not exist

    @property
    def design_effect(self) -> Any:
        """How many votes count as one: the variance over that of independent votes; 1 where votes don't differ."""
        own, alone = np.asarray(self.se), np.asarray(self.independent_se)
        return np.square(np.divide(own, alone, out=np.ones_like(own), where=alone > 0))[()]


def cluster(
    rows: npt.ArrayLike,
    statistic: Callable[[Any], Any],
    clusters: Sequence[npt.ArrayLike] | npt.ArrayLike = (),
    n: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Bootstrapped | None:
    """Resample whole raters and whole items, and read the interval off what the statistic does.

    `rows`, shape (N, …), one a vote; `statistic` takes some of them and returns a number or an array; `clusters`,
    (raters, items) or one of them, N labels each; none: every vote stands alone. The same seed gives the same draws.

    One way: percentiles of n draws of G clusters out of G (Davison and Hinkley 1997). Two ways: a draw of raters
    and one of items are added, and their spread is set to V_raters + V_items - V_votes (Cameron, Gelbach and Miller
    2011), never below that of either; drawing both at once would count the noise of single votes three times (Owen
    2007). Spreads are widened by G / (G - 1) and from the normal to Student's t with G - 1, G the fewer clusters.

    None where there is no row, fewer than two clusters of some way, or no estimate (NotIdentified, None or NaN); the
    same where more than a tenth of the draws have none. An interval without width says that all votes were alike,
    not that nothing is unknown: see `binomial.exact`.
    """
    data = np.asarray(rows)
    ways = ways_of(clusters, len(data))
    if not len(data):
        return None
    whole = _value(statistic, data)
    if whole is None:
        return None

    def draw(way: Codes, number: int, stream: int) -> Array:
        count = int(way.max()) + 1
        rng = np.random.default_rng([seed, stream])
        place = np.arange(len(data))
        found = np.full((number, whole.size), np.nan)
        for index in range(number):
            weights = np.bincount(rng.integers(count, size=count), minlength=count)
            value = _value(statistic, data[np.repeat(place, weights[way])])
            if value is not None and value.size == whole.size:
                found[index] = value.reshape(-1)
        return found

    return _interval(whole, ways, draw, n, level)


def counts(
    cells: npt.ArrayLike,
    n_cells: int,
    statistic: Callable[[Array], Array],
    clusters: Sequence[npt.ArrayLike] | npt.ArrayLike = (),
    n: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Bootstrapped | None:
    """Do what `cluster` does for a statistic of counts, many draws at once.

    `cells`, N numbers below n_cells: how each vote ended; `statistic` takes counts (B, n_cells) and returns (B, P),
    NaN where it doesn't exist.
    """
    codes = np.asarray(cells, dtype=np.int64)
    size = np.float32 if len(codes) < EXACT else np.float64
    ways = ways_of(clusters, len(codes))
    if not len(codes):
        return None
    seen = np.bincount(codes, minlength=n_cells).astype(np.float64)
    whole = np.asarray(statistic(seen[None]), dtype=np.float64)[0]
    if not np.all(np.isfinite(whole)):
        return None

    def draw(way: Codes, number: int, stream: int) -> Array:
        count = int(way.max()) + 1
        rng = np.random.default_rng([seed, stream])
        if count == len(codes):  # every vote stands alone
            return np.asarray(statistic(rng.multinomial(count, seen / count, size=number).astype(np.float64)))
        each = csr_array((np.ones(len(codes), dtype=size), (codes, way)), shape=(n_cells, count))
        found = []
        for start in range(0, number, step := max(1, AT_ONCE // count)):
            some = min(step, number - start)
            flat = rng.integers(count, size=(some, count)) + np.arange(some)[:, None] * count
            weights = np.bincount(flat.reshape(-1), minlength=some * count).reshape(some, count).astype(size)
            found.append(np.asarray(statistic((each @ np.ascontiguousarray(weights.T)).T.astype(np.float64))))
        return np.concatenate(found)

    return _interval(whole, ways, draw, n, level)


def strengths(
    winners: npt.ArrayLike,
    losers: npt.ArrayLike,
    n_items: int,
    clusters: Sequence[npt.ArrayLike] | npt.ArrayLike = (),
    n: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Bootstrapped | None:
    """Bootstrap Bradley–Terry strengths: shape (K,), then those of all differences i - j, i < j, in one array.

    `winners`, `losers`: N numbers below n_items. Raises NotIdentified where the votes themselves have no strengths;
    None where the clusters, or the draws, don't suffice.
    """
    won, lost = np.asarray(winners, dtype=np.int64), np.asarray(losers, dtype=np.int64)
    cells = won * n_items + lost
    seen = np.bincount(cells, minlength=n_items**2).reshape(n_items, n_items)
    start = bradley_terry.fit(seen).strength
    first, second = np.triu_indices(n_items, 1)

    def fitted(tables: Array) -> Array:
        found = bradley_terry.fit_many(tables.reshape(-1, n_items, n_items), start)
        return np.hstack([found, found[:, first] - found[:, second]])

    return counts(cells, n_items**2, fitted, clusters, n, seed, level)


def _interval(
    whole: Array, ways: list[Codes], draw: Callable[[Codes, int, int], Array], n: int, level: float
) -> Bootstrapped | None:
    sizes = [int(way.max()) + 1 for way in ways]
    if min(sizes) < 2 or n < 2:
        return None
    votes = np.arange(len(ways[0]))
    raw = [draw(way, n, stream) for stream, way in enumerate(ways)]
    exist = np.logical_and.reduce([np.all(np.isfinite(each), axis=1) for each in raw])
    failed = int(n - exist.sum())
    if failed > MAX_FAILED * n or n - failed < 2:
        return None
    parts = [each[exist] for each in raw]
    spreads = [each.var(axis=0, ddof=1) * size / (size - 1) for each, size in zip(parts, sizes, strict=True)]
    moves = np.sum([each - each.mean(axis=0) for each in parts], axis=0)
    alone = draw(votes, min(n, FEW), 3)
    single = np.nan_to_num(np.nanvar(alone, axis=0, ddof=1)) if np.isfinite(alone).all(axis=1).sum() > 1 else spreads[0]
    if len(ways) == 1:
        target = spreads[0]
    else:
        both = crossing(*ways)
        shared = single
        if int(both.max()) + 1 < len(votes):
            again = draw(both, min(n, FEW), 2)
            shared = np.nan_to_num(np.nanvar(again, axis=0, ddof=1))
        target = np.maximum(spreads[0] + spreads[1] - shared, np.maximum(*spreads))
    had = moves.var(axis=0, ddof=1)
    tail = (1 + level) / 2
    wider = float(t.ppf(tail, min(sizes) - 1) / norm.ppf(tail))
    draws = whole.reshape(-1) + moves * np.sqrt(np.divide(target, had, out=np.zeros_like(had), where=had > 0)) * wider
    low, high = np.quantile(draws, [1 - tail, tail], axis=0)
    shaped = [np.reshape(each, whole.shape)[()] for each in (low, high, np.sqrt(target), np.sqrt(single))]
    return Bootstrapped(whole[()], shaped[0], shaped[1], shaped[2], shaped[3], draws, failed)


def _value(statistic: Callable[[Any], Any], data: Any) -> Array | None:
    """The statistic as an array; None where it doesn't exist."""
    try:
        value = statistic(data)
    except NotIdentified:
        return None
    if value is None:
        return None
    found = np.asarray(value, dtype=np.float64)
    return found if np.all(np.isfinite(found)) else None
