"""Who is preferred: shares, strengths and places, pair by pair and over all."""

from itertools import combinations
from typing import Any

import numpy as np

from evaluation.findings.votes import BOTH_GOOD, ONE, OUTCOMES, Votes
from evaluation.stats import binomial, bootstrap, bradley_terry, davidson, multiple, ranks, shares
from evaluation.stats.newton import NotIdentified

RIDGE = 0.5
Z = 1.959963984540054


def of(votes: Votes, *, draws: int, seed: int) -> dict[str, Any]:
    """Everything about who is preferred, of one set of votes."""
    pairs = [pair(votes, one, other) for one, other in combinations(range(len(votes.names)), 2)]
    tested = [each for each in pairs if each["p"] is not None]
    for each, adjusted in zip(tested, multiple.holm([each["p"] for each in tested]) if tested else [], strict=True):
        each["p_holm"] = float(adjusted)
    strengths = strengths_of(votes, draws=draws, seed=seed)
    placed = {each["name"]: each for each in strengths["contenders"]}
    contenders = [contender(votes, number) | placed[name] for number, name in enumerate(votes.names)]
    return {
        "votes": len(votes),
        "decided": len(votes.decided),
        "raters": len(np.unique(votes.rater)),
        "items": len(np.unique(votes.item)),
        "contenders": contenders,
        "pairs": pairs,
        "strengths": {name: value for name, value in strengths.items() if name != "contenders"},
        "davidson": davidson_of(votes),
    }


def contender(votes: Votes, number: int) -> dict[str, Any]:
    """One contender against all others: the share of decided votes that it won."""
    own = votes.only((votes.one == number) | (votes.other == number))
    decided = own.decided
    found = shares.clustered(decided.winner == number, decided.rater, decided.item)
    counts = np.bincount(own.outcome, minlength=len(OUTCOMES))
    return {
        "name": votes.names[number],
        "votes": len(own),
        "wins": found.k,
        "losses": found.n - found.k,
        **{name: int(counts[place]) for place, name in enumerate(OUTCOMES) if place >= BOTH_GOOD},
        **_told(found),
    }


def pair(votes: Votes, one: int, other: int) -> dict[str, Any]:
    """Two contenders: the outcomes as shares of all votes, and the first's share of the decided ones."""
    own = votes.of_pair(one, other)
    decided = own.decided
    found = shares.clustered(decided.outcome == ONE, decided.rater, decided.item)
    outcomes = {
        name: _told(part) | {"k": part.k, "n": part.n}
        for place, name in enumerate(OUTCOMES)
        for part in [shares.clustered(own.outcome == place, own.rater, own.item)]
    }
    return {
        "one": votes.names[one],
        "other": votes.names[other],
        "votes": len(own),
        "wins": found.k,
        "losses": found.n - found.k,
        **{name: outcomes[name]["k"] for name in OUTCOMES[BOTH_GOOD:]},
        **_told(found),
        "p_holm": None,
        "outcomes": outcomes,
    }


def strengths_of(votes: Votes, *, draws: int, seed: int) -> dict[str, Any]:
    """Bradley–Terry strengths with intervals over raters and items, and the places that these leave open."""
    size, decided = len(votes.names), votes.decided
    empty = dict.fromkeys(("strength", "strength_low", "strength_high", "rank", "best_rank", "worst_rank"))
    rows = [{"name": name, **empty} for name in votes.names]
    told: dict[str, Any] = {"contenders": rows, "why_not": "", "design_effect": None, "groups": [], "failed_draws": 0}
    wins = np.bincount(decided.winner * size + decided.loser, minlength=size * size).reshape(size, size)
    if not len(decided):
        return told | {"why_not": "No vote preferred one answer over the other, so strengths can't be given."}
    try:
        fit = bradley_terry.fit(wins)
    except NotIdentified as error:
        groups = [[votes.names[index] for index in group] for group in error.components]
        listed = "; ".join(" and ".join(group) for group in groups)
        pulled = bradley_terry.fit(wins, ridge=RIDGE).strength
        return told | {
            "why_not": f"Strengths can't be given: these don't beat each other both ways yet: {listed}.",
            "groups": groups,
            "pulled": dict(zip(votes.names, pulled.tolist(), strict=True)),
        }
    for row, strength in zip(rows, fit.strength, strict=True):
        row["strength"] = float(strength)
    found = bootstrap.strengths(decided.winner, decided.loser, size, (decided.rater, decided.item), n=draws, seed=seed)
    if found is None:
        return told | {
            "why_not": "Strengths have no intervals: too few raters or items, or too few votes of some pair."
        }
    low, high = found.low[:size], found.high[:size]
    places = ranks.with_intervals(fit.strength, np.cov(found.draws[:, :size].T), seed=seed)
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        row |= {"strength_low": float(low[number]), "strength_high": float(high[number])}
        row |= {"rank": place.rank, "best_rank": place.best, "worst_rank": place.worst}
    first, second = np.triu_indices(size, 1)
    differences = [
        {
            "one": votes.names[i],
            "other": votes.names[j],
            "difference": float(found.estimate[size + at]),
            "low": float(found.low[size + at]),
            "high": float(found.high[size + at]),
        }
        for at, (i, j) in enumerate(zip(first, second, strict=True))
    ]
    effect = float(np.median(found.design_effect[:size]))
    return told | {"design_effect": effect, "failed_draws": found.failed, "differences": differences}


def davidson_of(votes: Votes) -> dict[str, Any]:
    """Davidson's strengths, in which "both good" is a tie, beside Bradley–Terry's with a tie as half a win for each."""
    told: dict[str, Any] = {"contenders": [], "nu": None, "tie_of_equals": None, "why_not": ""}
    kept = votes.only(votes.outcome <= BOTH_GOOD)
    size = len(votes.names)
    cell = kept.one * size + kept.other
    counted = [
        np.bincount(cell[kept.outcome == place], minlength=size * size).reshape(size, size)
        for place in (0, 1, BOTH_GOOD)
    ]
    wins, ties = counted[0] + counted[1].T, counted[2] + counted[2].T
    if not ties.any():
        return told | {"why_not": "There is no tie, so Davidson's model says what Bradley and Terry's says."}
    try:
        fit = davidson.fit(wins, ties)
        halves = bradley_terry.fit(wins + ties / 2).strength
    except NotIdentified:
        return told | {"why_not": "The votes are too one-sided, or too many are ties, for a model of ties."}
    score = np.where(kept.outcome == BOTH_GOOD, 0, np.where(kept.outcome == ONE, 1, -1))
    wide = davidson.clustered(fit, kept.one, kept.other, score, (kept.rater, kept.item))
    half = Z * np.sqrt(np.clip(np.diag(wide), 0, None)) if wide is not None else None
    rows = [
        {
            "name": name,
            "strength": float(fit.strength[number]),
            "low": float(fit.strength[number] - half[number]) if half is not None else None,
            "high": float(fit.strength[number] + half[number]) if half is not None else None,
            "ties_as_halves": float(halves[number]),
        }
        for number, name in enumerate(votes.names)
    ]
    return told | {"contenders": rows, "nu": fit.nu, "tie_of_equals": fit.nu / (2 + fit.nu)}


def _told(found: shares.Share) -> dict[str, Any]:
    """A share with its honest interval, and the one of independent votes to see the difference."""
    alone = binomial.wilson(found.k, found.n) if found.n else None
    return {
        "share": found.share,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "design_effect": found.design_effect,
        "independent_low": alone.low if alone else None,
        "independent_high": alone.high if alone else None,
    }
