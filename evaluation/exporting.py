"""A study's votes for other programs: CSV, JSON lines with the presented order, and what arena tools read."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from evaluation.models import Assignment, Study
from evaluation.votes import LEFT, RIGHT, Vote, votes_of

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "arena": "application/x-ndjson"}
FIELDS = (
    "item", "topic", "kind", "rater", "simulated", "excluded", "left", "right", "choice", "winner", "strength",
    "criteria", "reason", "guess", "ms", "served_at",
)  # fmt: skip
WINNERS = {LEFT: "model_a", RIGHT: "model_b", "both_good": "tie", "both_bad": "both_bad"}


def lines(study: Study, form: str) -> Iterator[str]:
    """The lines of one format. Raters are numbers; who was excluded is told, and left out of the arena's alone."""
    served = dict(Assignment.objects.rated().filter(rater__study=study).values_list("pk", "served_at"))
    if form == "arena":
        battles = (_battle(vote, served) for vote in votes_of(study) if vote.choice in WINNERS)
        yield from (json.dumps(battle) + "\n" for battle in battles)
        return
    excluded = set(study.raters.exclude(excluded_for="").values_list("number", flat=True))
    kinds = [kind.value for kind in Assignment.Kind]
    rows = (row_of(vote, excluded, served) for vote in votes_of(study, include=kinds, excluded=True))
    if form == "jsonl":
        yield from (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    yield ",".join(FIELDS) + "\r\n"
    for row in rows:
        out = io.StringIO()
        csv.writer(out).writerow(_cell(row[name]) for name in FIELDS)
        yield out.getvalue()


def row_of(vote: Vote, excluded: set[int], served: Mapping[int, datetime]) -> dict[str, Any]:
    """One vote with what stood where."""
    right = vote.other if vote.left == vote.one else vote.one
    told = {"right": right, "winner": vote.winner, "excluded": vote.rater in excluded}
    told["served_at"] = served[vote.assignment].isoformat()
    return {name: told[name] if name in told else getattr(vote, name) for name in FIELDS}


def _battle(vote: Vote, served: Mapping[int, datetime]) -> dict[str, Any]:
    right = vote.other if vote.left == vote.one else vote.one
    return {
        "model_a": vote.left,
        "model_b": right,
        "winner": WINNERS[vote.choice],
        "judge": f"rater-{vote.rater}",
        "tstamp": served[vote.assignment].timestamp(),
        "question_id": vote.item,
    }


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets a stroke before it."""
    if isinstance(value, dict):
        return json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
