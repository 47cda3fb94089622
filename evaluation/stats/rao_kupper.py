"""How strong each contender is where small differences are ties: Rao and Kupper's model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from evaluation.stats import bradley_terry
from evaluation.stats.newton import Array, NotIdentified, maximise
from evaluation.stats.ties import check, pairs_of

__all__ = ["NotIdentified", "RaoKupperFit", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class RaoKupperFit:
    """Strengths of K contenders and the threshold below which a difference is a tie."""

    strength: Array  # (K,) log worths, sum 0
    covariance: Array  # (K, K) of the strengths
    theta: float  # θ ≥ 1: differences in log worth below log θ tend to tie
    log_likelihood: float

    @property
    def worth(self) -> Array:
        """Worths with sum 1, shape (K,)."""
        shares = np.exp(self.strength - self.strength.max())
        return np.asarray(shares / shares.sum())

    @property
    def se(self) -> Array:
        """Standard errors of the strengths, shape (K,)."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))


def fit(wins: npt.ArrayLike, ties: npt.ArrayLike) -> RaoKupperFit:
    """Fit P(i) = π_i / (π_i + θπ_j), P(tie) = (θ² - 1)π_iπ_j / ((π_i + θπ_j)(π_j + θπ_i)) (Rao and Kupper 1967).

    `wins[i, j]`, shape (K, K), is how often i beat j; `ties`, symmetric, how often two tied (one triangle will do).
    A vote that both are bad is no tie and doesn't belong here. Without ties this is Bradley and Terry's model, θ = 1.
    Raises NotIdentified where the likelihood has no maximum: not connected, one-sided, or nothing but ties.
    """
    pairs = pairs_of(wins, ties)
    size = pairs.design.shape[1]
    if not np.any(pairs.tied):
        plain = bradley_terry.fit(wins)
        return RaoKupperFit(plain.strength, plain.covariance, 1.0, plain.log_likelihood)
    check(pairs)
    design, tied = pairs.design, pairs.tied
    up, down = pairs.won + tied, pairs.lost + tied
    level = np.zeros((size + 1, size + 1))
    level[:size, :size] = 1 / size

    def derivatives(place: Array) -> tuple[float, Array, Array]:
        x, threshold = design @ place[:size], place[size]
        if threshold <= 0:
            return -np.inf, np.zeros(size + 1), level
        a, b = expit(x - threshold), expit(-x - threshold)
        value = -float(up @ np.logaddexp(0, threshold - x) + down @ np.logaddexp(0, threshold + x))
        value += float(tied.sum() * np.log(np.expm1(2 * threshold)))
        rise = -2 / np.expm1(-2 * threshold)  # 2θ² / (θ² - 1)
        gradient = np.append(
            design.T @ (up * (1 - a) - down * (1 - b)), -(up @ (1 - a) + down @ (1 - b)) + tied.sum() * rise
        )
        bend, fall = up * a * (1 - a), down * b * (1 - b)
        information = level.copy()
        information[:size, :size] += design.T @ ((bend + fall)[:, None] * design)
        information[:size, size] = information[size, :size] = design.T @ (fall - bend)
        information[size, size] = bend.sum() + fall.sum() + tied.sum() * rise * (rise - 2)
        return value, gradient, information

    share = tied.sum() / (pairs.won + pairs.lost + tied).sum()
    start = np.log((1 + share) / (1 - share))  # equals tie with probability (θ - 1) / (θ + 1)
    place, _ = maximise(derivatives, np.append(np.zeros(size), start))
    value, _, information = derivatives(place)
    covariance = np.asarray(np.linalg.inv(information) - level, dtype=np.float64)[:size, :size]
    return RaoKupperFit(place[:size] - place[:size].mean(), covariance, float(np.exp(place[size])), value)
