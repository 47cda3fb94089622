"""How strong each contender is, from rankings of some or all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.stats.bradley_terry import components
from evaluation.stats.newton import Array, NotIdentified, maximise

__all__ = ["NotIdentified", "RankingFit", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class RankingFit:
    """Strengths of K contenders with their uncertainty."""

    strength: Array  # (K,) log worths, sum 0
    covariance: Array  # (K, K) of the strengths, rank K - 1
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


def fit(rankings: Sequence[Sequence[int]], n_items: int) -> RankingFit:
    """Fit rankings, best first, each of any length: logL = Σ_k [θ_(k) - log Σ_{l≥k} exp θ_(l)] (Plackett 1975).

    Items are the numbers 0 to n_items - 1; a ranking of one says nothing. Equal rankings are counted, not repeated.
    Raises ValueError for a ranking with an item twice or from elsewhere, NotIdentified when the graph of who was
    ranked above whom isn't strongly connected (Hunter 2004, assumption 1).
    """
    if n_items < 1:
        raise ValueError(f"n_items must be at least 1, got {n_items}")
    stages: Counter[tuple[int, tuple[int, ...]]] = Counter()
    for ranking, times in Counter(tuple(int(item) for item in each) for each in rankings).items():
        if len(set(ranking)) < len(ranking) or any(not 0 <= item < n_items for item in ranking):
            raise ValueError(f"a ranking holds each of 0 to {n_items - 1} at most once, got {list(ranking)}")
        for place in range(len(ranking) - 1):
            stages[ranking[place], tuple(sorted(ranking[place:]))] += times
    above = np.zeros((n_items, n_items))
    inside = np.zeros((len(stages), n_items), dtype=bool)
    for row, (best, among) in enumerate(stages):
        above[best, list(among)] = 1
        inside[row, list(among)] = True
    np.fill_diagonal(above, 0)
    groups = components(above)
    if len(groups) > 1:
        raise NotIdentified(groups)
    counts = np.array(list(stages.values()), dtype=np.float64)
    chosen = np.array([best for best, _ in stages], dtype=np.int64)
    won = np.bincount(chosen, weights=counts, minlength=n_items)
    level = np.full((n_items, n_items), 1 / n_items)

    def derivatives(strength: Array) -> tuple[float, Array, Array]:
        logits = np.where(inside, strength, -np.inf)
        totals = np.logaddexp.reduce(logits, axis=1)
        share = np.exp(logits - totals[:, None])
        expected = counts @ share
        value = float(won @ strength - counts @ totals)
        return value, won - expected, np.diag(expected) - share.T @ (counts[:, None] * share) + level

    strength, _ = maximise(derivatives, np.zeros(n_items))
    value, _, information = derivatives(strength)
    return RankingFit(strength - strength.mean(), np.linalg.inv(information) - level, value)
