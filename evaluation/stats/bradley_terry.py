"""How strong each contender is, from who beat whom."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
MAX_STEPS = 100


class NotIdentified(ValueError):
    """No finite strengths exist: some contenders never beat, or never met, the others.

    `components` holds the indices of each group within which everyone can be reached by wins, groups that only
    lose to others last.
    """

    def __init__(self, components: tuple[tuple[int, ...], ...]) -> None:
        self.components = components
        groups = "; ".join(", ".join(str(index) for index in group) for group in components)
        super().__init__(f"The win graph falls apart into groups that don't beat each other both ways: {groups}.")


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Strengths of K contenders with their uncertainty."""

    strength: Array  # (K,) log worths, sum 0
    covariance: Array  # (K, K) of the strengths, rank K - 1
    log_likelihood: float

    @property
    def worth(self) -> Array:
        """Worths with geometric mean 1, shape (K,)."""
        return np.exp(self.strength)

    @property
    def se(self) -> Array:
        """Standard errors of the strengths, shape (K,)."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    def difference(self, i: int, j: int) -> tuple[float, float]:
        """How much stronger i is than j, in log odds, and the standard error of that."""
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        return float(self.strength[i] - self.strength[j]), float(np.sqrt(max(variance, 0.0)))


def fit(wins: npt.ArrayLike) -> Fit:
    """Fit P(i beats j) = 1 / (1 + exp(s_j - s_i)) by maximum likelihood (Bradley and Terry 1952).

    `wins[i, j]`, shape (K, K), is how often i beat j; the diagonal is zero. Newton's steps on the concave
    log-likelihood, halved where they overshoot. The covariance is the pseudo-inverse of the observed information.
    Raises NotIdentified when the win graph isn't strongly connected: then the likelihood has no maximum (Ford 1957).
    """
    table = _table(wins)
    size = len(table)
    groups = components(table)
    if len(groups) > 1:
        raise NotIdentified(groups)
    games = table + table.T
    ones = np.full((size, size), 1 / size)
    strength = np.zeros(size)
    best = _log_likelihood(table, strength)
    for _ in range(MAX_STEPS):
        gradient, information = _derivatives(table, games, strength)
        step = np.linalg.solve(information + ones, gradient)
        scale = 1.0
        while scale > 1e-10 and (found := _log_likelihood(table, strength + scale * step)) < best - 1e-9 * abs(best):
            scale /= 2
        strength = strength + scale * step
        strength -= strength.mean()
        best = found
        if np.max(np.abs(step)) < 1e-11:
            break
    _, information = _derivatives(table, games, strength)
    covariance = np.linalg.inv(information + ones) - ones
    return Fit(strength=strength, covariance=covariance, log_likelihood=_log_likelihood(table, strength))


def components(wins: npt.ArrayLike) -> tuple[tuple[int, ...], ...]:
    """Group contenders that beat each other both ways, directly or through others; winners' groups first."""
    table = _table(wins)
    reach = (table > 0) | np.eye(len(table), dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(max(2, len(table))))))):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    both = reach & reach.T
    groups = {tuple(int(i) for i in np.flatnonzero(row)) for row in both}
    # whoever reaches more of the others stands higher; the index settles the rest
    return tuple(sorted(groups, key=lambda group: (-int(reach[group[0]].sum()), group)))


def _table(wins: npt.ArrayLike) -> Array:
    table = np.array(wins, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not len(table):
        raise ValueError(f"wins must be a K×K table, got shape {table.shape}")
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ValueError("wins are counts: finite and not negative")
    if np.any(np.diag(table)):
        raise ValueError("nobody beats themselves: the diagonal of wins is zero")
    return table


def _derivatives(table: Array, games: Array, strength: Array) -> tuple[Array, Array]:
    expected = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    weight = games * expected * (1 - expected)
    return (table - games * expected).sum(axis=1), np.diag(weight.sum(axis=1)) - weight


def _log_likelihood(table: Array, strength: Array) -> float:
    return float(-(table * np.logaddexp(0, strength[None, :] - strength[:, None])).sum())
