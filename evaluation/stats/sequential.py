"""Evidence that may be looked at after every vote."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from evaluation.stats.newton import Array

MAX_BET = 1.5  # of the 2 above which one rater could take all that was won


def e_value(wins: int, losses: int, a: float = 1.0, b: float = 1.0) -> float:
    """Return how far w decided wins and l losses speak against a fair coin: B(a+w, b+l) / B(a, b) · 2^(w+l).

    Under a fair coin it exceeds 1/α ever with probability at most α, however often one looks (Ville 1939; the beta
    mixture of Robbins 1970; Grünwald, de Heide and Koolen 2024). Infinite where it exceeds what a float holds. It
    takes votes as independent: for raters whose votes hang together, see `rater_path`.
    """
    if wins < 0 or losses < 0 or a <= 0 or b <= 0:
        raise ValueError(f"wins and losses are counts, a and b above 0, got {wins}, {losses}, {a} and {b}")
    log = float(betaln(a + wins, b + losses) - betaln(a, b) + (wins + losses) * math.log(2))
    return math.exp(log) if log < 709 else math.inf


def path(won: npt.ArrayLike, a: float = 1.0, b: float = 1.0) -> Array:
    """Return the logarithm of the e-value after each vote; `won`, shape (…, N), of 0 and 1 in the order of voting."""
    outcomes = np.asarray(won, dtype=np.float64)
    votes = np.arange(1, outcomes.shape[-1] + 1)
    wins = np.cumsum(outcomes, axis=-1)
    return np.asarray(betaln(a + wins, b + votes - wins) - betaln(a, b) + votes * math.log(2))


def rater_path(scores: Sequence[float] | npt.ArrayLike) -> Array:
    """Return the logarithm of the e-value after each rater whose work is complete: Π (1 + λ_r (x_r - ½)).

    `scores`, shape (…, R), in [0, 1], in the order in which raters finished: the share of a rater's votes that went
    to one contender, ½ where it has none. λ_r is set by the raters before r alone, |λ| ≤ 1.5 (Waudby-Smith and Ramdas
    2024), so raters' votes may hang together in any way.
    """
    x = np.asarray(scores, dtype=np.float64)
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError("a rater's score is a share between 0 and 1")
    moves = x - 0.5
    seen = np.arange(1, x.shape[-1] + 1)
    sums, squares = np.cumsum(moves, axis=-1), np.cumsum(moves**2, axis=-1)
    means = sums / (seen + 1)
    bets = np.clip(means / ((squares + 0.25) / (seen + 1)), -MAX_BET, MAX_BET)
    before = np.concatenate([np.zeros_like(bets[..., :1]), bets[..., :-1]], axis=-1)
    return np.asarray(np.cumsum(np.log1p(before * moves), axis=-1))
