"""How evenly a study's comparisons, items and sides are filled."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q

from evaluation.models import Assignment, Comparison, Item, Study


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
    rated = Q(assignments__state=Assignment.State.RATED, assignments__kind=Assignment.Kind.MAIN)
    cells = Comparison.objects.filter(item__study=study).annotate(n=Count("assignments", filter=rated))
    items = Item.objects.filter(study=study, is_check=False).annotate(n=Count("assignments", filter=rated))
    sides = Assignment.objects.rated().main().filter(rater__study=study)
    left = Counter(sides.values_list("left__contender__name", flat=True))
    right = Counter(sides.values_list("right__contender__name", flat=True))
    names = study.contenders.order_by("pk").values_list("name", flat=True)
    return Balance(
        cells=_span(list(cells.values_list("n", flat=True))),
        items=_span(list(items.values_list("n", flat=True))),
        contenders=[Sides(name, left[name], right[name]) for name in names],
    )


def _span(counts: list[int]) -> Span:
    return Span(min(counts, default=0), max(counts, default=0))
