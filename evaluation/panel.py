"""What judges say of a study: each alone, all together, and how far they agree with the people who voted.

Every number tells of how many questions it is; an order is never folded into another, and where two orders contradict
each other there is a conflict and no tie.
"""

import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import combinations, permutations
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from annotation import agreement
from evaluation.judging import probes
from evaluation.judging.templates import TEMPLATES
from evaluation.models import JudgeCall, JudgeRun, Response, Study, Verdict
from evaluation.models.judge import tallied
from evaluation.stats import binomial, plackett_luce, sandwich
from evaluation.votes import Vote, votes_of
from mixassist_site.jobs import State

LEVEL = 0.95
MUCH_UNSCORED = 0.02  # from here on bounds are shown
FIRST_SLOT_LIMIT = 0.10  # above chance, with an interval that lies above chance
STABLE = 2 / 3
MAX_TIED = 4  # answers of one tie that are written out in every order
DRAWS = 300
OUTCOMES = ("one", "other", "both_good", "both_bad")  # who can't judge says nothing of the answers
Groups = tuple[tuple[int, ...], ...]
Pair = tuple[str, int, int]  # row of the item, two contenders by number


@dataclass(frozen=True, slots=True)
class Ranked:
    """One verdict: who was ranked, by number; `order` is who stood in which place, empty for scores."""

    row: str
    groups: Groups
    order: tuple[int, ...]
    replicate: int


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


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one opinion agrees with another on pairs of answers: with ties as an outcome, and without."""

    name: str
    units: int
    percent: float | None
    low: float | None
    high: float | None
    kappa: float | None
    ac1: float | None
    decided: int
    percent_decided: float | None
    tau: float | None = None  # of contenders, by their strengths: few numbers


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """One judge, alone."""

    run: int
    judge: str
    family: str
    template: str
    reference: str
    is_scripted: bool
    is_imported: bool
    scored: int
    attempted: int
    unscored: dict[str, int]
    standings: list[Standing]
    places: Places
    probes: list[probes.Outcome]
    conflicts: int
    limits: list[str]

    @property
    def flags(self) -> list[str]:
        """What is wrong with this judge, in words."""
        told = [each.fault for each in self.probes if each.is_flagged]
        if self.places.is_flagged:
            told.append("prefers the answer that is shown first")
        return told

    @property
    def unscored_share(self) -> float:
        """The share of questions without a verdict."""
        return 1 - self.scored / self.attempted if self.attempted else 1.0

    @property
    def needs_bounds(self) -> bool:
        """Whether so much is unscored that the worst case has to be told."""
        return self.unscored_share > MUCH_UNSCORED


@dataclass(frozen=True, slots=True)
class Left:
    """The panel without one judge."""

    judge: str
    standings: list[Standing]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Panel:
    """All judges of a study; the same verdicts and votes give the same panel and the same hash."""

    study: int
    contenders: list[str]
    judges: list[JudgeResult]
    together: list[Standing]
    without: list[Left]
    alpha: float | None
    alpha_units: int
    people: list[Agreement]  # judges against the majority of votes, then baselines, then people among themselves
    votes: int
    simulated_votes: int
    limits: list[str]
    scored: int
    attempted: int
    input_hash: str = ""

    @property
    def is_scripted(self) -> bool:
        """Whether a program judged here, and no language model."""
        return any(judge.is_scripted for judge in self.judges)


@dataclass(slots=True)
class _Bench:
    """One judge's run as it is counted."""

    run: JudgeRun
    ranked: list[Ranked]
    tally: dict[str, Any]
    unscored_with: Counter[int]
    outcomes: list[probes.Outcome]
    preferences: dict[Pair, int] = field(default_factory=dict)
    conflicts: int = 0

    @property
    def main(self) -> list[Ranked]:
        """Verdicts without those that were asked again on purpose."""
        return [each for each in self.ranked if not each.replicate]


def runs_of(study: Study) -> list[JudgeRun]:
    """The newest finished run of each judge, by the judge's name."""
    newest: dict[str, JudgeRun] = {}
    for run in JudgeRun.objects.filter(study=study, state=State.SUCCEEDED).order_by("pk"):
        newest[run.judge] = run
    return [newest[name] for name in sorted(newest)]


