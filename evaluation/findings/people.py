"""What raters did: their sides, how far they agree, what they guessed, and how criteria hang with the whole."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from evaluation.findings.votes import BOTH_BAD, BOTH_GOOD, LEFT, ONE, OTHER, OUTCOMES, UNASKED, UNSURE, Codes, Votes
from evaluation.stats import blinding, covariates, shares
from evaluation.stats.newton import Array, NotIdentified

DRAWS = 1000
MAX_WEIGHTS = 2_000_000
STEPS = 5  # of a preference: clearly one, slightly, both good, slightly, clearly the other


def raters_of(votes: Votes) -> list[dict[str, Any]]:
    """One row a rater with votes: outcomes, sides, pace."""
    rows = []
    order = np.argsort(votes.rater, kind="stable")
    bounds = np.searchsorted(votes.rater[order], np.arange(len(votes.raters) + 1))
    left = (votes.outcome <= OTHER) & (votes.left == votes.winner)
    for number, label in enumerate(votes.raters):
        own = order[bounds[number] : bounds[number + 1]]
        counts = np.bincount(votes.outcome[own], minlength=len(OUTCOMES))
        chosen = int(left[own].sum())
        rows.append(
            {
                "label": label,
                "votes": len(own),
                "left": chosen,
                "right": int(counts[ONE] + counts[OTHER]) - chosen,
                **{name: int(counts[place]) for place, name in enumerate(OUTCOMES) if place >= BOTH_GOOD},
                "median_seconds": round(float(np.median(votes.ms[own])) / 1000, 1) if len(own) else None,
            }
        )
    return rows


def topics_of(votes: Votes) -> list[dict[str, Any]]:
    """Each topic: every contender's share of the decided votes on it."""
    rows = []
    for topic in sorted({str(each) for each in votes.topic}):
        here = votes.only(votes.topic == topic).decided
        for number, name in enumerate(votes.names):
            own = here.only((here.one == number) | (here.other == number))
            found = shares.clustered(own.winner == number, own.rater, own.item)
            part = {key: getattr(found, key) for key in ("k", "n", "share", "low", "high")}
            rows.append({"topic": topic, "name": name, "items": len(np.unique(own.item)), **part})
    return rows


def side_of(votes: Votes) -> dict[str, Any]:
    """What standing on the left is worth: its share of decided votes, and its log odds beside the strengths."""
    decided = votes.decided
    found = shares.clustered(decided.winner == decided.left, decided.rater, decided.item)
    told: dict[str, Any] = {
        "left": found.k, "right": found.n - found.k, "share": found.share, "low": found.low, "high": found.high,
        "p": found.p, "effect": None, "effect_low": None, "effect_high": None, "why_not": "",
    }  # fmt: skip
    fitted, why = _controlled(votes, None)
    if fitted is None:
        return told | {"why_not": why}
    half = 1.96 * fitted.order_se
    effect = fitted.order_effect
    return told | {"effect": effect, "effect_low": effect - half, "effect_high": effect + half}


