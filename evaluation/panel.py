"""What judges say of a study: each alone, all together, and how far they agree with the people who voted.

Every number tells of how many questions it is; an order is never folded into another, and where two orders contradict
each other there is a conflict and no tie.
"""

import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from annotation import agreement
from evaluation.freshness import code_version
from evaluation.judging import probes
from evaluation.judging.endpoints import MARK
from evaluation.judging.templates import TEMPLATES
from evaluation.models import JudgeCall, JudgeRun, Response, Study, Verdict
from evaluation.models.judge import ranking_of, tallied
from evaluation.opinions.agreeing import Agreement, agree, compared, contender_tau, matrix
from evaluation.opinions.correcting import Correction, corrected
from evaluation.opinions.missing import Asked, Missing, missing_of
from evaluation.opinions.places import Places, places_of
from evaluation.opinions.rankings import Pair, Ranked, majority, preferences, said_in
from evaluation.opinions.slots import Slots, slots_of
from evaluation.opinions.standings import Standing, standings_of
from evaluation.votes import Vote, votes_of
from mixassist_site.jobs import State

MUCH_UNSCORED = 0.02  # from here on bounds are shown
NEVER_ASKED = ("budget", "input")  # reasons that say nothing of a judge
OUTCOMES = ("one", "other", "both_good", "both_bad")  # who can't judge says nothing of the answers


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
    slots: Slots
    missing: Missing
    correction: Correction
    probes: list[probes.Outcome]
    conflicts: int
    limits: list[str]

    @property
    def flags(self) -> list[str]:
        """What is wrong with this judge, in words."""
        told = [each.fault for each in self.probes if each.is_flagged]
        if self.places.is_flagged:
            told.append("prefers the answer that is shown first")
        elif self.slots.is_flagged:
            told.append(f"prefers the answer that is shown in place {self.slots.favourite}")
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
        return bool(self.scripted)

    @property
    def scripted(self) -> list[str]:
        """The judges that are programs."""
        return [judge.judge for judge in self.judges if judge.is_scripted]


@dataclass(slots=True)
class _Bench:
    """One judge's run as it is counted."""

    run: JudgeRun
    ranked: list[Ranked]
    tally: dict[str, Any]
    unscored_with: Counter[int]
    outcomes: list[probes.Outcome]
    asked: list[Asked]
    said: dict[Pair, list[int]] = field(default_factory=dict)
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
    length = _lengths(study, names)
    votes = [vote for vote in votes_of(study) if vote.outcome in OUTCOMES]
    voted = _voted(votes, names)
    benches = [_bench(run, names, length) for run in (runs_of(study) if runs is None else runs)]
    results = [_result(bench, names, families, voted) for bench in benches]
    limits = []
    if benches and len(benches) < 3:
        limits.append(f"A panel has three judges of different families or more; this one has {len(benches)}.")
    if len({(bench.run.template, bench.run.reference) for bench in benches}) > 1:
        limits.append("The judges were asked by different templates: what they say together mixes two questions.")
    said = f"is a {MARK}: a program judged, and its numbers say nothing of the contenders."
    limits += [f"{each.judge} {said}" for each in results if each.is_scripted]
    simulated = sum(vote.simulated for vote in votes)
    if simulated:
        limits.append(f"{simulated} of {len(votes)} votes are simulated: what rests on them says nothing of people.")
    joined = [(each, bench.run.judge) for bench in benches for each in bench.main]
    everybody = matrix([bench.preferences for bench in benches])
    return Panel(
        study=study.pk,
        contenders=names,
        judges=results,
        together=standings_of(joined, names, added(bench.unscored_with for bench in benches)),
        without=_without(benches, names) if len(benches) > 1 else [],
        alpha=agreement.krippendorff_alpha(everybody, "ordinal") if len(benches) > 1 and everybody.size else None,
        alpha_units=int(np.sum(np.sum(~np.isnan(everybody), axis=0) > 1)) if everybody.size else 0,
        people=_people(study, names, benches, results, votes, voted, length),
        votes=len(votes),
        simulated_votes=simulated,
        limits=limits,
        scored=sum(each.scored for each in results),
        attempted=sum(each.attempted for each in results),
        input_hash=_hash(study, benches, votes),
    )


