"""One share and its interval; one pair and its test."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

EXACT_UP_TO = 1000  # trials up to which whole numbers are summed; beyond that, terms with 1e-17 of the sum or more


class Interval(NamedTuple):
    """The ends of an interval of a share, both in [0, 1]."""

    low: float
    high: float


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval for k of n (Wilson 1927; Brown, Cai and DasGupta 2001, eq. 4).

    Without any trial nothing is known: 0 to 1.
    """
    _check(k, n)
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, spread = k / n, z * z / n
    centre = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low = 0.0 if k == 0 else max(0.0, (centre - half) / (1 + spread))
    high = 1.0 if k == n else min(1.0, (centre + half) / (1 + spread))
    return Interval(low, high)


def exact(k: int, n: int, level: float = 0.95) -> Interval:
    """Clopper and Pearson's interval for k of n (1934): both binomial tails hold (1 - level) / 2."""
    _check(k, n)
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else _bisect(lambda p: _tail_above(k, n, p) < tail, 0.0, k / n)
    high = 1.0 if k == n else _bisect(lambda p: _tail_above(n - k, n, 1 - p) >= tail, k / n, 1.0)
    return Interval(low, high)


def sign_test(w: int, l: int) -> float:  # noqa: E741 – wins and losses, as in the literature
    """Return the exact two-sided p of w wins against l losses under a fair coin (Dixon and Mood 1946)."""
    if w < 0 or l < 0:
        raise ValueError(f"wins and losses are counts, got {w} and {l}")
    if w == l:
        return 1.0
    n, k = w + l, max(w, l)
    if n <= EXACT_UP_TO:
        tail = term = math.comb(n, k)
        for i in range(k, n):
            term = term * (n - i) // (i + 1)
            tail += term
        return float(min(1.0, 2 * tail / 2**n))
    return min(1.0, 2 * _tail_above(k, n, 0.5))


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"k must lie between 0 and n, got {k} of {n}")


def _tail_above(k: int, n: int, p: float) -> float:
    """P(X ≥ k) for X ~ Binomial(n, p), summed upward from k, where k is not below the mean."""
    if p <= 0.0:
        return 1.0 if k == 0 else 0.0
    if p >= 1.0:
        return 1.0
    log_term = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    term = math.exp(log_term + k * math.log(p) + (n - k) * math.log1p(-p))
    total, odds = term, p / (1 - p)
    while k < n and term > total * 1e-17:
        term *= (n - k) / (k + 1) * odds
        total += term
        k += 1
    return min(1.0, total)


def _bisect(below: Callable[[float], bool], low: float, high: float) -> float:
    """The point between low and high at which `below` turns from true to false."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2
