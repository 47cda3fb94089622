"""What many tests at once leave of each p."""

import numpy as np
import numpy.typing as npt

from evaluation.stats.newton import Array


def holm(p: npt.ArrayLike) -> Array:
    """Adjust m p-values so that one false discovery among them is as rare as asked (Holm 1979), in their order."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _back(steps, order)


def bh(p: npt.ArrayLike) -> Array:
    """Adjust m p-values so that the share of false discoveries is as asked (Benjamini and Hochberg 1995)."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _back(np.minimum.accumulate(steps[::-1])[::-1], order)


def _back(steps: Array, order: npt.NDArray[np.int64]) -> Array:
    found = np.empty_like(steps)
    found[order] = np.minimum(steps, 1)
    return found


def _checked(p: npt.ArrayLike) -> Array:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
        raise ValueError("p-values are one list of numbers between 0 and 1")
    return values
