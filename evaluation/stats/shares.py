"""One share, or one mean, of votes that hang together by rater and by item."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from evaluation.stats.newton import Array
from evaluation.stats.sandwich import Codes, crossing, ways_of


@dataclass(frozen=True, slots=True)
class Share:
    """k of n with an interval over raters and items; None each where it doesn't exist."""

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    p: float | None  # two-sided, against a half
    design_effect: float | None  # how many votes count as one; at least 1


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with an interval over raters and items."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def clustered(hits: npt.ArrayLike, raters: npt.ArrayLike, items: npt.ArrayLike, level: float = 0.95) -> Share:
    """Return the share of hits, N of 0 and 1, with a score interval for the votes that these count as.

    Wilson's interval (1927) with n / deff for n and Student's quantile with G - 1 for the normal one, G the fewer of
    raters and items (Korn and Graubard 1998). deff is the variance V_raters + V_items - V_votes (Cameron, Gelbach and
    Miller 2011) over that of independent votes, and at least 1. Where all votes are alike nothing varies: then each
    rater, or each item if they are fewer, counts as one vote. No interval with fewer than two raters or two items.
    """
    values = np.asarray(hits, dtype=np.float64)
    n, k = len(values), int(values.sum())
    if not n:
        return Share(0, 0, None, None, None, None, None)
    share = k / n
    ways = ways_of((raters, items), n)
    fewest = min(int(way.max()) + 1 for way in ways)
    if fewest < 2:
        return Share(k, n, share, None, None, None, None)
    alone = share * (1 - share) / n
    quantile = float(t.ppf((1 + level) / 2, fewest - 1))
    if not alone:
        low, high = _score(share, fewest, quantile)
        return Share(k, n, share, low, high, None, n / fewest)
    variance = max(_variance(values - share, ways), alone)
    low, high = _score(share, n * alone / variance, quantile)
    p = 2 * float(t.sf(abs(share - 0.5) / math.sqrt(variance), fewest - 1))
    return Share(k, n, share, low, high, min(1.0, p), variance / alone)


def mean(values: npt.ArrayLike, raters: npt.ArrayLike, items: npt.ArrayLike, level: float = 0.95) -> Mean:
    """Return the mean of N values with its interval, by the same variance; none where values don't differ."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return Mean(None, None, None, 0)
    value = float(numbers.mean())
    ways = ways_of((raters, items), len(numbers))
    fewest = min(int(way.max()) + 1 for way in ways)
    if fewest < 2 or np.ptp(numbers) == 0:
        return Mean(value, None, None, len(numbers))
    spread = math.sqrt(max(_variance(numbers - value, ways), float(numbers.var()) / len(numbers)))
    half = float(t.ppf((1 + level) / 2, fewest - 1)) * spread
    return Mean(value, value - half, value + half, len(numbers))


def _variance(residuals: Array, ways: list[Codes]) -> float:
    """The variance of a mean by two ways of clustering, never below that of either."""
    first, second, both = (_one_way(residuals, way) for way in (*ways, crossing(*ways)))
    return max(first + second - both, first, second)


def _one_way(residuals: Array, way: Codes) -> float:
    sums = np.bincount(way, weights=residuals)
    count = len(sums)
    return float(sums @ sums) / len(residuals) ** 2 * (count / (count - 1) if count > 1 else 1.0)


def _score(share: float, n: float, z: float) -> tuple[float, float]:
    spread = z * z / n
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    centre = share + spread / 2
    low = 0.0 if share == 0 else max(0.0, (centre - half) / (1 + spread))
    high = 1.0 if share == 1 else min(1.0, (centre + half) / (1 + spread))
    return low, high
