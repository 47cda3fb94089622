"""Whether a metric prefers what people prefer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.metrics.resampling import Array, interval


@dataclass(frozen=True, slots=True)
class Concord:
    """Kendall's τ of a metric with decided votes, with its interval over items; None where it doesn't exist."""

    tau: float | None
    low: float | None
    high: float | None
    same: int  # votes for the answer that the metric scores higher
    other: int
    tied: int  # votes between answers that the metric can't tell apart


def kendall(differences: npt.ArrayLike, preferences: npt.ArrayLike, items: npt.ArrayLike, seed: int = 0) -> Concord:
    """Return τ = (same - other) / (same + other + tied) over decided votes (Kendall 1938; as WMT uses it per segment).

    `differences`, N: the metric's score of one answer less that of the other; `preferences`, N: +1 where a person
    preferred the one, -1 the other; `items`, N labels: whole items are drawn for the interval.
    """
    gap = np.asarray(differences, dtype=np.float64)
    liked = np.asarray(preferences, dtype=np.float64)
    if gap.shape != liked.shape or np.any(np.abs(liked) != 1) or not np.all(np.isfinite(gap)):
        raise ValueError("one finite difference and one preference, +1 or -1, a vote")
    agreed = np.sign(gap) * liked
    if not len(agreed):
        return Concord(None, None, None, 0, 0, 0)
    same, other = int(np.sum(agreed > 0)), int(np.sum(agreed < 0))
    parts = np.stack([agreed, np.ones(len(agreed))], axis=1)
    low, high = interval(parts, items, _ratio, seed=seed) or (None, None)
    return Concord((same - other) / len(agreed), low, high, same, other, len(agreed) - same - other)


def _ratio(sums: Array) -> float:
    return float(sums[0] / sums[1])
