"""Which place each contender may truly have."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

DRAWS = 20_000  # of the greatest deviation, whose quantile makes intervals of all pairs hold at once


@dataclass(frozen=True, slots=True)
class Rank:
    """One contender's place: 1 is best; equal places where intervals can't tell contenders apart."""

    rank: int  # 1 + how many lie above it with their whole interval
    best: int  # no better place is compatible with the votes
    worst: int
    low: float  # of its own strength
    high: float


def with_intervals(
    strength: npt.ArrayLike, covariance: npt.ArrayLike, *, level: float = 0.95, seed: int = 0
) -> tuple[Rank, ...]:
    """Rank K contenders, with the best and the worst place that each may have.

    `strength`, shape (K,), and its `covariance`, (K, K): of a fit, a sandwich, or bootstrap draws (np.cov of them).
    rank_i = 1 + #{j: low_j > high_i}, as Chatbot Arena ranks. Best and worst come from all differences at once, so
    that with the probability `level` every true place lies within (Mogstad, Romano, Shaikh and Wilhelm 2024).
    """
    s = np.asarray(strength, dtype=np.float64)
    spread = np.asarray(covariance, dtype=np.float64)
    if s.ndim != 1 or spread.shape != (len(s), len(s)) or not (np.isfinite(s).all() and np.isfinite(spread).all()):
        raise ValueError(f"K strengths and their K×K covariance, all finite, got {s.shape} and {spread.shape}")
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    draws = np.random.default_rng(seed).standard_normal((DRAWS, len(s))) @ root.T
    i, j = np.triu_indices(len(s), 1)
    variance = spread[i, i] + spread[j, j] - 2 * spread[i, j]
    se = np.sqrt(np.clip(variance, 0, None))
    greatest = np.max(np.abs(draws[:, i] - draws[:, j]) / np.where(se > 0, se, np.inf), axis=1, initial=0.0)
    gap = s[i] - s[j]
    sure = np.abs(gap) > np.quantile(greatest, level) * se
    above = np.zeros((len(s), len(s)), dtype=bool)
    above[i, j], above[j, i] = sure & (gap > 0), sure & (gap < 0)
    half = _z(level) * np.sqrt(np.clip(np.diag(spread), 0, None))
    low, high = s - half, s + half
    return tuple(
        Rank(
            rank=1 + int(np.sum(low > high[k])),
            best=1 + int(above[:, k].sum()),
            worst=len(s) - int(above[k].sum()),
            low=float(low[k]),
            high=float(high[k]),
        )
        for k in range(len(s))
    )


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)
