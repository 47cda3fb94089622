"""How far people agree who annotated the same: alpha, kappas, AC1 and plain per cent."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
LEVELS = ("nominal", "ordinal", "interval", "ratio")


class Spread(NamedTuple):
    """A coefficient with its bootstrap interval; None each where it doesn't exist."""

    value: float | None
    low: float | None
    high: float | None
    undefined: int  # draws without a value, left out


def krippendorff_alpha(ratings: npt.ArrayLike, level: str = "nominal") -> float | None:
    """Return α = 1 - D_o / D_e (Krippendorff 2019): 1 agreement, 0 chance, below 0 systematic disagreement.

    `ratings`, shape (raters, units), NaN where a rater left a unit out; `level`: nominal, ordinal, interval or ratio
    (ratio: not negative). None where fewer than two people rated any unit, or every pairable value is the same.
    """
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}, got {level}")
    values, counts = _counts(ratings)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    used = counts.sum(axis=0) > 0
    values, counts = values[used], counts[:, used]
    per_unit = counts.sum(axis=1)
    n = counts.sum(axis=0)
    apart = _apart(values, n, level)
    weight = counts / (per_unit - 1)[:, None]
    observed = float(np.sum((weight.T @ counts) * apart))  # a value with itself is no distance
    expected = float(n @ apart @ n)
    if expected <= 0:
        return None
    return 1 - float(n.sum() - 1) * observed / expected


def cohen_kappa(a: npt.ArrayLike, b: npt.ArrayLike, weights: str | None = None) -> float | None:
    """Return Cohen's κ of two raters' labels, N each, in the same order (Cohen 1960; weighted: Cohen 1968).

    `weights`: None, linear or quadratic, by the labels' sorted order. Units with a NaN are left out. None where no
    unit is left, or both gave one label throughout.
    """
    first, second = np.asarray(a), np.asarray(b)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"two lists of labels for the same units, got shapes {first.shape} and {second.shape}")
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(f"weights are None, linear or quadratic, got {weights}")
    there = ~(_missing(first) | _missing(second))
    labels, codes = np.unique(np.concatenate([first[there], second[there]]), return_inverse=True)
    n, size = int(there.sum()), len(labels)
    if not n:
        return None
    table = np.bincount(codes[:n] * size + codes[n:], minlength=size * size).reshape(size, size) / n
    steps = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :])
    apart = (steps > 0).astype(np.float64) if weights is None else steps ** (1.0 if weights == "linear" else 2.0)
    expected = float(table.sum(axis=1) @ apart @ table.sum(axis=0))
    return 1 - float(np.sum(table * apart)) / expected if expected > 0 else None


def fleiss_kappa(counts: npt.ArrayLike) -> float | None:
    """Return Fleiss' κ (Fleiss 1971): `counts`, shape (units, categories), how many raters chose what.

    Units may have different numbers of raters (Gwet 2014): agreement is of units with two or more,
    prevalence of all. None where no unit has two raters, or all chose one category.
    """
    return _kappa(counts, lambda shares: float(np.sum(shares**2)))


def gwet_ac1(ratings: npt.ArrayLike) -> float | None:
    """Return Gwet's AC1, which high prevalence doesn't pull down (Gwet 2008): p_e = Σ π_k (1 - π_k) / (q - 1).

    `ratings`, shape (raters, units), NaN for missing; q counts the values that occur. None where there is one value,
    or no unit with two ratings.
    """
    return _kappa(_counts(ratings)[1], lambda shares: float(np.sum(shares * (1 - shares)) / (len(shares) - 1)))


def brennan_prediger(ratings: npt.ArrayLike) -> float | None:
    """Return the kappa whose chance is 1 / q (Brennan and Prediger 1981); as `gwet_ac1` takes them."""
    return _kappa(_counts(ratings)[1], lambda shares: 1 / len(shares))


def conger_kappa(ratings: npt.ArrayLike) -> float | None:
    """Return Cohen's κ for several raters (Conger 1980; with missing ratings Gwet 2014); as `gwet_ac1`."""
    table = _checked(ratings)
    values, counts = _counts(table)
    if not len(values):
        return None
    given = np.sum(~np.isnan(table), axis=1)
    chosen = np.stack([np.sum(table == value, axis=1) for value in values], axis=1)
    own = chosen[given > 0] / given[given > 0][:, None]  # each rater's own prevalence
    if len(own) < 2:
        return None
    chance = float(np.sum(own.mean(axis=0) ** 2 - own.var(axis=0, ddof=1) / len(own)))
    return _kappa(counts, lambda shares: chance)


