"""What an analysis is computed from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from evaluation.findings.votes import Votes
from evaluation.findings.whole import Facts
from evaluation.flow import flow_of
from evaluation.measuring import concords
from evaluation.models import Comparison, MetricRun, Response, Study
from evaluation.panel import panel_of, runs_of
from evaluation.votes import Vote
from modeling.models import Source


def facts_of(study: Study, looked_at: list[Vote]) -> Facts:
    """All that a report needs beside the votes, which are read once, those of checks and repeats too."""
    flow = flow_of(study)
    votes = [vote for vote in looked_at if vote.kind == "main"]
    people = {row["number"]: row for row in study.raters.values("number", "label", "is_simulated", "excluded_for")}
    expert = study.contenders.filter(generation__source=Source.EXPERT).values_list("name", flat=True).first()
    shown = Response.objects.filter(item__study=study, contender__isnull=False)
    run = MetricRun.objects.filter(study=study).finished().first()
    comparisons = Comparison.objects.filter(item__study=study).count()
    return Facts(
        study={
            "id": study.pk,
            "title": study.title,
            "state": study.state,
            "question": study.question,
            "snapshot": study.snapshot.name,
            "split": study.split,
            "items": study.items.count(),
            "skipped": len(study.skipped),
            "frozen_hash": study.frozen_hash,
        },
        comparisons=comparisons,
        wanted=comparisons * study.ratings_per_comparison,
        flow={
            name: getattr(flow, name)
            for name in ("invited", "started", "consented", "screened_out", "withdrawn", "completed", "excluded")
        },
        expert=expert,
        texts={(name, row): text for name, row, text in shown.values_list("contender__name", "item__row", "shown")},
        simulated=frozenset(row["label"] for row in people.values() if row["is_simulated"]),
        excluded=frozenset(row["label"] for row in people.values() if row["excluded_for"]),
        flags={people[number]["label"]: tuple(rules) for number, rules in flow.flags.items()},
        repeats=repeats_of(looked_at),
        reasons=sum(bool(vote.reason) for vote in votes),
        metrics=metrics_of(run, votes) if run else None,
        judges=judges_of(study),
    )


def judges_of(study: Study) -> tuple[dict[str, Any], ...]:
    """Each judge's newest run: how many questions were scored, rank-1 shares and mean ranks."""
    if not runs_of(study):
        return ()
    kept = ("name", "verdicts", "best", "mean_rank")
    return tuple(
        {
            **{key: getattr(judge, key) for key in ("run", "judge", "template", "is_scripted", "scored", "attempted")},
            "standings": [{key: getattr(each, key) for key in kept} for each in judge.standings],
        }
        for judge in panel_of(study).judges
    )


def repeats_of(votes: list[Vote]) -> tuple[int, int]:
    """Pairs that a rater saw again and answered the same, of how many."""
    again = [vote for vote in votes if vote.kind == "repeat"]
    if not again:
        return 0, 0
    wanted = {_seen(vote) for vote in again}
    first = {_seen(vote): vote.outcome for vote in votes if vote.kind == "main" and _seen(vote) in wanted}
    pairs = [(first[_seen(vote)], vote.outcome) for vote in again if _seen(vote) in first]
    return sum(before == after for before, after in pairs), len(pairs)


def _seen(vote: Vote) -> tuple[int, str, str, str]:
    return vote.rater, vote.item, vote.one, vote.other


def metrics_of(run: MetricRun, votes: list[Vote]) -> dict[str, Any]:
    """The newest metrics, with their τ on the votes of this analysis."""
    kept = {name: value for name, value in run.result.items() if name not in ("scores", "tau", "votes")}
    return kept | {"tau": concords(run.result, votes), "input_hash": run.input_hash}


def input_hash(facts: Facts, votes: Votes) -> str:
    """The hash of everything that an analysis is computed from."""
    seen = hashlib.sha256()
    for part in fields(votes):
        value = getattr(votes, part.name)
        kinds = value if isinstance(value, Mapping) else {"": value}
        for name, column in sorted(kinds.items()):
            seen.update(json.dumps([part.name, name, len(column)]).encode())
            if isinstance(column, np.ndarray) and column.dtype.kind == "i":
                seen.update(column.astype("<i8").tobytes())
            else:
                seen.update(json.dumps(list(column)).encode())
    names = ("study", "comparisons", "wanted", "flow", "expert", "repeats", "reasons", "judges")
    told = {name: getattr(facts, name) for name in names}
    told |= {"flags": {key: list(rules) for key, rules in facts.flags.items()}, "metrics": facts.metrics}
    told |= {"simulated": sorted(facts.simulated), "excluded": sorted(facts.excluded)}
    told["texts"] = sorted([*key, text] for key, text in facts.texts.items())
    seen.update(json.dumps(told, sort_keys=True).encode())
    return seen.hexdigest()