def panel_of(study: Study, runs: Sequence[JudgeRun] | None = None) -> Panel:
    """Count, estimate and compare."""
    contenders = list(study.contenders.select_related("generation__base").order_by("pk"))
    names = [contender.name for contender in contenders]
    families = [
        f"{each.name} {each.generation.base.key if each.generation.base else ''}".casefold() for each in contenders
    ]
    benches = [_bench(run, names) for run in (runs_of(study) if runs is None else runs)]
    results = [_result(bench, names, families) for bench in benches]
    votes = [vote for vote in votes_of(study) if vote.outcome in OUTCOMES]
    limits = []
    if benches and len(benches) < 3:
        limits.append(f"A panel has three judges of different families or more; this one has {len(benches)}.")
    if len({(bench.run.template, bench.run.reference) for bench in benches}) > 1:
        limits.append("The judges were asked by different templates: what they say together mixes two questions.")
    limits += [
        f"{each.judge} judged by a program, and not by a language model." for each in results if each.is_scripted
    ]
    simulated = sum(vote.simulated for vote in votes)
    if simulated:
        limits.append(f"{simulated} of {len(votes)} votes are simulated: agreement with them says nothing of people.")
    joined = [(each, bench.run.judge) for bench in benches for each in bench.main]
    everybody = _matrix([bench.preferences for bench in benches])
    return Panel(
        study=study.pk,
        contenders=names,
        judges=results,
        together=_standings(joined, names, _sum(bench.unscored_with for bench in benches)),
        without=_without(benches, names) if len(benches) > 1 else [],
        alpha=agreement.krippendorff_alpha(everybody, "ordinal") if len(benches) > 1 and everybody.size else None,
        alpha_units=int(np.sum(np.sum(~np.isnan(everybody), axis=0) > 1)) if everybody.size else 0,
        people=_people(study, names, benches, results, votes),
        votes=len(votes),
        simulated_votes=simulated,
        limits=limits,
        scored=sum(each.scored for each in results),
        attempted=sum(each.attempted for each in results),
        input_hash=_hash(study, benches, votes),
    )


def to_json(panel: Panel) -> dict[str, Any]:
    """The panel as plain values, with the flags in words."""
    told = asdict(panel)
    for judge, found in zip(told["judges"], panel.judges, strict=True):
        judge["flags"] = found.flags
    return told


# --- one judge ---------------------------------------------------------------------------------------------


def _bench(run: JudgeRun, names: list[str]) -> _Bench:
    number = {name: index for index, name in enumerate(names)}
    asked = run.calls.exclude(state=JudgeCall.State.INVALID).filter(probe="")
    unscored = Counter(
        number[name]
        for order in asked.exclude(state=JudgeCall.State.OK).values_list("order", flat=True)
        for name in order
        if name in number
    )
    verdicts = Verdict.objects.filter(call__run=run).select_related("call__item").order_by("pk")
    ranked: list[Ranked] = []
    probed: dict[str, list[tuple[int, int, Any]]] = defaultdict(list)
    points: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for verdict in verdicts:
        call = verdict.call
        if call.probe:
            probed[call.probe].append((call.number, call.order_index, verdict))
        elif "scores" in verdict.said:
            points[call.item.row, call.replicate][number[call.order[0]]] = sum(verdict.said["scores"].values())
        else:
            groups = tuple(tuple(sorted(number[name] for name in group)) for group in verdict.ranking)
            ranked.append(Ranked(call.item.row, groups, tuple(number[name] for name in call.order), call.replicate))
    for (row, replicate), given in points.items():
        if replicate or len(given) < 2:
            continue
        by_points: dict[int, list[int]] = defaultdict(list)
        for contender, total in given.items():
            by_points[total].append(contender)
        groups = tuple(tuple(sorted(by_points[total])) for total in sorted(by_points, reverse=True))
        ranked.append(Ranked(row, groups, (), 0))
    ranked.sort(key=lambda each: (each.row, each.order, each.groups, each.replicate))
    counted = Counter(run.calls.exclude(probe="").filter(repair=0).values_list("probe", flat=True))
    pointwise = TEMPLATES[run.template].shape == "pointwise" if run.template in TEMPLATES else False
    outcomes = [_probe(kind, probed[kind], counted[kind], pointwise) for kind in probes.KINDS if counted[kind]]
    bench = _Bench(run, ranked, tallied(run.calls.filter(probe="")), unscored, outcomes)
    bench.preferences, bench.conflicts = _preferences(bench.main)
    return bench