def to_json(panel: Panel) -> dict[str, Any]:
    """The panel as plain values, with the flags in words, and with what is no language model named."""
    told = asdict(panel)
    told |= {"is_scripted": panel.is_scripted, "note": MARK if panel.is_scripted else ""}
    for judge, found in zip(told["judges"], panel.judges, strict=True):
        judge["flags"] = found.flags
    return told


# --- one judge ---------------------------------------------------------------------------------------------


class _Heard(NamedTuple):
    """What a judge said to a probe."""

    number: int
    order: list[str]
    said: dict[str, Any]


def _bench(run: JudgeRun, names: list[str], length: Mapping[tuple[str, int], int]) -> _Bench:
    number = {name: index for index, name in enumerate(names)}
    asked = run.calls.exclude(state=JudgeCall.State.INVALID).filter(probe="")
    unscored = Counter(
        number[name]
        for order in asked.exclude(state=JudgeCall.State.OK).values_list("order", flat=True)
        for name in order
        if name in number
    )
    fields = [f"call__{name}" for name in ("item__row", "probe", "number", "replicate", "order")]
    verdicts = Verdict.objects.filter(call__run=run).order_by("pk").values_list(*fields, "said")
    ranked: list[Ranked] = []
    probed: dict[str, list[_Heard]] = defaultdict(list)
    points: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for row, probe, pair, replicate, order, said in verdicts:
        if probe:
            probed[probe].append(_Heard(pair, order, said))
        elif "scores" in said:
            points[row, replicate][number[order[0]]] = sum(said["scores"].values())
        else:
            groups = tuple(tuple(sorted(number[name] for name in group)) for group in ranking_of(said, order))
            ranked.append(Ranked(row, groups, tuple(number[name] for name in order), replicate))
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
    bench = _Bench(run, ranked, tallied(run.calls.filter(probe="")), unscored, outcomes, _asked(run, number, length))
    bench.said = said_in(bench.main)
    bench.preferences, bench.conflicts = preferences(bench.said)
    return bench


def _asked(run: JudgeRun, number: dict[str, int], length: Mapping[tuple[str, int], int]) -> list[Asked]:
    """Every question that went out and is settled; what was never asked is missing for reasons of ours."""
    settled = run.calls.filter(probe="", state__in=[JudgeCall.State.OK, JudgeCall.State.UNSCORED])
    rows = settled.exclude(reason__in=NEVER_ASKED).exclude(attempts=0, reply=None)
    told = []
    for row, order, state in rows.order_by("pk").values_list("item__row", "order", "state"):
        shown = [number[name] for name in order if name in number]
        characters = sum(length.get((row, index), 0) for index in shown)
        told.append(Asked(row, frozenset(shown), characters, state == JudgeCall.State.OK))
    return told


def _probe(kind: str, found: list[_Heard], asked: int, pointwise: bool) -> probes.Outcome:
    preferred: list[int] = []
    if pointwise:
        sums: dict[int, dict[str, int]] = defaultdict(dict)
        for number, order, said in found:
            sums[number][order[0]] = sum(said["scores"].values())
        pairs = [each for each in sums.values() if len(each) == 2]
        preferred = [int(np.sign(each["watched"] - each["other"])) for each in pairs]
        return probes.outcome(kind, preferred, asked // 2)
    for _, order, said in found:
        groups = ranking_of(said, order)
        if len(groups[0]) > 1:
            preferred.append(0)
        elif kind == probes.IDENTICAL:  # what is watched is the place
            preferred.append(1 if groups[0][0] == order[0] else -1)
        else:
            preferred.append(1 if groups[0][0] == "watched" else -1)
    return probes.outcome(kind, preferred, asked)


def _result(bench: _Bench, names: list[str], families: list[str], voted: Mapping[Pair, Sequence[int]]) -> JudgeResult:
    run, tally = bench.run, bench.tally
    missing = missing_of(bench.asked, names)
    family = run.family.casefold()
    mine = {index for index, words in enumerate(families) if family and family in words}
    standings = standings_of([(each, run.judge) for each in bench.main], names, bench.unscored_with, mine)
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
        pairs = "In one pair" if bench.conflicts == 1 else f"In {bench.conflicts} pairs"
        limits.append(f"{pairs} the orders contradict each other: that is a conflict, and no tie.")
    if missing.is_flagged:
        which = "Long" if missing.longer else "Short"
        limits.append(f"{which} answers are unscored more often: what is missing is not missing by chance.")
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
        places=places_of(bench.ranked),
        slots=slots_of(bench.ranked),
        missing=missing,
        correction=corrected(bench.said, voted, bench.preferences, _most(voted), names),
        probes=bench.outcomes,
        conflicts=bench.conflicts,
        limits=limits,
    )


