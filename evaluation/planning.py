"""Whether so many raters and items can answer a question.

Normal approximations alone (`stats.power`), written without scipy: the page that plans is served by the web process.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

QUANTILE = NormalDist().inv_cdf


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan gives and what the question needs, all for one pair of contenders."""

    pairs: int
    votes: int  # of the whole study
    votes_per_pair: float
    decided_per_pair: float
    design_effect: float
    effective: float  # decided votes of a pair, as independent ones
    needed_independent: int | None  # None: no number suffices
    needed_decided: int | None
    needed_votes: int | None  # of the whole study
    needed_raters: int | None  # with as many votes a rater; None where more raters don't help
    detectable: float | None  # the least share above a half that the plan tells from it
    can_answer: bool
    verdict: str


def plan_of(
    *,
    contenders: int,
    raters: int,
    items: int,
    votes_per_rater: int,
    share: float,
    rho: float,
    tie_share: float,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Plan:
    """Compare a plan with what telling `share` from a half needs, two-sided, for one pair of contenders.

    `votes_per_rater` is at most the number of items: nobody sees an item twice. A rater's votes on a pair correlate by
    `rho`: deff = 1 + (m - 1) rho (Kish 1965), m the decided votes a rater gives on one pair; `tie_share` of the votes
    decide nothing. Shares and alpha as `stats.power.decisive_votes`, which this equals.
    """
    pairs = contenders * (contenders - 1) // 2
    given = min(votes_per_rater, items)
    votes = raters * given
    per_pair = votes / pairs
    decided = per_pair * (1 - tie_share)
    own = given / pairs * (1 - tie_share)  # of one rater on one pair
    effect = 1 + max(0.0, own - 1) * rho
    effective = decided / effect
    alone = needed_votes(share, power, alpha)
    least = detectable(effective, power, alpha)
    if alone is None or tie_share >= 1:
        told = "A half can't be told from a half: no number of votes shows that two sources are equally good."
        if tie_share >= 1:
            told = "If every vote is a tie, nothing is decided: no number of votes answers this."
        return Plan(pairs, votes, per_pair, decided, effect, effective, alone, None, None, None, least, False, told)
    needed = math.ceil(alone * effect - 1e-9)
    total = math.ceil(needed / (1 - tie_share) - 1e-9) * pairs
    people = math.ceil(total / given)
    can = effective >= alone - 1e-9
    percent = f"{100 * share:g} against {100 - 100 * share:g}"
    if can:
        verdict = f"This plan can tell {percent}: it gives {effective:.0f} votes' worth where {alone} are needed."
    else:
        verdict = (
            f"This plan can't tell {percent}: it gives {effective:.0f} votes' worth of each pair, and {alone} are "
            f"needed. It would take {total} votes in all, {people} raters with {given} votes each"
        )
        verdict += f"; what it can show is {100 * least:.0f} against {100 - 100 * least:.0f}." if least else "."
    return Plan(pairs, votes, per_pair, decided, effect, effective, alone, needed, total, people, least, can, verdict)


def needed_votes(p: float, power: float, alpha: float) -> int | None:
    """Decided independent votes that tell p from a half (Fleiss, Levin and Paik 2003); None for a half."""
    if p == 0.5:
        return None
    needed = (QUANTILE(1 - alpha / 2) / 2 + QUANTILE(power) * math.sqrt(p * (1 - p))) / abs(p - 0.5)
    return max(1, math.ceil(needed**2 - 1e-9))


def detectable(n: float, power: float, alpha: float) -> float | None:
    """The least share above a half that n independent votes tell from it; None where not even all votes suffice."""
    if n <= 0:
        return None
    share = 0.5 + (QUANTILE(1 - alpha / 2) + QUANTILE(power)) / (2 * math.sqrt(n))
    return share if share <= 1 else None
