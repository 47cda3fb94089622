"""Which items a study holds, which pairs it compares, and which rows it must leave out."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, zip_longest

from annotation.models import Snapshot
from evaluation import checks
from evaluation.blind import normalise
from evaluation.errors import StudyError
from evaluation.models import Comparison, Contender, Item, Response, Study
from evaluation.reading import Row, Unreadable, rows_of
from evaluation.rules import Rules
from modeling.models import Candidate, Source

Answers = dict[str, Candidate]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the rows become items: of these topics, with a clip, and so many of them, drawn by the study's seed."""

    topics: tuple[str, ...] = ()
    with_clip: bool = False
    sample: int | None = None


def lay_out(study: Study, rows: Iterable[Row], rules: Rules | None = None, choice: Choice | None = None) -> None:
    """Make a draft's items of these rows, every contender's answer to them, and all unordered pairs on each.

    A row that can't be compared fairly, or isn't chosen, is left out and listed in `study.skipped` with the reason.
    Rows are kept for checks from the ends of conversations: nothing that comes later quotes them.
    """
    rules, choice = rules or Rules(), choice or Choice()
    contenders = list(study.contenders.select_related("generation").order_by("pk"))
    answers = {contender: _answers(contender) for contender in contenders}
    kept: list[Row] = []
    skipped: list[dict[str, str]] = []
    for row in rows:
        why = _unchosen(row, choice) or _obstacle(row, answers)
        if why:
            skipped.append({"row": row.row, "why": why})
        else:
            kept.append(row)
    if not kept:
        reasons = "; ".join(sorted({left_out["why"] for left_out in skipped})) or "the split has no rows"
        raise StudyError("nothing-to-compare", f"No row of {study.split} can be compared: {reasons}.")
    for_checks = _last_of_conversations(kept, rules.checks)
    kept = [row for row in kept if row not in for_checks]
    if len(for_checks) < rules.checks or not kept:
        message = f"{rules.checks} checks need as many rows of their own; {len(kept) + len(for_checks)} can be used."
        raise StudyError("too-few-rows", message)
    if choice.sample is not None and choice.sample < len(kept):
        drawn = set(random.Random(f"items:{study.seed}").sample(range(len(kept)), choice.sample))
        skipped += [{"row": row.row, "why": "not drawn"} for n, row in enumerate(kept) if n not in drawn]
        kept = [row for n, row in enumerate(kept) if n in drawn]
    items = Item.objects.bulk_create(_items(study, kept))
    Response.objects.bulk_create(
        _response(item, contender, answers[contender][item.row]) for item in items for contender in contenders
    )
    Comparison.objects.bulk_create(
        Comparison(item=item, lo=lo, hi=hi) for item in items for lo, hi in combinations(contenders, 2)
    )
    voice = next((each for each in contenders if each.generation.source == Source.EXPERT), contenders[0])
    checks.lay_out(study, [(row, answers[voice][row.row].text) for row in for_checks], rules)
    study.skipped = skipped
    study.save(update_fields=["skipped"])


def _unchosen(row: Row, choice: Choice) -> str:
    if choice.topics and row.topic not in choice.topics:
        return "another topic"
    return "no clip" if choice.with_clip and not row.clip else ""


def _last_of_conversations(rows: list[Row], count: int) -> list[Row]:
    """So many rows from the ends of conversations, in turn: the last of each, then those before them."""
    ends: dict[str, list[Row]] = defaultdict(list)
    for row in reversed(rows):
        ends[row.row.rpartition("/")[0]].append(row)
    layers = zip_longest(*ends.values())
    return [row for layer in layers for row in layer if row is not None][:count]


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
