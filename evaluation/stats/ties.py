"""What the two models with ties share: a table of pairs, and whether it says enough."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.stats.bradley_terry import components
from evaluation.stats.newton import Array, NotIdentified, separating


class Pairs(NamedTuple):
    """Each pair that met: who, and how it ended; all of shape (P,), and the design (P, K) that takes differences."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    won: Array
    lost: Array
    tied: Array
    design: Array


def pairs_of(wins: npt.ArrayLike, ties: npt.ArrayLike) -> Pairs:
    """Read a K×K table of wins and one of ties, symmetric (each pair's ties twice) or one triangle (once).

    Raises ValueError for what is no such table.
    """
    won, tied = np.array(wins, dtype=np.float64), np.array(ties, dtype=np.float64)
    if won.ndim != 2 or won.shape[0] != won.shape[1] or not len(won) or won.shape != tied.shape:
        raise ValueError(f"wins and ties must be K×K tables, got shapes {won.shape} and {tied.shape}")
    if not (np.all(np.isfinite(won)) and np.all(np.isfinite(tied))) or np.any(won < 0) or np.any(tied < 0):
        raise ValueError("wins and ties are counts: finite and not negative")
    if np.any(np.diag(won)) or np.any(np.diag(tied)):
        raise ValueError("nobody meets themselves: the diagonals of wins and ties are zero")
    if not np.array_equal(tied, tied.T):
        if np.any((tied > 0) & (tied.T > 0)):
            raise ValueError("ties must be symmetric, or stand in one triangle alone")
        tied = tied + tied.T
    first, second = np.nonzero(np.triu(won + won.T + tied))
    design = np.zeros((len(first), len(won)))
    design[range(len(first)), first] = 1
    design[range(len(first)), second] -= 1
    return Pairs(first, second, won[first, second], won[second, first], tied[first, second], design)


def check(pairs: Pairs) -> None:
    """Raise NotIdentified where strengths and the share of ties have no finite best value together."""
    size = pairs.design.shape[1]
    met = np.zeros((size, size))
    met[pairs.first, pairs.second] = met[pairs.second, pairs.first] = 1
    groups = components(met)
    if len(groups) > 1:
        raise NotIdentified(groups, "Some contenders never met: " + "; ".join(", ".join(map(str, g)) for g in groups))
    if not np.any(pairs.won + pairs.lost):
        whole = (tuple(range(size)),)
        raise NotIdentified(whole, "Every vote is a tie, so nothing says how much of a difference makes a decision.")
    beaten = np.zeros((size, size))
    beaten[pairs.first, pairs.second], beaten[pairs.second, pairs.first] = pairs.won, pairs.lost
    if len(components(beaten)) == 1:
        return  # decided votes alone place everyone, and ties their share
    # utilities ±x/2 and ν of a win, a loss and a tie: what was seen against what else could have been
    half, none, one = pairs.design / 2, np.zeros((len(pairs.first), 1)), np.ones((len(pairs.first), 1))
    win, loss, tie = np.hstack([half, none]), np.hstack([-half, none]), np.hstack([0 * half, one])
    rows = [win - loss, win - tie, loss - win, loss - tie, tie - win, tie - loss]
    counts = (pairs.won, pairs.won, pairs.lost, pairs.lost, pairs.tied, pairs.tied)
    direction = separating(np.vstack([row[count > 0] for row, count in zip(rows, counts, strict=True)]))
    if direction is not None:
        rounded = np.round(direction[:size], 6)
        tops = np.unique(rounded)[::-1]
        raise NotIdentified(tuple(tuple(int(i) for i in np.flatnonzero(rounded == top)) for top in tops))
