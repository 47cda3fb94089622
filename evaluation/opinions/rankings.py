"""A judge's verdicts as rankings, and what they say of each pair of answers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

Groups = tuple[tuple[int, ...], ...]
Pair = tuple[str, int, int]  # row of the item, two contenders by number


@dataclass(frozen=True, slots=True)
class Ranked:
    """One verdict: who was ranked, by number; `order` is who stood in which place, empty for scores."""

    row: str
    groups: Groups
    order: tuple[int, ...]
    replicate: int


def preference(each: Ranked, a: int, b: int) -> int:
    """1 where a is ranked above b, -1 below, 0 beside."""
    place = {contender: index for index, group in enumerate(each.groups) for contender in group}
    return int(np.sign(place[b] - place[a]))


def pairs_in(each: Ranked) -> Iterable[tuple[int, int]]:
    """Every two contenders of a ranking, the smaller number first."""
    return combinations(sorted(contender for group in each.groups for contender in group), 2)


def said_in(main: list[Ranked]) -> dict[Pair, list[int]]:
    """For each item and pair what each order says: 1, -1, or 0 for a tie."""
    said: dict[Pair, list[int]] = defaultdict(list)
    for each in main:
        for a, b in pairs_in(each):
            said[each.row, a, b].append(preference(each, a, b))
    return dict(said)


def preferences(said: Mapping[Pair, Sequence[int]]) -> tuple[dict[Pair, int], int]:
    """For each item and pair what most orders say: 1, -1, or 0 where most say a tie; and how many are in conflict."""
    found: dict[Pair, int] = {}
    conflicts = 0
    for pair, votes in said.items():
        most = majority(votes)
        if most is None:
            conflicts += 1
        else:
            found[pair] = most
    return found, conflicts


def majority(votes: Sequence[int]) -> int | None:
    """What most say; None where two have the most."""
    counts = Counter(votes).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]
