"""What the place of an answer does to a judge: how often the first is best, how often an order turns a preference."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from statistics import mean

from evaluation.opinions.means import interval_of_mean
from evaluation.opinions.rankings import Ranked, signs

FIRST_SLOT_LIMIT = 0.10  # above chance, with an interval that lies above chance
STABLE = 2 / 3


@dataclass(frozen=True, slots=True)
class Places:
    """What the place does: how often the first one is best, and how often an order turns a preference around."""

    first: float | None
    chance: float | None
    low: float | None
    high: float | None
    is_flagged: bool
    flips: int
    pairs: int
    stable: int
    items: int
    tau: float | None
    repeated: int
    repeated_alike: int

    @property
    def flip_rate(self) -> float | None:
        """The share of pairs whose preference hangs on who stands first."""
        return self.flips / self.pairs if self.pairs else None

    @property
    def stability(self) -> float | None:
        """The share of items with the same best answer in two thirds of the orders."""
        return self.stable / self.items if self.items else None


def places_of(ranked: list[Ranked]) -> Places:
    """Count what places and orders did; what was asked again on purpose counts for repeats alone."""
    main = [each for each in ranked if each.order and not each.replicate]
    by_item: dict[str, list[float]] = defaultdict(list)
    chances = []
    for each in main:
        if len(each.groups[0]) == 1:
            by_item[each.row].append(float(each.groups[0][0] == each.order[0]))
            chances.append(1 / len(each.order))
    shares = [mean(each) for each in by_item.values()]
    first = mean(shares) if shares else None
    chance = mean(chances) if chances else None
    low, high = interval_of_mean(shares, sum(map(len, by_item.values())))
    flagged = (
        first is not None
        and chance is not None
        and low is not None
        and first > chance + FIRST_SLOT_LIMIT
        and low > chance
    )
    flips, pairs = _flips(main)
    rows: dict[str, list[Ranked]] = defaultdict(list)
    for each in main:
        rows[each.row].append(each)
    whole = [those for those in rows.values() if len({frozenset(each.order) for each in those}) == 1 and len(those) > 1]
    stable = sum(
        Counter(each.groups[0] for each in those).most_common(1)[0][1] >= STABLE * len(those) for those in whole
    )
    taus = [tau for those in whole for one, other in combinations(those, 2) if (tau := _tau(one, other)) is not None]
    again = [each for each in ranked if each.replicate]
    firsts = {(each.row, each.order): each.groups for each in ranked if not each.replicate}
    known = [each for each in again if (each.row, each.order) in firsts]
    return Places(
        first=first,
        chance=chance,
        low=low,
        high=high,
        is_flagged=bool(flagged),
        flips=flips,
        pairs=pairs,
        stable=stable,
        items=len(whole),
        tau=mean(taus) if taus else None,
        repeated=len(known),
        repeated_alike=sum(firsts[each.row, each.order] == each.groups for each in known),
    )


def _flips(main: list[Ranked]) -> tuple[int, int]:
    """Pairs whose preference turns around with who stands first, and the pairs that were preferred in both orders."""
    sides: dict[tuple[str, int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for each in main:
        for (a, b), sign in signs(each.groups).items():
            before = each.order.index(a) < each.order.index(b)
            sides[each.row, a, b][0 if before else 1].append(sign)
    both = [(sum(one), sum(other)) for one, other in sides.values() if one and other]
    decided = [(one, other) for one, other in both if one and other]
    return sum(one * other < 0 for one, other in decided), len(decided)


def _tau(one: Ranked, other: Ranked) -> float | None:
    """Kendall's tau-a of two rankings of the same contenders."""
    mine, theirs = signs(one.groups), signs(other.groups)
    return sum(sign * theirs[pair] for pair, sign in mine.items()) / len(mine) if mine else None