def length_of(votes: Votes, lengths: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Each pair's chance at equal length beside what was voted, and what being longer is worth."""
    decided = votes.decided
    told: dict[str, Any] = {
        "pairs": [],
        "coefficient": None,
        "low": None,
        "high": None,
        "longer_wins": None,
        "why_not": "",
    }
    if not len(decided):
        return told | {"why_not": "No vote preferred one answer over the other."}
    names, items = votes.names, votes.items
    table = np.array([[lengths.get((name, item), 0) for item in items] for name in names], dtype=np.float64)
    left, right = (table[side, decided.item] for side in (decided.left, decided.right))
    gap = covariates.relative_difference(left, right)
    apart = gap != 0
    longer = shares.clustered(
        ((decided.winner == decided.left) == (gap > 0))[apart], decided.rater[apart], decided.item[apart]
    )
    told["longer_wins"] = {key: getattr(longer, key) for key in ("k", "n", "share", "low", "high")}
    fitted, why = _controlled(votes, gap)
    if fitted is None:
        return told | {"why_not": why}
    for i, j in combinations(range(len(votes.names)), 2):
        own = decided.of_pair(i, j)
        raw = float(np.mean(own.outcome == ONE)) if len(own) else None
        chance = fitted.chance(i, j)
        moved = raw is not None and abs(raw - chance) > 0.1
        told["pairs"].append(
            {"one": votes.names[i], "other": votes.names[j], "raw": raw, "controlled": chance, "moved": moved}
        )
    value, half = float(fitted.coefficient[0]), 1.96 * float(fitted.coefficient_se[0])
    return told | {"coefficient": value, "low": value - half, "high": value + half}


def _controlled(votes: Votes, gap: Array | None) -> tuple[covariates.CovariateFit | None, str]:
    decided = votes.decided
    try:
        return (
            covariates.fit(
                decided.left,
                decided.right,
                decided.winner == decided.left,
                gap,
                n_items=len(votes.names),
                clusters=(decided.rater, decided.item),
            ),
            "",
        )
    except NotIdentified:
        return None, "The votes can't tell sides, lengths and contenders apart."
    except ValueError:
        return None, "This needs at least two raters and two items with decided votes."


def criteria_of(votes: Votes) -> list[dict[str, Any]]:
    """Each criterion and pair, and how often the criterion was answered as the whole was (halo)."""
    rows = []
    for name, column in votes.criteria.items():
        for i, j in combinations(range(len(votes.names)), 2):
            pair = (votes.one == i) & (votes.other == j)
            here = pair & (column != UNASKED)
            sided = here & (column <= OTHER)
            found = shares.clustered(column[sided] == ONE, votes.rater[sided], votes.item[sided])
            both = sided & (votes.outcome <= OTHER)
            same = shares.clustered(column[both] == votes.outcome[both], votes.rater[both], votes.item[both])
            rows.append(
                {
                    "criterion": name, "one": votes.names[i], "other": votes.names[j], "asked": int(here.sum()),
                    "votes": int(pair.sum()),
                    "wins": found.k, "losses": found.n - found.k, "ties": int((column[here] == BOTH_GOOD).sum()),
                    "share": found.share, "low": found.low, "high": found.high,
                    "as_the_whole": same.share, "as_the_whole_n": same.n,
                }
            )  # fmt: skip
    return rows


def agreement_of(votes: Votes, seed: int = 0) -> dict[str, Any]:
    """How far raters of one comparison agree on its outcome, sides un-swapped: never one coefficient alone.

    Each with its interval over items; the outcome "can't judge" is no rating. None where a coefficient doesn't exist.
    """
    kept = votes.only(votes.outcome <= BOTH_BAD)
    size = len(votes.names)
    unit_of = (kept.item * size + kept.one) * size + kept.other
    units, unit = np.unique(unit_of, return_inverse=True)
    counts = np.bincount(unit * 4 + kept.outcome, minlength=len(units) * 4).reshape(len(units), 4).astype(np.float64)
    per_unit = counts.sum(axis=1)
    paired = per_unit >= 2
    told: dict[str, Any] = {
        "units": len(units), "units_with_two": int(paired.sum()), "percent": None, "ac1": None, "alpha": None,
        "ordinal": None, "prevalence": [],
    }  # fmt: skip
    if not paired.any():
        return told
    told["ordinal"] = ordered_of(votes, seed)
    sums = _sums(counts, per_unit, paired)
    whole = _coefficients(sums.sum(axis=0)[None])[0]
    occurs = counts.sum(axis=0) > 0
    shares_ = (counts / per_unit[:, None]).mean(axis=0)
    told["prevalence"] = [
        {"outcome": OUTCOMES[place], "share": float(shares_[place])} for place in range(4) if occurs[place]
    ]
    items, item = np.unique(units // (size * size), return_inverse=True)
    by_item: Array = np.stack([np.bincount(item, weights=column, minlength=len(items)) for column in sums.T], axis=1)
    ends = _ends(by_item, seed, _coefficients)
    for place, name in enumerate(("percent", "ac1", "alpha")):
        if np.isfinite(whole[place]):
            low, high = ends[place]
            told[name] = {"value": float(whole[place]), "low": low, "high": high}
    return told


def ordered_of(votes: Votes, seed: int = 0) -> dict[str, Any] | None:
    """Krippendorff's ordinal α from clearly one over both good to clearly the other; None without such a scale.

    Both bad and can't judge have no place in this order, and are no ratings here.
    """
    if not votes.strength.any():
        return None
    kept = votes.only(votes.outcome <= BOTH_GOOD)
    step = np.where(kept.outcome == BOTH_GOOD, 0, np.where(kept.outcome == ONE, -1, 1) * np.maximum(kept.strength, 1))
    size = len(votes.names)
    units, unit = np.unique((kept.item * size + kept.one) * size + kept.other, return_inverse=True)
    shape = (len(units), STEPS)
    counts = np.bincount(unit * STEPS + step + STEPS // 2, minlength=len(units) * STEPS).reshape(shape).astype(float)
    per_unit = counts.sum(axis=1)
    paired = per_unit >= 2
    counts, per_unit, units = counts[paired], per_unit[paired], units[paired]
    together = counts[:, :, None] * counts[:, None, :]  # how often two ratings of a unit are these two steps
    together[:, range(STEPS), range(STEPS)] -= counts
    together /= (per_unit - 1)[:, None, None]
    items, item = np.unique(units // (size * size), return_inverse=True)
    flat = together.reshape(len(units), STEPS * STEPS)
    by_item: Array = np.zeros((len(items), STEPS * STEPS))
    np.add.at(by_item, item, flat)
    value = float(_ordinal(by_item.sum(axis=0)[None])[0, 0])
    if not np.isfinite(value):
        return None
    ((low, high),) = _ends(by_item, seed, _ordinal)
    return {"value": value, "low": low, "high": high}


def _ordinal(sums: Array) -> Array:
    """Ordinal α of coincidences, shape (B, 25), as (B, 1): a step is as far as there are ratings between."""
    seen = sums.reshape(-1, STEPS, STEPS)
    n = seen.sum(axis=2)
    below = np.cumsum(n, axis=1) - n / 2
    apart = (below[:, :, None] - below[:, None, :]) ** 2
    total = n.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.einsum("bi,bj,bij->b", n, n, apart)
        alpha = 1 - (total - 1) * (seen * apart).sum(axis=(1, 2)) / expected
    return np.where(expected > 0, alpha, np.nan)[:, None]


def _sums(counts: Array, per_unit: Array, paired: np.ndarray[Any, Any]) -> Array:
    """What each unit adds to the sums that the coefficients are made of, shape (units, 13)."""
    pairs = np.where(paired, per_unit * (per_unit - 1), 1)
    agreed = np.where(paired, (counts * (counts - 1)).sum(axis=1) / pairs, 0)
    apart = np.where(paired, (per_unit**2 - (counts**2).sum(axis=1)) / np.where(paired, per_unit - 1, 1), 0)
    return np.column_stack(
        [
            agreed, paired, apart, np.where(paired, per_unit, 0),
            np.where(paired[:, None], counts, 0), counts / per_unit[:, None], np.ones(len(counts)),
        ]
    )  # fmt: skip


def _coefficients(sums: Array) -> Array:
    """Per cent, AC1 (Gwet 2008) and nominal α (Krippendorff 2019) of sums, shape (B, 3); NaN: undefined."""
    agreed, paired, apart, ratings = (sums[:, place] for place in range(4))
    values, prevalence = sums[:, 4:8], sums[:, 8:12] / sums[:, 12:13]
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = agreed / paired
        occurs = (prevalence > 0).sum(axis=1)
        chance = (prevalence * (1 - prevalence)).sum(axis=1) / (occurs - 1)
        ac1 = np.where(occurs > 1, (percent - chance) / (1 - chance), np.nan)
        expected = ratings**2 - (values**2).sum(axis=1)
        alpha = np.where(expected > 0, 1 - (ratings - 1) * apart / expected, np.nan)
    return np.stack([percent, ac1, alpha], axis=1)


def _ends(by_item: Array, seed: int, coefficients: Callable[[Array], Array]) -> list[tuple[float | None, float | None]]:
    """95 % percentiles over draws of items; None where half of the draws have no value, or there is one item."""
    count = len(by_item)
    if count < 2:
        return [(None, None)] * coefficients(by_item).shape[1]
    rng = np.random.default_rng([seed, 17])
    even = np.full(count, 1 / count)
    step = max(1, MAX_WEIGHTS // count)
    found = np.concatenate(
        [
            coefficients(rng.multinomial(count, even, size=min(step, DRAWS - start)).astype(np.float64) @ by_item)
            for start in range(0, DRAWS, step)
        ]
    )
    ends: list[tuple[float | None, float | None]] = []
    for column in found.T:
        there = column[np.isfinite(column)]
        if 2 * len(there) <= DRAWS:
            ends.append((None, None))
        else:
            low, high = np.quantile(there, [0.025, 0.975])
            ends.append((float(low), float(high)))
    return ends


def blinding_of(votes: Votes, expert: str | None) -> dict[str, Any]:
    """Whether raters could tell who is human: Bang's index of their guesses in pairs with the expert."""
    told: dict[str, Any] = {"asked": 0, "correct": 0, "wrong": 0, "unsure": 0, "index": None, "low": None, "high": None}
    if expert not in votes.names:
        return told
    who = votes.names.index(expert)
    asked = votes.only((votes.guess != UNASKED) & ((votes.one == who) | (votes.other == who)))
    if not len(asked):
        return told
    right = np.where(asked.left == who, LEFT, 1 - LEFT)
    value: Codes = np.where(asked.guess == UNSURE, 0, np.where(asked.guess == right, 1, -1))
    counts = {"correct": int((value == 1).sum()), "wrong": int((value == -1).sum()), "unsure": int((value == 0).sum())}
    spread = shares.mean(value, asked.rater, asked.item)
    low, high = spread.low, spread.high
    return told | counts | {
        "asked": len(asked),
        "index": blinding.bang_index(counts["correct"], counts["wrong"], counts["unsure"]),
        "low": max(-1.0, low) if low is not None else None,
        "high": min(1.0, high) if high is not None else None,
    }  # fmt: skip
