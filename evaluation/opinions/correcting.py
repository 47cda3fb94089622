"""A judge's shares of pairs, corrected by the votes of people on some of the items."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from evaluation.opinions.means import interval_of_mean
from evaluation.opinions.rankings import Pair
from evaluation.stats import correction
from evaluation.stats.correction import ENOUGH

DRAWS = 1000
LEVEL = 0.95
UNDEFINED = 0.05  # of the draws: from there on a judge is too near to a coin for an interval


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval; None where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """One contender's share of pairs: as the judge says, as people say where they voted, and as both say together."""

    name: str
    judge: Share | None
    people: Share | None
    ppi: Share | None
    rogan_gladen: Share | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a judge's verdicts say of people; `why_not` says in a sentence why nothing is corrected."""

    labelled: int  # items that both the judge and people have compared
    unlabelled: int  # items that the judge alone has compared
    rows: list[Corrected]
    why_not: str


def corrected(
    said: Mapping[Pair, Sequence[int]],
    voted: Mapping[Pair, Sequence[int]],
    decided: Mapping[Pair, int],
    majority: Mapping[Pair, int],
    names: Sequence[str],
) -> Correction:
    """Correct each contender's share of pairs, prediction-powered and by Rogan and Gladen.

    `said` is every order's preference of the judge on a pair (1, 0, -1), `voted` every vote; a pair's share is their
    mean, a tie counting half. The unit of the prediction-powered share is the item, since the pairs of one item hang
    together: mean over unlabelled items + mean gap over labelled ones. Rogan and Gladen's counts pairs that both
    sides decided (`decided`, `majority`); its interval draws whole items anew. Items count as labelled only for pairs
    that the judge has compared too; what people voted on and the judge did not is left out.
    """
    both = {pair[0] for pair in said if pair in voted}
    alone = {pair[0] for pair in said} - both
    why_not = ""
    if not said:
        why_not = "This judge has said nothing of any pair: there is nothing to correct."
    elif not voted:
        why_not = "Nobody has voted on what this judge has compared: there is nothing to correct by."
    elif not alone:
        why_not = "People have voted on every item that this judge has compared: their own shares need no correction."
    elif len(alone) < 2:
        why_not = "Only one item was compared by this judge and not by people: a correction needs two or more."
    elif len(both) < ENOUGH:
        why_not = (
            f"A correction needs {ENOUGH} items that both people and this judge have compared, since it would add more "
            f"error than it takes away; here are {len(both)}."
        )
    rows = []
    for index, name in enumerate(names):
        judge, people, gap = _by_item(said, voted, index)
        rest = [judge[row] for row in sorted(judge) if row not in gap]
        ppi = rogan_gladen = None
        if not why_not:
            labelled = sorted(gap)
            found = correction.ppi(rest, [gap[row][0] for row in labelled], [gap[row][1] for row in labelled])
            ppi = Share(*(min(1.0, max(0.0, x)) for x in (found.value, found.low, found.high))) if found else None
            rogan_gladen = _rogan_gladen(decided, majority, index, alone)
        rows.append(
            Corrected(name, _share(list(judge.values())), _share(list(people.values())), ppi, rogan_gladen),
        )
    return Correction(len(both), len(alone), [row for row in rows if row.judge or row.people], why_not)


def _by_item(
    said: Mapping[Pair, Sequence[int]], voted: Mapping[Pair, Sequence[int]], index: int
) -> tuple[dict[str, float], dict[str, float], dict[str, tuple[float, float]]]:
    """A contender's mean share by item: of the judge, of people, and of both on the pairs that both have."""
    mine: dict[str, list[float]] = defaultdict(list)
    theirs: dict[str, list[float]] = defaultdict(list)
    shared: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in sorted({*said, *voted}):
        if index not in pair[1:]:
            continue
        sign = 1 if pair[1] == index else -1
        one = (1 + sign * fmean(said[pair])) / 2 if pair in said else None
        other = (1 + sign * fmean(voted[pair])) / 2 if pair in voted else None
        if one is not None:
            mine[pair[0]].append(one)
        if other is not None:
            theirs[pair[0]].append(other)
        if one is not None and other is not None:
            shared[pair[0]].append((one, other))
    gap = {row: (fmean(a for a, _ in those), fmean(b for _, b in those)) for row, those in shared.items()}
    return _means(mine), _means(theirs), gap


def _means(by_item: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {row: fmean(those) for row, those in by_item.items()}


def _share(shares: list[float]) -> Share | None:
    return Share(fmean(shares), *interval_of_mean(shares, len(shares))) if shares else None


def _rogan_gladen(
    decided: Mapping[Pair, int], majority: Mapping[Pair, int], index: int, alone: set[str]
) -> Share | None:
    """Rogan and Gladen's share with an interval over items; None where the judge is no better than a coin."""
    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(6, dtype=np.int64))
    for pair, value in sorted(decided.items()):
        if index not in pair[1:] or not value:
            continue
        sign = 1 if pair[1] == index else -1
        yes = sign * value > 0
        if pair[0] in alone:
            counts[pair[0]] += [yes, 1, 0, 0, 0, 0]
        elif people := sign * majority.get(pair, 0):
            counts[pair[0]] += [0, 0, yes, 1, 0, 0] if people > 0 else [0, 0, 0, 0, not yes, 1]
    if not counts:
        return None
    table = np.array([counts[row] for row in sorted(counts)])
    found = correction.rogan_gladen(*(int(n) for n in table.sum(axis=0)))
    if found is None:
        return None
    kinds, times = np.unique(table, axis=0, return_counts=True)  # items of one kind are drawn together
    weights = np.random.default_rng(0).multinomial(len(table), times / len(table), size=DRAWS)
    positive, n, true_positive, n_positive, true_negative, n_negative = (weights @ kinds).T.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity, specificity = true_positive / n_positive, true_negative / n_negative
        skill = sensitivity + specificity - 1
        drawn = np.where(skill > 0, (positive / n + specificity - 1) / skill, np.nan)
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < (1 - UNDEFINED) * DRAWS:
        return Share(found.value, None, None)
    low, high = np.quantile(np.clip(kept, 0, 1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Share(found.value, float(low), float(high))
