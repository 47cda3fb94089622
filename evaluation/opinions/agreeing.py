"""How far opinions on pairs of answers agree: judges with people, with each other, and with what knows nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation import agreement
from evaluation.opinions.rankings import Pair
from evaluation.opinions.standings import Standing

DRAWS = 300


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one opinion agrees with another on pairs of answers: with ties as an outcome, and without."""

    name: str
    units: int
    percent: float | None
    low: float | None
    high: float | None
    kappa: float | None
    ac1: float | None
    decided: int
    percent_decided: float | None
    tau: float | None = None  # of contenders, by their strengths: few numbers


def agree(name: str, mine: dict[Pair, int], theirs: dict[Pair, int], tau: float | None = None) -> Agreement:
    """Two opinions on the pairs on which both have one."""
    both = sorted(set(mine) & set(theirs))
    return compared(name, [mine[p] for p in both], [theirs[p] for p in both], [p[0] for p in both], tau)


def compared(name: str, mine: list[int], theirs: list[int], rows: list[str], tau: float | None = None) -> Agreement:
    """Two lists of preferences, with an interval that draws whole items."""
    table = np.array([mine, theirs], dtype=np.float64).reshape(2, -1)
    decided = (table != 0).all(axis=0) if table.size else np.zeros(0, dtype=bool)
    if not table.size:
        return Agreement(name, 0, None, None, None, None, None, 0, None, tau)
    spread = agreement.interval(agreement.percent, table, rows, n=DRAWS, seed=0)
    return Agreement(
        name=name,
        units=table.shape[1],
        percent=spread.value,
        low=spread.low,
        high=spread.high,
        kappa=agreement.cohen_kappa(table[0], table[1]),
        ac1=agreement.gwet_ac1(table),
        decided=int(decided.sum()),
        percent_decided=agreement.percent(table[:, decided]) if decided.any() else None,
        tau=tau,
    )


def matrix(opinions: Sequence[dict[Pair, int]]) -> Any:
    """Opinions on pairs, shape (opinions, pairs), NaN where there is none."""
    pairs = sorted({pair for each in opinions for pair in each})
    return np.array([[each.get(pair, np.nan) for pair in pairs] for each in opinions], dtype=np.float64)


def contender_tau(standings: Sequence[Standing], names: list[str], worth: list[int]) -> float | None:
    """Kendall's tau-b of contenders, by a judge's shares of first ranks and by people's wins."""
    from scipy.stats import kendalltau  # not before a panel is counted: the web process stays small

    shares = {each.name: each.best for each in standings if each.best is not None}
    those = [index for index, name in enumerate(names) if name in shares]
    if len(those) < 2:
        return None
    value = kendalltau([worth[index] for index in those], [shares[names[index]] for index in those]).statistic
    return None if math.isnan(value) else float(value)
