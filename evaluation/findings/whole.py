"""A study's whole report as plain values: the same facts and votes give the same bytes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.findings import people, preference, words
from evaluation.findings.votes import Votes
from evaluation.stats import leak

MAX_TEXTS = 20_000  # of which the leak is measured: it is the same with more


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report needs beside the votes."""

    study: Mapping[str, Any]  # title, question, state, …: printed as they are
    comparisons: int
    wanted: int  # votes that the protocol asks for
    flow: Mapping[str, Any]
    expert: str | None  # the contender that is the human expert
    texts: Mapping[tuple[str, str], str]  # (contender, item) → what raters saw
    simulated: frozenset[str] = frozenset()  # raters' labels
    excluded: frozenset[str] = frozenset()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a rater's label → rules
    repeats: tuple[int, int] = (0, 0)  # pairs seen again that got the same answer, of how many
    reasons: int = 0
    metrics: Mapping[str, Any] | None = None
    judges: tuple[Mapping[str, Any], ...] = ()


def report(facts: Facts, votes: Votes, *, draws: int, seed: int) -> dict[str, Any]:
    """Compute all that a report says of all votes; those of excluded raters count beside, never in the headline."""
    out = np.isin(votes.rater, [place for place, label in enumerate(votes.raters) if label in facts.excluded])
    counted = votes.only(~out)
    head = preference.of(counted, draws=draws, seed=seed)
    everyone = preference.of(votes, draws=draws, seed=seed) if out.any() else None
    compared = len(np.unique((counted.item * len(votes.names) + counted.one) * len(votes.names) + counted.other))
    lengths = {key: len(text) for key, text in facts.texts.items()}
    raters = [
        row
        | {
            "simulated": row["label"] in facts.simulated,
            "excluded": row["label"] in facts.excluded,
            "flags": list(facts.flags.get(row["label"], ())),
        }
        for row in sorted(people.raters_of(votes), key=lambda row: _by_number(row["label"]))
    ]
    simulated = sum(row["votes"] for row in raters if row["simulated"] and not row["excluded"])
    same, again = facts.repeats
    told: dict[str, Any] = {
        "study": dict(facts.study) | {"comparisons": facts.comparisons, "compared": compared, "wanted": facts.wanted},
        "flow": dict(facts.flow),
        **head,
        "simulated_votes": simulated,
        "everyone": everyone,
        "topics": people.topics_of(counted),
        "rater_rows": raters,
        "side": people.side_of(counted),
        "length": people.length_of(counted, lengths),
        "criteria": people.criteria_of(counted),
        "agreement": people.agreement_of(counted, seed),
        "repeats": {"same": same, "n": again, "share": same / again if again else None},
        "blinding": people.blinding_of(counted, facts.expert),
        "leak": leak_of(facts.texts),
        "metrics": dict(facts.metrics) if facts.metrics else None,
        "judges": [dict(judge) for judge in facts.judges],
        "expert": facts.expert,
        "reasons": facts.reasons,
        "level": 0.95,
    }
    told["limits"] = words.limits(told)
    told["methods"] = words.methods(told, draws=draws, seed=seed)
    plain: dict[str, Any] = rounded(told)
    return plain


def _by_number(label: str) -> list[str | int]:
    """Rater 9 comes before Rater 10."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]{1,18})", label))]


def leak_of(texts: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """How well surface features alone tell contenders apart, on items that the classifier never saw."""
    kept = sorted(texts)[:MAX_TEXTS]
    if not kept:
        return {"auc": None, "texts": 0, "features": list(leak.SURFACE)}
    features = np.array([leak.surface(texts[key]) for key in kept])
    value = leak.auc(features, [name for name, _ in kept], [item for _, item in kept])
    return {"auc": value, "texts": len(kept), "features": list(leak.SURFACE)}


def rounded(value: Any) -> Any:
    """Plain values for JSON: floats to nine digits (the last ones differ between processors), no NaN, no numpy."""
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{float(value):.9g}") + 0.0 if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def as_bytes(result: Mapping[str, Any]) -> bytes:
    """The one way in which a result is written."""
    return json.dumps(result, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
