"""What a study's votes say, with intervals, and what they can't say."""

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from statistics import NormalDist, median
from typing import Any

import numpy as np
from django.conf import settings
from django.template.loader import render_to_string

from evaluation import drawing
from evaluation.models import Comparison, Rating, Study
from evaluation.stats import binomial, bradley_terry
from evaluation.votes import LEFT, RIGHT, Vote, votes_of

LEVEL = 0.95
STYLES = ("tokens.css", "site.css", "evaluation.css")
BOTH_GOOD, BOTH_BAD = Rating.Choice.BOTH_GOOD.value, Rating.Choice.BOTH_BAD.value
OUTCOMES = ("one", "other", BOTH_GOOD, BOTH_BAD)
INDEPENDENCE = (
    "Intervals and tests on this page treat every vote as independent. Votes of one rater, and votes on one item, "
    "hang together, so the true uncertainty is larger."
)

INTERIM = (
    "This study is still open: votes are missing, and who stops a study because of what a look on the way shows finds "
    "differences where there are none."
)


@dataclass(frozen=True, slots=True)
class Share:
    """k of n with Wilson's 95 % interval; no share of nothing."""

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ContenderResult:
    """One contender against all others; `share` is that of the decided votes, `p` the sign test's."""

    name: str
    wins: int
    losses: int
    both_good: int
    both_bad: int
    share: float | None
    low: float | None
    high: float | None
    p: float | None
    strength: float | None
    strength_low: float | None
    strength_high: float | None


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two contenders: the four outcomes, and the share of decided votes that `one` won."""

    one: str
    other: str
    wins: int
    losses: int
    both_good: int
    both_bad: int
    share: float | None
    low: float | None
    high: float | None
    p: float | None
    outcomes: dict[str, Share]  # one, other, both_good, both_bad: of all votes of the pair

    @property
    def votes(self) -> int:
        """All votes of the pair."""
        return self.wins + self.losses + self.both_good + self.both_bad


@dataclass(frozen=True, slots=True)
class SideResult:
    """How often the left answer was preferred, whoever gave it."""

    left: int
    right: int
    share: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class RaterResult:
    """What one rater did."""

    label: str
    simulated: bool
    votes: int
    left: int
    right: int
    both_good: int
    both_bad: int
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything that the report page shows; the same votes give the same report."""

    study: int
    title: str
    state: str
    question: str
    snapshot: str
    split: str
    items: int
    skipped: int
    comparisons: int
    compared: int  # comparisons with a vote
    wanted: int  # votes that the protocol asks for
    votes: int
    decided: int
    raters: list[RaterResult]
    simulated_votes: int
    contenders: list[ContenderResult]
    pairs: list[PairResult]
    side: SideResult
    limits: list[str]  # what can't be said, in full sentences
    level: float
    frozen_hash: str
    input_hash: str
    code_version: str


def report_of(study: Study) -> StudyReport:
    """Count, estimate and test; never a number where there is nothing to count."""
    votes = votes_of(study)
    names = list(study.contenders.order_by("pk").values_list("name", flat=True))
    wins: Counter[tuple[str, str]] = Counter()
    outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for vote in votes:
        winner = vote.winner
        outcomes[vote.one, vote.other][vote.outcome] += 1
        if winner:
            wins[winner, vote.other if winner == vote.one else vote.one] += 1
    table = np.array([[wins[one, other] for other in names] for one in names], dtype=np.float64)
    strengths, why_not = _strengths(table, names)
    cells = Comparison.objects.filter(item__study=study)
    comparisons = cells.count()
    compared = len({(vote.item, vote.one, vote.other) for vote in votes})
    raters = _raters(study, votes)
    return StudyReport(
        study=study.pk,
        title=study.title,
        state=study.state,
        question=study.question,
        snapshot=study.snapshot.name,
        split=study.split,
        items=study.items.count(),
        skipped=len(study.skipped),
        comparisons=comparisons,
        compared=compared,
        wanted=comparisons * study.ratings_per_comparison,
        votes=len(votes),
        decided=int(table.sum()),
        raters=raters,
        simulated_votes=sum(vote.simulated for vote in votes),
        contenders=[_contender(name, names, wins, outcomes, strengths) for name in names],
        pairs=[_pair(one, other, outcomes[one, other]) for one, other in combinations(names, 2)],
        side=_side(votes),
        limits=_limits(votes, comparisons, compared, raters, why_not) + [INTERIM] * (study.is_open and bool(votes)),
        level=LEVEL,
        frozen_hash=study.frozen_hash,
        input_hash=input_hash(study, votes),
        code_version=code_version(),
    )


def to_json(report: StudyReport) -> dict[str, Any]:
    """The report as plain values, for commands and scripts."""
    return asdict(report)


