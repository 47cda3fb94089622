"""What a study's metrics are computed from, and whether they prefer what its raters prefer."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from evaluation.metrics import NAMES
from evaluation.metrics.concord import kendall
from evaluation.models import MetricRun, Response, Study
from mixassist_site.jobs import JobError
from modeling.backbones.errors import CoreError
from modeling.training.examples import read_split


class Decided(Protocol):
    """As much of a vote as metrics are compared with."""

    @property
    def item(self) -> str: ...
    @property
    def one(self) -> str: ...
    @property
    def other(self) -> str: ...
    @property
    def winner(self) -> str | None: ...


def inputs_of(study: Study) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What the expert said, {item: text}, and each contender's answers as generated, {contender: {item: text}}."""
    answers: dict[str, dict[str, str]] = {name: {} for name in study.contenders.values_list("name", flat=True)}
    rows = Response.objects.filter(item__study=study, contender__isnull=False)
    for name, row, text in rows.order_by("pk").values_list("contender__name", "item__row", "text"):
        answers[name][row] = text
    try:
        said = {example.row: example.answer for example in read_split(study.snapshot.path, study.split)}
    except CoreError as error:
        raise JobError(error.code, error.sentence) from None
    items = {item for given in answers.values() for item in given}
    references = {item: text for item, text in sorted(said.items()) if item in items and text}
    if not references:
        raise JobError(
            "no-references", "No item of this study has an answer of the expert, so there is nothing to measure."
        )
    return references, answers


def input_hash(references: Mapping[str, str], answers: Mapping[str, Mapping[str, str]], run: MetricRun) -> str:
    """The hash of everything that metrics are computed from."""
    facts = [references, answers, run.model, run.revision, run.layer, run.baseline, run.seed]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def concords(result: Mapping[str, Any], votes: Sequence[Decided]) -> dict[str, dict[str, Any]]:
    """Each metric's τ with decided votes; pairs with an answer that is the reference itself are left out."""
    scores: Mapping[str, Mapping[str, list[float | None]]] = result.get("scores", {})
    copied = {row["name"] for row in result.get("contenders", []) if row["is_reference"]}
    found: dict[str, tuple[list[float], list[int], list[str]]] = defaultdict(lambda: ([], [], []))
    for vote in votes:
        if vote.winner is None or vote.one in copied or vote.other in copied:
            continue
        one, other = scores.get(vote.one, {}).get(vote.item), scores.get(vote.other, {}).get(vote.item)
        if not one or not other:
            continue
        for name, a, b in zip(NAMES, one, other, strict=True):
            if a is not None and b is not None:
                differences, preferences, items = found[name]
                differences.append(a - b)
                preferences.append(1 if vote.winner == vote.one else -1)
                items.append(vote.item)
    return {name: asdict(kendall(*found[name], seed=int(result.get("seed", 0)))) for name in NAMES}