def percent(ratings: npt.ArrayLike) -> float | None:
    """Return how often two raters of a unit chose the same, a share: the mean over units with two ratings or more.

    `ratings`, shape (raters, units), NaN for missing. None where no unit has two.
    """
    return _observed(_counts(ratings)[1])


def prevalence(ratings: npt.ArrayLike) -> dict[float, float]:
    """Return each value's share of a unit's ratings, averaged over units; κ and α mean little where one is near 1."""
    values, counts = _counts(ratings)
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        return {}
    return dict(zip(values.tolist(), _shares(counts).tolist(), strict=True))


def interval(
    statistic: Callable[[Any], float | None],
    ratings: npt.ArrayLike,
    clusters: Sequence[Any] | npt.ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Spread:
    """Return a coefficient with the percentile interval of n draws of units, or of whole clusters of them.

    `ratings`, shape (raters, units); `statistic` takes such a table; `clusters`, a label for each unit: the session or
    the conversation that it belongs to. No interval with fewer than two clusters, or where half of the draws or more
    have no value. For counts of `fleiss_kappa` pass `lambda table: fleiss_kappa(table.T)` and the counts transposed.
    """
    table = _checked(ratings)
    units = table.shape[1]
    labels = np.arange(units) if clusters is None else np.asarray(clusters)
    if labels.shape != (units,):
        raise ValueError(f"clusters name one label for each of {units} units, got shape {labels.shape}")
    value = statistic(table)
    count = len(np.unique(labels))
    if value is None or count < 2:
        return Spread(value, None, None, 0)
    way = np.unique(labels, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        weights = np.bincount(rng.integers(count, size=count), minlength=count)
        drawn = statistic(table[:, np.repeat(np.arange(units), weights[way])])
        if drawn is not None:
            found.append(drawn)
    if 2 * len(found) <= n:
        return Spread(value, None, None, n - len(found))
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Spread(value, float(low), float(high), n - len(found))


def _checked(ratings: npt.ArrayLike) -> Array:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings are a table of raters by units, got shape {table.shape}")
    if np.any(np.isinf(table)):
        raise ValueError("a rating is a finite number, or NaN where it is missing")
    return table


def _counts(ratings: npt.ArrayLike) -> tuple[Array, Array]:
    """The values that occur, sorted, shape (V,), and how often each was given to each unit, (units, V)."""
    table = _checked(ratings)
    there = ~np.isnan(table)
    values, codes = np.unique(table[there], return_inverse=True)
    units = np.broadcast_to(np.arange(table.shape[1]), table.shape)[there]
    size = len(values)
    counts = np.bincount(units * size + codes, minlength=table.shape[1] * size) if size else np.zeros(0)
    return values, counts.reshape(table.shape[1], size).astype(np.float64)


def _apart(values: Array, n: Array, level: str) -> Array:
    """Squared distances between values at a level, (V, V); n is how often each occurs."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    if level == "ordinal":
        place = np.cumsum(n) - n / 2
        return np.square(place[:, None] - place[None, :])
    gap = values[:, None] - values[None, :]
    if level == "interval":
        return np.square(gap)
    if np.any(values < 0):
        raise ValueError("ratio alpha is of values that are not negative")
    total = values[:, None] + values[None, :]
    return np.square(np.divide(gap, total, out=np.zeros_like(gap), where=total > 0))


def _kappa(counts: npt.ArrayLike, chance: Callable[[Array], float]) -> float | None:
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ValueError(f"counts are a table of units by categories, not negative, got shape {table.shape}")
    agreed = _observed(table)
    table = table[:, table.sum(axis=0) > 0]
    if agreed is None or table.shape[1] < 2:
        return None
    expected = chance(_shares(table[table.sum(axis=1) > 0]))
    return (agreed - expected) / (1 - expected) if expected < 1 else None


def _shares(counts: Array) -> Array:
    return np.asarray((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0))


def _observed(counts: Array) -> float | None:
    paired = counts[counts.sum(axis=1) >= 2]
    if not len(paired):
        return None
    raters = paired.sum(axis=1)
    return float(np.mean(np.sum(paired * (paired - 1), axis=1) / (raters * (raters - 1))))


def _missing(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if labels.dtype.kind == "f":
        return np.asarray(np.isnan(labels))
    if labels.dtype.kind == "O":
        return np.array([each is None or each != each for each in labels], dtype=bool)  # NaN is what isn't itself
    return np.zeros(labels.shape, dtype=bool)
