"""How strong contenders are once style, length and side are allowed for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from evaluation.stats.bradley_terry import components, logistic
from evaluation.stats.newton import Array, NotIdentified
from evaluation.stats.sandwich import covariance, crossing

__all__ = ["CovariateFit", "NotIdentified", "fit", "relative_difference"]


@dataclass(frozen=True, slots=True, eq=False)
class CovariateFit:
    """Strengths of K contenders at equal style, the side's effect, and that of each of F covariates."""

    strength: Array  # (K,) log worths, sum 0
    order_effect: float  # log odds that the left gains
    coefficient: Array  # (F,) log odds for one unit more on the left than on the right
    covariance: Array  # (K + 1 + F, K + 1 + F): strengths, side, covariates; by clusters where they were given
    log_likelihood: float

    @property
    def se(self) -> Array:
        """Standard errors of the strengths, shape (K,)."""
        return self._errors()[: len(self.strength)]

    @property
    def order_se(self) -> float:
        """Standard error of the order effect."""
        return float(self._errors()[len(self.strength)])

    @property
    def coefficient_se(self) -> Array:
        """Standard errors of the covariates' coefficients, shape (F,)."""
        return self._errors()[len(self.strength) + 1 :]

    def chance(self, i: int, j: int) -> float:
        """How likely i beats j, were both alike in style and length and stood nowhere in particular."""
        return float(expit(self.strength[i] - self.strength[j]))

    def _errors(self) -> Array:
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))


def fit(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    left_won: npt.ArrayLike,
    features: npt.ArrayLike | None = None,
    *,
    n_items: int | None = None,
    clusters: Sequence[npt.ArrayLike] | npt.ArrayLike = (),
) -> CovariateFit:
    """Fit log odds that the left wins = s_left - s_right + δ + γᵀz (Springall 1973).

    `left`, `right`: N contenders' numbers; `left_won`: N times whether the left was preferred (decided votes alone);
    `features`, shape (N, F): what the left has more than the right, such as `relative_difference` of lengths.
    The covariance is that of clusters (see `sandwich.covariance`) where raters and items are named, else the inverse
    information. Raises NotIdentified where contenders, side and covariates can't be told apart, or explain every vote,
    and ValueError where some way has fewer than two clusters.
    """
    first, second = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    won = np.asarray(left_won, dtype=np.float64)
    z = np.zeros((len(won), 0)) if features is None else np.asarray(features, dtype=np.float64)
    z = z[:, None] if z.ndim == 1 else z
    if not first.shape == second.shape == won.shape == z.shape[:1]:
        shapes = ", ".join(str(each.shape) for each in (first, second, won, z))
        raise ValueError(f"one left, right, outcome and row of features a vote, got {shapes}")
    if np.any((won != 0) & (won != 1)) or not np.all(np.isfinite(z)) or np.any(first == second):
        raise ValueError("an outcome is 0 or 1, features are finite, and nobody meets themselves")
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 1 if n_items is None else n_items
    met = np.zeros((max(size, 1), max(size, 1)))
    met[first, second] = met[second, first] = 1
    groups = components(met)
    if len(groups) > 1 or not len(won):
        raise NotIdentified(groups, "" if len(won) else "There are no decided votes.")
    design = np.zeros((len(won), size + 1 + z.shape[1]))
    votes = np.arange(len(won))
    design[votes, first] = 1
    design[votes, second] -= 1
    design[:, size] = 1
    design[:, size + 1 :] = z
    kinds = first * size + second  # votes on the same sides and features are counted together: there are few kinds
    for column in z.T:
        kinds = crossing(kinds, np.unique(column, return_inverse=True)[1])
    _, seen, kinds = np.unique(kinds, return_index=True, return_inverse=True)
    k, lost = (np.bincount(kinds, weights=each).astype(np.float64) for each in (won, 1 - won))
    place, spread, value = logistic(design[seen], k, lost, free=size, everyone=size)
    if not (isinstance(clusters, tuple) and not clusters):
        p = expit(design @ place)
        bread = design.T @ ((p * (1 - p))[:, None] * design)
        robust = covariance((won - p)[:, None] * design, bread, clusters)
        if robust is None:
            raise ValueError("clusters need at least two raters, and two items, to vary over")
        spread = robust
    place[:size] -= place[:size].mean()
    return CovariateFit(place[:size], float(place[size]), place[size + 1 :], spread, value)


def relative_difference(left: npt.ArrayLike, right: npt.ArrayLike) -> Array:
    """Return (a - b) / (a + b) of two lengths or counts, in [-1, 1]; 0 where neither has any (as FastChat does)."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)
