"""Where contenders stand before judges: shares of first ranks, mean ranks, strengths with intervals."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import mean
from typing import Any

import numpy as np

from evaluation.opinions.rankings import Groups, Ranked
from evaluation.stats import plackett_luce, sandwich

LEVEL = 0.95
MAX_TIED = 4  # answers of one tie that are written out in every order


@dataclass(frozen=True, slots=True)
class Standing:
    """One contender before one judge or before all."""

    name: str
    verdicts: int
    best: float | None  # share of its verdicts in which it was best; a tie is shared out
    mean_rank: float | None
    strength: float | None
    low: float | None
    high: float | None
    best_least: float | None  # had it lost all that is unscored
    best_most: float | None  # had it won all of that
    is_family: bool = False  # the judge's own kind


def standings_of(
    joined: Sequence[tuple[Ranked, str]], names: list[str], unscored: Counter[int], mine: Iterable[int] = ()
) -> list[Standing]:
    """Where each contender stands; `joined` is verdicts with their judges, `unscored` counts questions in vain."""
    best: dict[int, list[float]] = defaultdict(list)
    ranks: dict[int, list[float]] = defaultdict(list)
    for each, _ in joined:
        place = 0
        for index, group in enumerate(each.groups):
            for contender in group:
                best[contender].append(1 / len(group) if index == 0 else 0.0)
                ranks[contender].append(place + (len(group) + 1) / 2)
            place += len(group)
    strengths = _strengths(joined, len(names))
    told = []
    for index, name in enumerate(names):
        won, n, away = sum(best[index]), len(best[index]), unscored[index]
        if not n and not away:
            continue
        strength = strengths.get(index, (None, None, None))
        told.append(
            Standing(
                name=name,
                verdicts=n,
                best=won / n if n else None,
                mean_rank=mean(ranks[index]) if n else None,
                strength=strength[0],
                low=strength[1],
                high=strength[2],
                best_least=won / (n + away) if n + away else None,
                best_most=(won + away) / (n + away) if n + away else None,
                is_family=index in set(mine),
            )
        )
    return told


def _strengths(joined: Sequence[tuple[Ranked, str]], count: int) -> dict[int, tuple[float, float | None, float | None]]:
    """Plackett–Luce log worths with intervals over items, and over judges too where there are several."""
    from scipy.stats import t  # not before a panel is counted: the web process stays small

    there = sorted({contender for each, _ in joined for group in each.groups for contender in group})
    if len(there) < 2:
        return {}
    small = {contender: index for index, contender in enumerate(there)}
    written = [(_written(each.groups, small), each.row, judge) for each, judge in joined]
    times = math.lcm(*(len(rankings) for rankings, _, _ in written))
    rows = [ranking for rankings, _, _ in written for ranking in rankings * (times // len(rankings))]
    try:
        fit = plackett_luce.fit(rows, len(there))
    except plackett_luce.NotIdentified:
        return {}
    # the covariance lacks one rank, up to rounding: what is left of it there must not be inverted
    information = np.linalg.pinv(fit.covariance, rtol=sandwich.RANK, hermitian=True) / times
    score = {ranking: _score(ranking, fit.worth) for ranking in {one for rankings, _, _ in written for one in rankings}}
    scores = np.array([np.mean([score[one] for one in rankings], axis=0) for rankings, _, _ in written])
    items, judges = np.array([row for _, row, _ in written]), np.array([judge for _, _, judge in written])
    several = len(set(judges.tolist())) > 1
    spread = sandwich.covariance(scores, information, [items, judges] if several else [items])
    fewer = min(len(set(items.tolist())), len(set(judges.tolist())) if several else len(items))
    found: dict[int, tuple[float, float | None, float | None]] = {}
    for contender, index in small.items():
        value = float(fit.strength[index]) + 0.0
        if spread is None or fewer < 2:
            found[contender] = (value, None, None)
            continue
        half = float(t.ppf((1 + LEVEL) / 2, fewer - 1) * math.sqrt(max(0.0, spread[index, index])))
        found[contender] = (value, value - half, value + half)
    return found


def _written(groups: Groups, small: dict[int, int]) -> list[tuple[int, ...]]:
    """A ranking with ties as strict rankings of equal weight: a tie in all its orders, a large one in its rotations."""
    found: list[tuple[int, ...]] = [()]
    for group in groups:
        members = [small[contender] for contender in group]
        if len(members) <= MAX_TIED:
            orders = list(permutations(members))
        else:
            orders = [tuple(members[shift:] + members[:shift]) for shift in range(len(members))]
        found = [start + order for start in found for order in orders]
    return found


def _score(ranking: Sequence[int], worth: Any) -> Any:
    """The derivative of one ranking's log-likelihood by the strengths, shape (K,)."""
    score = np.zeros(len(worth))
    for place in range(len(ranking) - 1):
        rest = list(ranking[place:])
        score[ranking[place]] += 1
        score[rest] -= worth[rest] / worth[rest].sum()
    return score
