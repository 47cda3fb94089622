"""How far a metric would move with other items."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
DRAWS = 1000
AT_ONCE = 2_000_000  # weights that are held at once


def interval(
    parts: npt.ArrayLike,
    items: npt.ArrayLike,
    value: Callable[[Array], float],
    n: int = DRAWS,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return the percentile interval of a metric over n draws of G items out of G (Koehn 2004).

    `parts`, shape (N, P), are what each answer adds to the metric's sums; `items`, N labels: all answers to one item
    are drawn together; `value` turns sums (P,) into the metric. None with fewer than two items.
    """
    rows = np.asarray(parts, dtype=np.float64)
    names, group = np.unique(np.asarray(items), return_inverse=True)
    if len(group) != len(rows):
        raise ValueError(f"items name one label for each of {len(rows)} answers, got {len(group)}")
    if len(names) < 2 or n < 2:
        return None
    sums = np.stack([np.bincount(group, weights=column, minlength=len(names)) for column in rows.T], axis=1)
    rng = np.random.default_rng(seed)
    even = np.full(len(names), 1 / len(names))
    found: list[float] = []
    while len(found) < n:
        some = min(n - len(found), max(1, AT_ONCE // len(names)))
        weights = rng.multinomial(len(names), even, size=some).astype(np.float64)
        found += [value(drawn) for drawn in weights @ sums]
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high)


def mean(sums: Array) -> float:
    """Turn the sum of scores and their number, shape (2,), into their mean."""
    return float(sums[0] / sums[1]) if sums[1] else 0.0


def scored(values: npt.ArrayLike) -> Array:
    """Return what each score adds to `mean`, shape (N, 2)."""
    column = np.asarray(values, dtype=np.float64)
    return np.stack([column, np.ones(len(column))], axis=1)


def others(n: int, seed: int = 0) -> npt.NDArray[np.int64] | None:
    """Give each of n items another one, in one random round, shape (n,); None for fewer than two items."""
    if n < 2:
        return None
    order = np.random.default_rng(seed).permutation(n)
    partner = np.empty(n, dtype=np.int64)
    partner[order] = np.roll(order, -1)
    return partner
