"""A judge's verdicts as rankings, and what they say of each pair of answers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

Groups = tuple[tuple[int, ...], ...]
Pair = tuple[str, int, int]  # row of the item, two contenders by number


@dataclass(frozen=True, slots=True)
class Ranked:
    """One verdict: who was ranked, by number; `order` is who stood in which place, empty for scores."""

    row: str
    groups: Groups
    order: tuple[int, ...]
    replicate: int


@lru_cache(maxsize=4096)
def signs(groups: Groups) -> Mapping[tuple[int, int], int]:
    """Of every two contenders, the smaller number first: 1 where it is ranked above the other, -1 below, 0 beside."""
    place = {contender: index for index, group in enumerate(groups) for contender in group}
    return {(a, b): (place[b] > place[a]) - (place[b] < place[a]) for a, b in combinations(sorted(place), 2)}


def said_in(main: list[Ranked]) -> dict[Pair, list[int]]:
    """For each item and pair what each order says: 1, -1, or 0 for a tie."""
    said: dict[Pair, list[int]] = defaultdict(list)
    for each in main:
        for (a, b), sign in signs(each.groups).items():
            said[each.row, a, b].append(sign)
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