def to_html(report: StudyReport) -> str:
    """The report as one file that needs no other: styles and figure inside."""
    styles = "\n".join((settings.BASE_DIR / "static" / "css" / name).read_text() for name in STYLES)
    figure = base64.b64encode(drawing.svg(report)).decode()
    context = {"report": report, "styles": styles, "figure": f"data:image/svg+xml;base64,{figure}"}
    return render_to_string("evaluation/report_file.html", context)


def input_hash(study: Study, votes: Iterable[Vote]) -> str:
    """The hash of everything that a report is computed from."""
    rows = [[v.item, v.one, v.other, v.left, v.choice, v.rater, v.simulated, v.ms] for v in votes]
    facts = {"frozen": study.frozen_hash, "title": study.title, "state": study.state, "votes": rows}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """The hash of the code that computes reports: it changes when their numbers might."""
    here = Path(__file__).parent
    files = sorted([*(here / "stats").glob("*.py"), here / "reports.py", here / "figures.py"])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _share(k: int, n: int) -> Share:
    if not n:
        return Share(k, n, None, None, None)
    return Share(k, n, k / n, *binomial.wilson(k, n, LEVEL))


def _decided(wins: int, losses: int) -> tuple[float | None, float | None, float | None, float | None]:
    """Share, low, high and p of a decided contest; four times None where nothing was decided."""
    part = _share(wins, wins + losses)
    return part.share, part.low, part.high, binomial.sign_test(wins, losses) if part.n else None


def _strengths(table: Any, names: list[str]) -> tuple[dict[str, tuple[float, float, float]], str]:
    """Bradley–Terry strengths with intervals (delta method) by name; or the sentence why there are none."""
    if not table.sum():
        return {}, "No vote preferred one answer over the other, so strengths can't be given."
    try:
        fit = bradley_terry.fit(table)
    except bradley_terry.NotIdentified as error:
        groups = "; ".join(" and ".join(names[index] for index in group) for group in error.components)
        return {}, f"Strengths can't be given: these don't beat each other both ways yet: {groups}."
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
    spread = zip(names, fit.strength, fit.se, strict=True)
    return {name: (float(s), float(s - z * se), float(s + z * se)) for name, s, se in spread}, ""


def _contender(
    name: str,
    names: list[str],
    wins: Counter[tuple[str, str]],
    outcomes: dict[tuple[str, str], Counter[str]],
    strengths: dict[str, tuple[float, float, float]],
) -> ContenderResult:
    won = sum(wins[name, other] for other in names)
    lost = sum(wins[other, name] for other in names)
    ties: Counter[str] = Counter()
    for pair, counts in outcomes.items():
        if name in pair:
            ties.update({choice: counts[choice] for choice in (BOTH_GOOD, BOTH_BAD)})
    strength = strengths.get(name, (None, None, None))
    return ContenderResult(name, won, lost, ties[BOTH_GOOD], ties[BOTH_BAD], *_decided(won, lost), *strength)


def _pair(one: str, other: str, counts: Counter[str]) -> PairResult:
    won, lost, good, bad = (counts[key] for key in OUTCOMES)
    shares = {key: _share(counts[key], counts.total()) for key in OUTCOMES}
    return PairResult(one, other, won, lost, good, bad, *_decided(won, lost), shares)


def _side(votes: list[Vote]) -> SideResult:
    counts = Counter(vote.choice for vote in votes)
    return SideResult(counts[LEFT], counts[RIGHT], *_decided(counts[LEFT], counts[RIGHT]))


def _raters(study: Study, votes: list[Vote]) -> list[RaterResult]:
    given: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes:
        given[vote.rater].append(vote)
    results = []
    for number, label, simulated in study.raters.values_list("number", "label", "is_simulated"):
        own = given[number]
        counts = Counter(vote.choice for vote in own)
        seconds = round(median(vote.ms for vote in own) / 1000, 1) if own else None
        tallies = (counts[LEFT], counts[RIGHT], counts[BOTH_GOOD], counts[BOTH_BAD])
        results.append(RaterResult(label, simulated, len(own), *tallies, seconds))
    return results


def _limits(votes: list[Vote], comparisons: int, compared: int, raters: list[RaterResult], why_not: str) -> list[str]:
    if not votes:
        return ["Nobody has voted yet, so nothing can be said about who is preferred."]
    sentences = [why_not] if why_not else []
    if compared < comparisons:
        sentences.append(f"{comparisons - compared} of {comparisons} comparisons have no vote yet.")
    if sum(rater.votes > 0 for rater in raters) == 1:
        sentences.append("All votes come from one rater: they say what this rater prefers, and no more.")
    if len({vote.item for vote in votes}) == 1:
        sentences.append("All votes are on one item: they say nothing about others.")
    return [*sentences, INDEPENDENCE]
