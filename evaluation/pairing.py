"""Which items a study holds, which pairs it compares, and which rows it must leave out."""

import hashlib
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from evaluation.blind import normalise
from evaluation.errors import StudyError
from evaluation.models import Comparison, Contender, Item, Response, Study
from modeling.backbones.errors import TrainingError
from modeling.backbones.example import Example
from modeling.models import Candidate

SPEAKERS = {"user": "Amateur", "assistant": "Expert"}
Answers = dict[str, Candidate]


def lay_out(study: Study) -> None:
    """Make the items of a draft, every contender's answer to them, and all unordered pairs of contenders on each.

    A row that can't be compared fairly is left out and listed in `study.skipped` with the reason.
    """
    contenders = list(study.contenders.order_by("pk"))
    answers = {contender: _answers(contender) for contender in contenders}
    kept: list[Example] = []
    skipped: list[dict[str, str]] = []
    for example in _examples(study):
        why = _obstacle(example, answers)
        if why:
            skipped.append({"row": example.row, "why": why})
        else:
            kept.append(example)
    if not kept:
        reasons = "; ".join(sorted({row["why"] for row in skipped})) or "the split has no rows"
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


def _examples(study: Study) -> list[Example]:
    from modeling.training.examples import read_split  # reads Parquet: only who lays out a study pays for that

    try:
        return read_split(study.snapshot.path, study.split)
    except TrainingError as error:
        raise StudyError(error.code, error.sentence) from error


def _answers(contender: Contender) -> Answers:
    return {candidate.row: candidate for candidate in contender.generation.candidates.filter(index=0)}


def _obstacle(example: Example, answers: dict[Contender, Answers]) -> str:
    if not example.is_answerable:
        return "nothing was said or played before the answer"
    for contender, given in answers.items():
        if example.row not in given:
            return f"{contender.name} has no answer"
        if not normalise(given[example.row].text):
            return f"{contender.name} has an empty answer"
    return ""


def _items(study: Study, examples: Iterable[Example]) -> list[Item]:
    root = study.snapshot.path.resolve()
    return [
        Item(
            study=study,
            row=example.row,
            position=position,
            context=_context(example),
            clip=str(example.audio.relative_to(root)) if example.audio else "",
        )
        for position, example in enumerate(examples)
    ]


def _context(example: Example) -> dict[str, Any]:
    turns = [{"speaker": SPEAKERS.get(said.role, "Amateur"), "text": said.text} for said in example.history]
    asked = example.user
    if asked and example.summary and asked.startswith(example.summary):
        asked = asked[len(example.summary) :].strip() or None  # a published row carries its summary in front
    return {"summary": example.summary, "turns": turns, "asked": asked}


def _response(item: Item, contender: Contender, candidate: Candidate) -> Response:
    digest = hashlib.sha256(candidate.text.encode()).hexdigest()
    shown = normalise(candidate.text)
    return Response(
        item=item, contender=contender, candidate=candidate, text=candidate.text, shown=shown, sha256=digest
    )
