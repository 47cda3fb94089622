"""Which items a study holds, which pairs it compares, and which rows it must leave out."""

import hashlib
from collections.abc import Iterable
from itertools import combinations

from annotation.models import Snapshot
from evaluation.blind import normalise
from evaluation.errors import StudyError
from evaluation.models import Comparison, Contender, Item, Response, Study
from evaluation.reading import Row, Unreadable, rows_of
from modeling.models import Candidate

Answers = dict[str, Candidate]


def lay_out(study: Study, rows: Iterable[Row]) -> None:
    """Make a draft's items of these rows, every contender's answer to them, and all unordered pairs on each.

    A row that can't be compared fairly is left out and listed in `study.skipped` with the reason.
    """
    contenders = list(study.contenders.order_by("pk"))
    answers = {contender: _answers(contender) for contender in contenders}
    kept: list[Row] = []
    skipped: list[dict[str, str]] = []
    for row in rows:
        why = _obstacle(row, answers)
        if why:
            skipped.append({"row": row.row, "why": why})
        else:
            kept.append(row)
    if not kept:
        reasons = "; ".join(sorted({left_out["why"] for left_out in skipped})) or "the split has no rows"
        raise StudyError("nothing-to-compare", f"No row of {study.split} can be compared: {reasons}.")
    items = Item.objects.bulk_create(_items(study, kept))
    Response.objects.bulk_create(
        _response(item, contender, answers[contender][item.row]) for item in items for contender in contenders
    )
    Comparison.objects.bulk_create(
        Comparison(item=item, lo=lo, hi=hi) for item in items for lo, hi in combinations(contenders, 2)
    )
    study.skipped = skipped
    study.save(update_fields=["skipped"])


def rows_to_compare(snapshot: Snapshot, split: str) -> list[Row]:
    """Every row of a split; StudyError where the files can't be read."""
    try:
        return rows_of(snapshot.path, split)
    except Unreadable as error:
        raise StudyError(error.code, error.message) from error


def _answers(contender: Contender) -> Answers:
    return {candidate.row: candidate for candidate in contender.generation.candidates.filter(index=0)}


def _obstacle(row: Row, answers: dict[Contender, Answers]) -> str:
    if not row.is_answerable:
        return "nothing was said or played before the answer"
    for contender, given in answers.items():
        if row.row not in given:
            return f"{contender.name} has no answer"
        if not normalise(given[row.row].text):
            return f"{contender.name} has an empty answer"
    return ""


def _items(study: Study, rows: Iterable[Row]) -> list[Item]:
    return [
        Item(study=study, row=row.row, position=position, context=row.context, clip=row.clip, topic=row.topic[:60])
        for position, row in enumerate(rows)
    ]


def _response(item: Item, contender: Contender, candidate: Candidate) -> Response:
    digest = hashlib.sha256(candidate.text.encode()).hexdigest()
    shown = normalise(candidate.text)
    return Response(
        item=item, contender=contender, candidate=candidate, text=candidate.text, shown=shown, sha256=digest
    )
