"""Intervals of means over items."""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from evaluation.stats import binomial

LEVEL = 0.95


def interval_of_mean(shares: Sequence[float], n: int) -> tuple[float | None, float | None]:
    """The interval of a mean share over items: Student's t, or Wilson's of all n where items are alike or alone."""
    from scipy.stats import t  # not before a panel is counted: the web process stays small

    if not shares:
        return None, None
    middle = fmean(shares)
    if len(set(shares)) > 1:
        half = float(t.ppf((1 + LEVEL) / 2, len(shares) - 1) * np.std(shares, ddof=1) / math.sqrt(len(shares)))
        return max(0.0, middle - half), min(1.0, middle + half)
    below, above = (binomial.wilson(round_(middle * n), n, LEVEL) for round_ in (math.floor, math.ceil))
    part = middle * n - math.floor(middle * n)  # a tie may make a count that is not whole
    return below.low + part * (above.low - below.low), below.high + part * (above.high - below.high)
