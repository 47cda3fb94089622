"""Whether what is unscored is missing by chance: by the length of the answers, and by whose they are."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 1999
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that went out: which answers it showed, how long they are together, and whether it was scored."""

    row: str
    shown: frozenset[int]
    characters: int
    is_scored: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """What is unscored, beside what is scored.

    `rho` is Spearman's correlation of the length of what was shown with the share that is unscored, over sets of
    answers, and `p` how often lengths that are dealt out anew give as much, in either direction. None where all or
    nothing is unscored, or all is equally long.
    """

    asked: int
    unscored: int
    sets: int
    characters_scored: float | None
    characters_unscored: float | None
    rho: float | None
    p: float | None
    by_contender: dict[str, tuple[int, int]]  # unscored of asked, where contenders were not always shown together

    @property
    def is_flagged(self) -> bool:
        """Whether length and being unscored go together by more than chance gives."""
        return self.p is not None and self.p <= LEVEL

    @property
    def longer(self) -> bool:
        """Whether it is the long ones that are missing."""
        return self.rho is not None and self.rho > 0


def missing_of(asked: Sequence[Asked], names: Sequence[str], seed: int = 0) -> Missing:
    """Compare questions with and without a verdict; those that never went out are not among `asked`.

    All orders of the same answers have one length, so a set of answers is the unit, with the share of its questions
    that is unscored; ties have mean ranks; p = (1 + as much or more) / (1 + draws) over permutations of the lengths.
    """
    sets: dict[Hashable, list[Asked]] = defaultdict(list)
    for each in asked:
        sets[each.row, each.shown].append(each)
    scored = [each.characters for each in asked if each.is_scored]
    lost = [each.characters for each in asked if not each.is_scored]
    by_contender = {
        name: (sum(not each.is_scored for each in those), len(those))
        for index, name in enumerate(names)
        if (those := [each for each in asked if index in each.shown])
    }
    alike = len({each.shown for each in asked}) < 2
    rho, p = None, None
    if scored and lost:
        units = sorted(
            (those[0].characters, sum(not each.is_scored for each in those) / len(those)) for those in sets.values()
        )
        rho, p = _spearman(np.array(units, dtype=np.float64), seed)
    return Missing(
        asked=len(asked),
        unscored=len(lost),
        sets=len(sets),
        characters_scored=float(np.mean(scored)) if scored else None,
        characters_unscored=float(np.mean(lost)) if lost else None,
        rho=rho,
        p=p,
        by_contender={} if alike else by_contender,
    )


def _spearman(units: np.ndarray, seed: int) -> tuple[float | None, float | None]:
    """Spearman's ρ of two columns, and its two-sided permutation p; (None, None) where a column does not vary."""
    from scipy.stats import rankdata  # not before a panel is counted: the web process stays small

    ranks = np.apply_along_axis(rankdata, 0, units)
    ranks = ranks - ranks.mean(axis=0)
    size = float(np.sqrt((ranks**2).sum(axis=0)).prod())
    if size < 1e-12:
        return None, None
    rho = float(ranks[:, 0] @ ranks[:, 1]) / size
    rng = np.random.default_rng(seed)
    dealt = rng.permuted(np.tile(ranks[:, 0], (DRAWS, 1)), axis=1) @ ranks[:, 1] / size
    more = int((np.abs(dealt) >= abs(rho) - 1e-9).sum())
    return rho, (1 + more) / (1 + DRAWS)
