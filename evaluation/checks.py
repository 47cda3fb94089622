"""Checks of a study: practice, attention and gold pairs on items of their own, whose right answer is known."""

import hashlib
import random
from collections.abc import Sequence
from typing import Any

from evaluation.blind import normalise
from evaluation.models import Check, Item, Response, Study
from evaluation.reading import Row
from evaluation.rules import Rules

ORDERS = {
    "left": "This pair only checks that both answers are read: please choose answer A here, as clearly as you can.",
    "right": "This pair only checks that both answers are read: please choose answer B here, as clearly as you can.",
}
LEARNT = "The answer that you should prefer speaks to what the amateur asks here; the other belongs to another moment."


def plain(row: Row) -> Row:
    """A row without what was said before: nothing that stands in a check can tell what the expert says elsewhere."""
    asked: dict[str, Any] = {"summary": None, "turns": [], "asked": row.context.get("asked")}
    return Row(row=row.row, context=asked, clip=row.clip, is_answerable=row.is_answerable, topic=row.topic)


def lay_out(study: Study, kept: Sequence[tuple[Row, str]], rules: Rules) -> None:
    """Make the checks of a draft on these rows, each with a right answer; the wrong ones are right elsewhere."""
    first = study.items.count()
    dice = random.Random(f"checks:{study.key}:{study.seed}")
    kinds = [Check.Kind.PRACTICE] * rules.practice + [Check.Kind.ATTENTION] * rules.attention
    kinds += [Check.Kind.GOLD] * rules.gold
    texts = [text for _, text in kept]
    for position, (kind, (row, text)) in enumerate(zip(kinds, kept, strict=True)):
        bare = plain(row)
        item = Item.objects.create(
            study=study, row=row.row, position=first + position, context=bare.context, clip=row.clip,
            topic=row.topic[:60], is_check=True,
        )  # fmt: skip
        side = dice.choice(["left", "right"]) if kind == Check.Kind.ATTENTION else ""
        other = dice.choice([each for each in texts if normalise(each) != normalise(text)] or [f"{text} Or not."])
        better, worse = (ORDERS[side], text) if side else (text, other)
        Check.objects.create(
            study=study,
            kind=kind,
            position=position,
            item=item,
            better=_response(item, better),
            worse=_response(item, worse),
            side=side,
            feedback=LEARNT if kind == Check.Kind.PRACTICE else "",
        )


def _response(item: Item, text: str) -> Response:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Response.objects.create(item=item, text=text, shown=normalise(text), sha256=digest)
