"""Whether rankings agree with each other, and whether two halves of a pair differ."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, rankdata

from evaluation.stats import binomial


class Result(NamedTuple):
    """A test: its statistic and p; None twice where nothing could differ."""

    statistic: float | None
    p: float | None


def friedman(ranks: npt.ArrayLike) -> Result:
    """Test whether n contenders are ranked alike by m judges, on each of m items (Friedman 1937).

    `ranks`, shape (m, n): ranks or scores, ranked anew row by row, ties
    corrected for. The statistic is χ² with n - 1 degrees of freedom,
    its p approximate: small m or n make it too careful. None where every row is one tie.
    """
    table = np.atleast_2d(np.asarray(ranks, dtype=np.float64))
    if table.ndim != 2 or not np.all(np.isfinite(table)):
        raise ValueError(f"ranks must be an m×n table of numbers, got shape {table.shape}")
    m, n = table.shape
    if not m or n < 2:
        return Result(None, None)
    own = rankdata(table, axis=1)
    spread = float(np.square(own - (n + 1) / 2).sum())
    if spread == 0:
        return Result(None, None)
    statistic = (n - 1) * float(np.square(own.sum(axis=0) - m * (n + 1) / 2).sum()) / spread
    return Result(statistic, float(chi2.sf(statistic, n - 1)))


def kendall_w(ranks: npt.ArrayLike) -> Result:
    """Return Kendall's W of m rankings of n contenders: χ² / (m (n - 1)), 0 chance to 1 alike (Kendall and Smith 1939).

    `ranks`, shape (m, n), as for `friedman`, whose p it has.
    """
    found = friedman(ranks)
    if found.statistic is None:
        return found
    m, n = np.atleast_2d(np.asarray(ranks)).shape
    return Result(found.statistic / (m * (n - 1)), found.p)


def mcnemar(b: int, c: int) -> Result:
    """Test whether of b + c pairs that changed, as many changed one way as the other (McNemar 1947).

    The statistic is χ² = (b - c)² / (b + c); p is exact, that of a fair coin. None and 1 where no pair changed.
    """
    p = binomial.sign_test(b, c)
    return Result((b - c) ** 2 / (b + c) if b + c else None, p)
