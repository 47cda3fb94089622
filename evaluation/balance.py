"""How evenly a study's comparisons, items and sides are filled."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from evaluation.models import Assignment, Comparison, Study


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the most ratings that something has."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Sides:
    """How often a contender stood where, in pairs that were rated."""

    name: str
    left: int
    right: int

    @property
    def share(self) -> float | None:
        """The share of its pairs in which it stood on the left."""
        shown = self.left + self.right
        return self.left / shown if shown else None


@dataclass(frozen=True, slots=True)
class Balance:
    """What the assignment has achieved so far."""

    cells: Span
    items: Span
    contenders: list[Sides]


def balance_of(study: Study) -> Balance:
    """Count the ratings of every comparison and item, and the sides of every contender."""
    rated = Assignment.objects.rated().main().filter(rater__study=study).order_by()
    counted = rated.values_list("comparison", "left__contender", "right__contender").annotate(n=Count("pk"))
    item_of = dict(Comparison.objects.filter(item__study=study).values_list("pk", "item"))
    cells = dict.fromkeys(item_of, 0)
    left, right = Counter[int | None](), Counter[int | None]()
    for cell, one, other, n in counted:
        cells[cell] += n
        left[one] += n
        right[other] += n
    items = dict.fromkeys(study.items.filter(is_check=False).values_list("pk", flat=True), 0)
    for cell, n in cells.items():
        items[item_of[cell]] += n
    contenders = study.contenders.order_by("pk").values_list("pk", "name")
    return Balance(
        cells=_span(list(cells.values())),
        items=_span(list(items.values())),
        contenders=[Sides(name, left[pk], right[pk]) for pk, name in contenders],
    )


def _span(counts: list[int]) -> Span:
    return Span(min(counts, default=0), max(counts, default=0))
