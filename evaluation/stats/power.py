"""How many votes a question needs, and what a number of votes can show."""

import math
from statistics import NormalDist

import numpy as np
from scipy.stats import binom

QUANTILE = NormalDist().inv_cdf
BLOCK = 4096  # numbers of votes that are tried at once


def decisive_votes(p: float, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return how many decided votes tell a share p from a half, two-sided (Fleiss, Levin and Paik 2003).

    n = ((z_{1-α/2} / 2 + z_power √(p (1 - p))) / (p - ½))², rounded up; None for a half itself: no number suffices.
    Votes stand alone: multiply by `design_effect`, and divide by the share of votes that are decided.
    """
    _probabilities(power=power, alpha=alpha)
    if not 0 <= p <= 1:
        raise ValueError(f"p is a share between 0 and 1, got {p}")
    if p == 0.5:
        return None
    needed = (QUANTILE(1 - alpha / 2) / 2 + QUANTILE(power) * math.sqrt(p * (1 - p))) / abs(p - 0.5)
    return max(1, math.ceil(needed**2 - 1e-9))


def exact_votes(p: float, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the least number of decided votes with which the exact sign test has the power; None for a half.

    Exact power zigzags: a few more votes may have a little less.
    """
    if decisive_votes(p, power, alpha) is None:
        return None
    better, n = max(p, 1 - p), 0
    while True:
        tried = np.arange(n + 1, n + BLOCK + 1)
        fewest = binom.isf(alpha / 2, tried, 0.5) + 1  # the fewest wins with P(X ≥ k) ≤ α / 2
        reached = binom.sf(fewest - 1, tried, better) + binom.cdf(tried - fewest, tried, better) >= power
        if reached.any():
            return int(tried[reached.argmax()])
        n += BLOCK


def detectable(n: float, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the least share above a half that n decided votes tell from it: ½ + (z_{1-α/2} + z_power) / (2√n).

    With the variance of a half, a little more than `decisive_votes` asks for. None where not even all votes suffice.
    """
    _probabilities(power=power, alpha=alpha)
    if n < 0:
        raise ValueError(f"n is a number of votes, got {n}")
    if n == 0:
        return None
    share = 0.5 + max(0.0, QUANTILE(1 - alpha / 2) + QUANTILE(power)) / (2 * math.sqrt(n))
    return share if share <= 1 else None


def design_effect(m: float, rho: float) -> float:
    """Return 1 + (m - 1) ρ: how many votes count as one where m of a rater correlate by ρ (Kish 1965)."""
    if m < 1 or not -1 <= rho <= 1:
        raise ValueError(f"m is at least 1 and rho between -1 and 1, got {m} and {rho}")
    return 1 + (m - 1) * rho


def _probabilities(**named: float) -> None:
    for name, value in named.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} lies between 0 and 1, got {value}")