# --- judges among themselves, and people -------------------------------------------------------------------


def _without(benches: list[_Bench], names: list[str]) -> list[Left]:
    told = []
    for bench in benches:
        others = [each for each in benches if each is not bench]
        joined = [(each, other.run.judge) for other in others for each in other.main]
        said: dict[Pair, list[int]] = defaultdict(list)
        for other in others:
            for pair, value in other.preferences.items():
                said[pair].append(value)
        most = {pair: best for pair, votes in said.items() if (best := majority(votes)) is not None}
        standings = standings_of(joined, names, added(other.unscored_with for other in others))
        told.append(Left(bench.run.judge, standings, agree(bench.run.judge, bench.preferences, most)))
    return told


def _voted(votes: Sequence[Vote], names: list[str]) -> dict[Pair, list[int]]:
    """Every vote on each pair: 1, -1, or 0 where nobody was preferred."""
    number = {name: index for index, name in enumerate(names)}
    given: dict[Pair, list[int]] = defaultdict(list)
    for vote in votes:
        pair = (vote.item, number[vote.one], number[vote.other])
        given[pair].append({"one": 1, "other": -1}.get(vote.outcome, 0))
    return dict(given)


def _most(voted: Mapping[Pair, Sequence[int]]) -> dict[Pair, int]:
    return {pair: best for pair, those in voted.items() if (best := majority(those)) is not None}


def _lengths(study: Study, names: list[str]) -> dict[tuple[str, int], int]:
    """The characters of each answer, by row and contender."""
    number = {name: index for index, name in enumerate(names)}
    answers = Response.objects.filter(item__study=study, contender__isnull=False)
    shown = answers.values_list("item__row", "contender__name", "shown")
    return {(row, number[name]): len(text) for row, name, text in shown}


def _people(
    study: Study,
    names: list[str],
    benches: list[_Bench],
    results: list[JudgeResult],
    votes: Sequence[Vote],
    given: Mapping[Pair, list[int]],
    length: Mapping[tuple[str, int], int],
) -> list[Agreement]:
    """Judges, baselines that know nothing, and people among themselves, against the majority of people's votes."""
    if not votes:
        return []
    people = _most(given)
    number = {name: index for index, name in enumerate(names)}
    left: dict[Pair, int] = {}
    for vote in votes:
        left.setdefault((vote.item, number[vote.one], number[vote.other]), 1 if vote.left == vote.one else -1)
    wins = Counter(pair[1] if value > 0 else pair[2] for pair, value in people.items() if value)
    coin = random.Random(f"coin:{study.seed}")
    worth = [wins[index] for index in range(len(names))]
    told = [
        agree(bench.run.judge, bench.preferences, people, tau=contender_tau(result.standings, names, worth))
        for bench, result in zip(benches, results, strict=True)
    ]
    ordered = sorted(people)
    longest = {pair: int(np.sign(length[pair[0], pair[1]] - length[pair[0], pair[2]])) for pair in ordered}
    told += [
        agree("longest answer", longest, people),
        agree("first answer", left, people),
        agree("a coin", {pair: coin.choice((-1, 1)) for pair in ordered}, people),
        agree(
            "contender with most wins",
            {pair: int(np.sign(worth[pair[1]] - worth[pair[2]])) for pair in ordered},
            people,
        ),
    ]
    one, rest, rows = [], [], []
    for pair, those in sorted(given.items()):
        for index, vote_ in enumerate(those):
            others = majority(those[:index] + those[index + 1 :])
            if others is not None:
                one.append(vote_)
                rest.append(others)
                rows.append(pair[0])
    return [*told, compared("one person against the others", one, rest, rows)]


def added(counters: Iterable[Counter[int]]) -> Counter[int]:
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
