"""What a judge's verdicts say about people, once the judge's errors are known."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

ENOUGH = 100  # items that both a judge and a person have seen; below that a correction adds more than it takes away


class Corrected(NamedTuple):
    """A share with its standard error and interval, and whether enough was labelled twice to rely on it."""

    value: float
    se: float
    low: float
    high: float
    enough: bool


def rogan_gladen(
    positive: int, n: int, true_positive: int, n_positive: int, true_negative: int, n_negative: int, level: float = 0.95
) -> Corrected | None:
    """Return θ = (p̂ + q0 - 1) / (q0 + q1 - 1) for a judge that says yes to `positive` of n (Rogan and Gladen 1978).

    q1 = true_positive / n_positive: how often it says yes where people do, q0 = true_negative / n_negative: no where
    they do; both from items apart from the n. The variance is the delta method's; value and ends are kept in [0, 1].
    None where nothing was counted, or the judge is no better than a coin: q0 + q1 ≤ 1.
    """
    for k, of in ((positive, n), (true_positive, n_positive), (true_negative, n_negative)):
        if not 0 <= k <= of:
            raise ValueError(f"each count lies between 0 and what it is counted from, got {k} of {of}")
    if not (n and n_positive and n_negative):
        return None
    p, q1, q0 = positive / n, true_positive / n_positive, true_negative / n_negative
    skill = q0 + q1 - 1
    if skill <= 1e-12:
        return None
    value = (p + q0 - 1) / skill
    variance = p * (1 - p) / n + (1 - value) ** 2 * q0 * (1 - q0) / n_negative + value**2 * q1 * (1 - q1) / n_positive
    kept = min(1.0, max(0.0, value))
    low, high = _ends(value, math.sqrt(variance) / skill, level)
    return Corrected(
        kept,
        math.sqrt(variance) / skill,
        min(1.0, max(0.0, low)),
        min(1.0, max(0.0, high)),
        n_positive + n_negative >= ENOUGH,
    )


def ppi(
    judge_all: npt.ArrayLike, judge_labelled: npt.ArrayLike, human_labelled: npt.ArrayLike, level: float = 0.95
) -> Corrected | None:
    """Return mean(judge, all N) + mean(human - judge, labelled n), prediction-powered (Angelopoulos et al. 2023).

    `judge_all`, shape (N,): verdicts on items that no person labelled; `judge_labelled`, `human_labelled`, (n,): both
    on the others. The variance is var(judge) / N + var(human - judge) / n. None with N or n below 2.
    """
    everywhere, judge, human = (np.asarray(x, dtype=np.float64) for x in (judge_all, judge_labelled, human_labelled))
    if everywhere.ndim != 1 or judge.ndim != 1 or judge.shape != human.shape:
        raise ValueError(f"lists of verdicts, two of one length, got {everywhere.shape}, {judge.shape}, {human.shape}")
    if not all(np.all(np.isfinite(x)) for x in (everywhere, judge, human)):
        raise ValueError("a verdict that is missing is left out, not given as a number that is none")
    if len(everywhere) < 2 or len(judge) < 2:
        return None
    gap = human - judge
    value = float(everywhere.mean() + gap.mean())
    se = math.sqrt(float(everywhere.var(ddof=1) / len(everywhere) + gap.var(ddof=1) / len(gap)))
    return Corrected(value, se, *_ends(value, se, level), len(judge) >= ENOUGH)


def _ends(value: float, se: float, level: float) -> tuple[float, float]:
    half = NormalDist().inv_cdf(0.5 + level / 2) * se
    return value - half, value + half
