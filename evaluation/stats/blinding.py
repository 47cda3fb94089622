"""Whether raters could tell who wrote an answer."""

import math
from statistics import NormalDist

from evaluation.stats.binomial import Interval


def bang_index(correct: int, wrong: int, unsure: int) -> float | None:
    """Return (2c / (c + w) - 1) · (c + w) / n, n with those who don't know (Bang, Ni and Davis 2004).

    0 is blind, 1 unblinded, below 0 guessed the wrong way; None where nobody was asked.
    """
    if min(correct, wrong, unsure) < 0:
        raise ValueError(f"guesses are counts, got {correct}, {wrong} and {unsure}")
    asked = correct + wrong + unsure
    return (correct - wrong) / asked if asked else None


def bang_interval(correct: int, wrong: int, unsure: int, level: float = 0.95) -> Interval | None:
    """Return the interval of `bang_index` for guesses that stand alone, within [-1, 1] (Bang, Ni and Davis 2004).

    Several guesses of one rater don't stand alone: use `bootstrap.cluster` on +1, -1 and 0.
    """
    index = bang_index(correct, wrong, unsure)
    if index is None:
        return None
    asked = correct + wrong + unsure
    se = math.sqrt(max(0.0, (correct + wrong) / asked - index**2) / asked)
    half = NormalDist().inv_cdf(0.5 + level / 2) * se
    return Interval(max(-1.0, index - half), min(1.0, index + half))