def _probe(kind: str, found: list[tuple[int, int, Verdict]], asked: int, pointwise: bool) -> probes.Outcome:
    preferred: list[int] = []
    if pointwise:
        sums: dict[int, dict[str, int]] = defaultdict(dict)
        for number, _, verdict in found:
            sums[number][verdict.call.order[0]] = sum(verdict.said["scores"].values())
        pairs = [each for each in sums.values() if len(each) == 2]
        preferred = [int(np.sign(each["watched"] - each["other"])) for each in pairs]
        return probes.outcome(kind, preferred, asked // 2)
    for _, _, verdict in found:
        groups = verdict.ranking
        if len(groups[0]) > 1:
            preferred.append(0)
        elif kind == probes.IDENTICAL:  # what is watched is the place
            preferred.append(1 if groups[0][0] == verdict.call.order[0] else -1)
        else:
            preferred.append(1 if groups[0][0] == "watched" else -1)
    return probes.outcome(kind, preferred, asked)


def _result(bench: _Bench, names: list[str], families: list[str]) -> JudgeResult:
    run, tally = bench.run, bench.tally
    family = run.family.casefold()
    mine = {index for index, words in enumerate(families) if family and family in words}
    standings = _standings([(each, run.judge) for each in bench.main], names, bench.unscored_with, mine)
    limits = []
    left_out = run.record.get("left_out", {})
    if left_out:
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(left_out.items()))
        limits.append(f"Of the imported file these were left out: {why}.")
    if run.record.get("stopped"):
        limits.append(run.record["stopped"])
    if not any(each.strength is not None for each in standings) and bench.main:
        limits.append("Strengths can't be given: somebody is never ranked above, or never below, the others.")
    if bench.conflicts:
        limits.append(f"In {bench.conflicts} pairs the orders contradict each other: these are conflicts, and no ties.")
    extra = sum(left_out.values())
    return JudgeResult(
        run=run.pk,
        judge=run.judge,
        family=run.family,
        template=run.template,
        reference=run.reference,
        is_scripted=run.is_scripted,
        is_imported=run.is_imported,
        scored=tally["scored"],
        attempted=tally["attempted"] + extra,
        unscored=dict(sorted((Counter(tally["unscored"]) + Counter(left_out)).items())),
        standings=standings,
        places=_places(bench),
        probes=bench.outcomes,
        conflicts=bench.conflicts,
        limits=limits,
    )


def _standings(
    joined: Sequence[tuple[Ranked, str]], names: list[str], unscored: Counter[int], mine: Iterable[int] = ()
) -> list[Standing]:
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
    information = np.linalg.pinv(fit.covariance, hermitian=True) / times
    scores = np.array([np.mean([_score(one, fit.worth) for one in rankings], axis=0) for rankings, _, _ in written])
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


def _places(bench: _Bench) -> Places:
    main = [each for each in bench.main if each.order]
    by_item: dict[str, list[float]] = defaultdict(list)
    chances = []
    for each in main:
        if len(each.groups[0]) == 1:
            by_item[each.row].append(float(each.groups[0][0] == each.order[0]))
            chances.append(1 / len(each.order))
    shares = [mean(each) for each in by_item.values()]
    first = mean(shares) if shares else None
    chance = mean(chances) if chances else None
    low, high = _interval(shares, sum(map(len, by_item.values())))
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
    again = [each for each in bench.ranked if each.replicate]
    firsts = {(each.row, each.order): each.groups for each in bench.main}
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


