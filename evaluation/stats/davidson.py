"""How strong each contender is where a vote may be a tie: Davidson's model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.stats import bradley_terry
from evaluation.stats.newton import Array, NotIdentified, maximise
from evaluation.stats.sandwich import covariance as sandwich
from evaluation.stats.ties import check, pairs_of

__all__ = ["DavidsonFit", "NotIdentified", "clustered", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class DavidsonFit:
    """Strengths of K contenders and how readily two equals tie."""

    strength: Array  # (K,) log worths, sum 0
    covariance: Array  # (K, K) of the strengths
    nu: float  # ν ≥ 0: two equals tie with probability ν / (2 + ν)
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


def fit(wins: npt.ArrayLike, ties: npt.ArrayLike) -> DavidsonFit:
    """Fit P(i) = π_i / D, P(tie) = ν√(π_i π_j) / D, D = π_i + π_j + ν√(π_i π_j) (Davidson 1970).

    `wins[i, j]`, shape (K, K), is how often i beat j; `ties`, symmetric, how often two tied (one triangle will do).
    A vote that both are bad is no tie and doesn't belong here. Without ties this is Bradley and Terry's model, ν = 0.
    Raises NotIdentified where the likelihood has no maximum: not connected, one-sided, or nothing but ties.
    """
    pairs = pairs_of(wins, ties)
    size = pairs.design.shape[1]
    if not np.any(pairs.tied):
        plain = bradley_terry.fit(wins)
        return DavidsonFit(plain.strength, plain.covariance, 0.0, plain.log_likelihood)
    check(pairs)
    won, lost, tied, design = pairs.won, pairs.lost, pairs.tied, pairs.design
    n = won + lost + tied
    level = np.zeros((size + 1, size + 1))
    level[:size, :size] = 1 / size

    def derivatives(place: Array) -> tuple[float, Array, Array]:
        x, log_nu = design @ place[:size], place[size]
        total = np.logaddexp(np.logaddexp(x / 2, -x / 2), log_nu)
        p, q, t = np.exp(x / 2 - total), np.exp(-x / 2 - total), np.exp(log_nu - total)
        value = float(won @ (x / 2) - lost @ (x / 2) + tied.sum() * log_nu - n @ total)
        gradient = np.append(design.T @ ((won - lost) / 2 - n * (p - q) / 2), tied.sum() - n @ t)
        information = level.copy()
        information[:size, :size] += design.T @ ((n * ((p + q) - (p - q) ** 2) / 4)[:, None] * design)
        information[:size, size] = information[size, :size] = -design.T @ (n * (p - q) * t / 2)
        information[size, size] = n @ (t * (1 - t))
        return value, gradient, information

    place, _ = maximise(derivatives, np.append(np.zeros(size), np.log(2 * tied.sum() / (won + lost).sum())))
    value, _, information = derivatives(place)
    covariance = np.asarray(np.linalg.inv(information) - level, dtype=np.float64)[:size, :size]
    return DavidsonFit(place[:size] - place[:size].mean(), covariance, float(np.exp(place[size])), value)


def clustered(
    found: DavidsonFit,
    one: npt.ArrayLike,
    other: npt.ArrayLike,
    score: npt.ArrayLike,
    clusters: Sequence[npt.ArrayLike],
) -> Array | None:
    """Return the covariance of a fit's strengths, (K, K), where votes hang together (see `sandwich.covariance`).

    `one`, `other`: N contenders' numbers; `score`: N times 1 where the one won, -1 where the other did, 0 for a tie.
    None with fewer than two clusters of some way, and for a fit without ties: there take Bradley and Terry's.
    """
    if not found.nu:
        return None
    first, second = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    outcome = np.asarray(score, dtype=np.float64)
    size, votes = len(found.strength), np.arange(len(outcome))
    x, log_nu = found.strength[first] - found.strength[second], np.log(found.nu)
    total = np.logaddexp(np.logaddexp(x / 2, -x / 2), log_nu)
    p, q, t = np.exp(x / 2 - total), np.exp(-x / 2 - total), np.exp(log_nu - total)
    scores = np.zeros((len(outcome), size + 1))
    slope = (outcome - (p - q)) / 2
    scores[votes, first] = slope
    scores[votes, second] = -slope
    scores[:, size] = (outcome == 0) - t
    information = np.zeros((size + 1, size + 1))
    bend, lean = ((p + q) - (p - q) ** 2) / 4, -(p - q) * t / 2
    for a, b, sign in ((first, first, 1), (second, second, 1), (first, second, -1), (second, first, -1)):
        np.add.at(information, (a, b), sign * bend)
    for a, sign in ((first, 1), (second, -1)):
        np.add.at(information, (a, np.full_like(a, size)), sign * lean)
        np.add.at(information, (np.full_like(a, size), a), sign * lean)
    information[size, size] = float((t * (1 - t)).sum())
    wide = sandwich(scores, information, clusters)
    return None if wide is None else wide[:size, :size]
