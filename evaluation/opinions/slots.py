"""Whether the place in which an answer is shown decides that it is best, tested over all places."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.opinions.rankings import Ranked

DRAWS = 1999
LEVEL = 0.01  # of the flag; the first place has a rule of its own
ABOVE = 0.10  # over chance, from where on a place is flagged


@dataclass(frozen=True, slots=True)
class Slots:
    """How often the best answer stood in each place, and how likely that is if places do nothing.

    `chi2` is Pearson's against equal shares, and `p` how often winners that are dealt out anew among the orders of
    their own item give as much: verdicts on one item are not independent, so the tables of χ² do not hold for them.
    """

    preferred: tuple[int, ...]  # verdicts with one best answer, by its place
    chi2: float | None
    p: float | None

    @property
    def verdicts(self) -> int:
        """Verdicts with one best answer."""
        return sum(self.preferred)

    @property
    def shares(self) -> list[float]:
        """The share of each place."""
        return [n / self.verdicts for n in self.preferred] if self.verdicts else []

    @property
    def favourite(self) -> int:
        """The place that won most, counted from one."""
        return self.preferred.index(max(self.preferred)) + 1

    @property
    def is_flagged(self) -> bool:
        """Whether a place is preferred by more than chance gives."""
        if self.p is None or self.p > LEVEL:
            return False
        return max(self.shares) > 1 / len(self.preferred) + ABOVE


def slots_of(ranked: Sequence[Ranked], seed: int = 0) -> Slots:
    """Count the places of the best answers, and test them by permuting winners within items.

    Each verdict with one best answer counts once; what was asked again on purpose does not. The verdicts of one item
    and the same answers are a block: if a place does nothing, each of its orders might as well have had each of its
    winners, so the winners are shuffled within blocks (a permutation test in blocks) `DRAWS` times, and
    p = (1 + as much or more) / (1 + draws). None where nothing was shown in more than one order.
    """
    blocks: dict[tuple[str, frozenset[int]], list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    for each in ranked:
        if each.order and not each.replicate and len(each.groups[0]) == 1:
            blocks[each.row, frozenset(each.order)].append((each.order, each.groups[0][0]))
    width = max((len(order) for those in blocks.values() for order, _ in those), default=0)
    counted = Counter(order.index(winner) for those in blocks.values() for order, winner in those)
    preferred = tuple(counted[place] for place in range(width))
    whole = {key: those for key, those in blocks.items() if len(key[1]) == width}  # a run shows as many each time
    if not any(len(those) > 1 for those in whole.values()):
        return Slots(preferred, None, None)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((DRAWS, width), dtype=np.int64)
    for _, those in sorted(whole.items(), key=lambda block: (block[0][0], sorted(block[0][1]))):
        those = sorted(those)
        members = sorted(those[0][0])
        place = np.array([[order.index(member) for member in members] for order, _ in those])
        winners = np.array([members.index(winner) for _, winner in those])
        dealt = rng.permuted(np.tile(winners, (DRAWS, 1)), axis=1)
        stood = place[np.arange(len(those)), dealt]  # (draws, orders): where the winner that was dealt stands
        for slot in range(width):
            drawn[:, slot] += (stood == slot).sum(axis=1)
    observed = np.array([counted[place] for place in range(width)])
    found = _chi2(observed)
    more = int((_chi2(drawn) >= found - 1e-9).sum())
    return Slots(preferred, float(found), (1 + more) / (1 + DRAWS))


def _chi2(counts: np.ndarray) -> np.ndarray:
    """Pearson's statistic against equal shares, over the last axis."""
    expected = counts.sum(axis=-1, keepdims=True) / counts.shape[-1]
    return np.asarray(((counts - expected) ** 2 / expected).sum(axis=-1))