def _interval(shares: list[float], n: int) -> tuple[float | None, float | None]:
    """An interval of a mean over items: Student's t, or Wilson's of all verdicts where items are alike or alone."""
    from scipy.stats import t  # not before a panel is counted: the web process stays small

    if not shares:
        return None, None
    if len(shares) > 1 and (spread := stdev(shares)) > 0:
        half = float(t.ppf((1 + LEVEL) / 2, len(shares) - 1)) * spread / math.sqrt(len(shares))
        return max(0.0, mean(shares) - half), min(1.0, mean(shares) + half)
    found = binomial.wilson(round(mean(shares) * n), n, LEVEL)
    return found.low, found.high


def _preference(each: Ranked, a: int, b: int) -> int:
    """1 where a is ranked above b, -1 below, 0 beside."""
    place = {contender: index for index, group in enumerate(each.groups) for contender in group}
    return int(np.sign(place[b] - place[a]))


def _pairs(each: Ranked) -> Iterable[tuple[int, int]]:
    return combinations(sorted(contender for group in each.groups for contender in group), 2)


def _flips(main: list[Ranked]) -> tuple[int, int]:
    """Pairs whose preference turns around with who stands first, and the pairs that were preferred in both orders."""
    sides: dict[tuple[str, int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for each in main:
        for a, b in _pairs(each):
            before = each.order.index(a) < each.order.index(b)
            sides[each.row, a, b][0 if before else 1].append(_preference(each, a, b))
    both = [(sum(one), sum(other)) for one, other in sides.values() if one and other]
    decided = [(one, other) for one, other in both if one and other]
    return sum(one * other < 0 for one, other in decided), len(decided)


def _tau(one: Ranked, other: Ranked) -> float | None:
    """Kendall's tau-a of two rankings of the same contenders."""
    pairs = list(_pairs(one))
    if not pairs:
        return None
    return mean(_preference(one, a, b) * _preference(other, a, b) for a, b in pairs)


def _preferences(main: list[Ranked]) -> tuple[dict[Pair, int], int]:
    """For each item and pair what most orders say: 1, -1, or 0 where most say a tie; and how many are in conflict."""
    said: dict[Pair, list[int]] = defaultdict(list)
    for each in main:
        for a, b in _pairs(each):
            said[each.row, a, b].append(_preference(each, a, b))
    found: dict[Pair, int] = {}
    conflicts = 0
    for pair, votes in said.items():
        most = _majority(votes)
        if most is None:
            conflicts += 1
        else:
            found[pair] = most
    return found, conflicts


def _majority(votes: Sequence[int]) -> int | None:
    """What most say; None where two have the most."""
    counts = Counter(votes).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


# --- judges among themselves, and people -------------------------------------------------------------------


def _matrix(opinions: Sequence[dict[Pair, int]]) -> Any:
    """Opinions on pairs, shape (opinions, pairs), NaN where there is none."""
    pairs = sorted({pair for each in opinions for pair in each})
    return np.array([[each.get(pair, np.nan) for pair in pairs] for each in opinions], dtype=np.float64)


def _without(benches: list[_Bench], names: list[str]) -> list[Left]:
    told = []
    for bench in benches:
        others = [each for each in benches if each is not bench]
        joined = [(each, other.run.judge) for other in others for each in other.main]
        said: dict[Pair, list[int]] = defaultdict(list)
        for other in others:
            for pair, value in other.preferences.items():
                said[pair].append(value)
        most = {pair: best for pair, votes in said.items() if (best := _majority(votes)) is not None}
        standings = _standings(joined, names, _sum(other.unscored_with for other in others))
        told.append(Left(bench.run.judge, standings, _agree(bench.run.judge, bench.preferences, most)))
    return told


def _people(
    study: Study, names: list[str], benches: list[_Bench], results: list[JudgeResult], votes: Sequence[Vote]
) -> list[Agreement]:
    """Judges, baselines that know nothing, and people among themselves, against the majority of people's votes."""
    if not votes:
        return []
    number = {name: index for index, name in enumerate(names)}
    given: dict[Pair, list[int]] = defaultdict(list)
    left: dict[Pair, int] = {}
    for vote in votes:
        pair = (vote.item, number[vote.one], number[vote.other])
        given[pair].append({"one": 1, "other": -1}.get(vote.outcome, 0))
        left.setdefault(pair, 1 if vote.left == vote.one else -1)
    people = {pair: best for pair, those in given.items() if (best := _majority(those)) is not None}
    length = {
        (row, number[name]): len(text)
        for row, name, text in Response.objects.filter(item__study=study, contender__isnull=False).values_list(
            "item__row", "contender__name", "shown"
        )
    }
    wins = Counter(pair[1] if value > 0 else pair[2] for pair, value in people.items() if value)
    coin = random.Random(f"coin:{study.seed}")
    worth = [wins[index] for index in range(len(names))]
    told = [
        _agree(bench.run.judge, bench.preferences, people, tau=_contender_tau(result, names, worth))
        for bench, result in zip(benches, results, strict=True)
    ]
    ordered = sorted(people)
    longest = {pair: int(np.sign(length[pair[0], pair[1]] - length[pair[0], pair[2]])) for pair in ordered}
    told += [
        _agree("longest answer", longest, people),
        _agree("first answer", left, people),
        _agree("a coin", {pair: coin.choice((-1, 1)) for pair in ordered}, people),
        _agree(
            "contender with most wins",
            {pair: int(np.sign(worth[pair[1]] - worth[pair[2]])) for pair in ordered},
            people,
        ),
    ]
    one, rest, rows = [], [], []
    for pair, those in sorted(given.items()):
        for index, vote_ in enumerate(those):
            others = _majority(those[:index] + those[index + 1 :])
            if others is not None:
                one.append(vote_)
                rest.append(others)
                rows.append(pair[0])
    return [*told, _compared("one person against the others", one, rest, rows)]


def _contender_tau(result: JudgeResult, names: list[str], worth: list[int]) -> float | None:
    from scipy.stats import kendalltau  # not before a panel is counted: the web process stays small

    shares = {each.name: each.best for each in result.standings if each.best is not None}
    those = [index for index, name in enumerate(names) if name in shares]
    if len(those) < 2:
        return None
    value = kendalltau([worth[index] for index in those], [shares[names[index]] for index in those]).statistic
    return None if math.isnan(value) else float(value)


def _agree(name: str, mine: dict[Pair, int], theirs: dict[Pair, int], tau: float | None = None) -> Agreement:
    both = sorted(set(mine) & set(theirs))
    return _compared(name, [mine[p] for p in both], [theirs[p] for p in both], [p[0] for p in both], tau)


def _compared(name: str, mine: list[int], theirs: list[int], rows: list[str], tau: float | None = None) -> Agreement:
    table = np.array([mine, theirs], dtype=np.float64).reshape(2, -1)
    decided = (table != 0).all(axis=0) if table.size else np.zeros(0, dtype=bool)
    if not table.size:
        return Agreement(name, 0, None, None, None, None, None, 0, None, tau)
    spread = agreement.interval(agreement.percent, table, rows, n=DRAWS, seed=0)
    return Agreement(
        name=name,
        units=table.shape[1],
        percent=spread.value,
        low=spread.low,
        high=spread.high,
        kappa=agreement.cohen_kappa(table[0], table[1]),
        ac1=agreement.gwet_ac1(table),
        decided=int(decided.sum()),
        percent_decided=agreement.percent(table[:, decided]) if decided.any() else None,
        tau=tau,
    )


def _sum(counters: Iterable[Counter[int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for each in counters:
        total += each
    return total


def _hash(study: Study, benches: list[_Bench], votes: Sequence[Vote]) -> str:
    """The hash of everything that a panel is computed from; no number of a row, no moment, no price is in it."""
    facts = {
        "study": study.frozen_hash,
        "judges": [
            {
                "judge": bench.run.judge,
                "template": bench.run.template_digest,
                "reference": bench.run.reference,
                "verdicts": sorted([each.row, each.groups, each.order, each.replicate] for each in bench.ranked),
                "probes": [asdict(each) for each in bench.outcomes],
                "tally": bench.tally,
            }
            for bench in benches
        ],
        "votes": [[v.item, v.one, v.other, v.left, v.choice, v.rater, v.simulated] for v in votes],
        "code": code_version(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """The hash of the code that computes panels: it changes when their numbers might."""
    here = Path(__file__).parent
    files = sorted([*(here / "stats").glob("*.py"), here / "panel.py", here / "judging" / "probes.py"])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
