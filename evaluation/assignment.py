"""Which comparison a rater gets next, and which answer stands on the left.

A rater goes through every conversation in its order and never back: a later turn quotes what the expert said at an
earlier one. Among what is ahead, and leaves enough pairs for the rest of the way, the least-filled comparison goes
first, then the least-seen item, and the one that passes over the fewest that are seen as little, or would be if a
pair that is open now should never be judged: nobody could go back for them. Where every way passes over some, they go
first, if they are at most one vote fuller. Then come the comparison whose sides even
out best before this rater, the nearest, the least-seen pair, and the one whose contenders this rater has seen least;
what is still equal is settled by dice that need the site's key.
The left side goes to the contender that has stood there less often in this comparison; then, where two or more are to
be evened out, before this rater or in the whole study; else to chance, for sides that alternate can be foretold.
Practice comes before, checks and repeats come between (`extras.py`).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, takewhile
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.crypto import salted_hmac

from evaluation import extras
from evaluation.designs import planned
from evaluation.models import Assignment, Comparison, Item, Rater, Response, Study
from evaluation.rules import Rules, rules_of


class Cell(NamedTuple):
    """A comparison that could be next; one of thousands that are weighed for each page."""

    pk: int
    item: int
    lo: int
    hi: int
    placed: int
    lo_left: int
    placed_on_item: int
    row: str  # the item's
    position: int  # the item's
    open_on_item: int  # before raters now, who may never vote


@dataclass(frozen=True, slots=True)
class Balance:
    """What has been shown so far: per pair, per contender, and to this rater."""

    pairs: Counter[tuple[int, int]]
    left: Counter[int]
    shown: Counter[int]
    left_to_rater: Counter[int]
    shown_to_rater: Counter[int]

    def surplus(self, contender: int) -> int:
        """How much more often a contender has stood on the left than on the right."""
        return 2 * self.left[contender] - self.shown[contender]

    def surplus_to_rater(self, contender: int) -> int:
        """The same, before this rater."""
        return 2 * self.left_to_rater[contender] - self.shown_to_rater[contender]


def next_for(rater: Rater, *, now: datetime | None = None) -> Assignment | None:
    """The rater's open assignment, or a new one; None when nothing is left for this rater.

    A reload gets the same assignment again. One transaction under a lock on the study, so that raters who ask at the
    same moment see each other's choice.
    """
    now = now or timezone.now()
    lease = timedelta(minutes=rater.study.protocol["lease_minutes"])
    held = _open_of(rater)
    if held and held.lease_until > now + lease / 2:
        return held
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=rater.study_id)
        if not Rater.objects.with_a_living_link().filter(pk=rater.pk, outcome="").exists():
            return None
        if held := _open_of(rater):
            Assignment.objects.filter(pk=held.pk).update(lease_until=now + lease)
            return held
        take_back(study, now)
        given = list(rater.assignments.values_list("kind", "state", "left__contender", "right__contender"))
        mine = [one for one in given if one[0] == Assignment.Kind.MAIN]
        rated = sum(state == Assignment.State.RATED for _, state, _, _ in mine)
        when: dict[str, Any] = {"number": len(given) + 1, "served_at": now, "lease_until": now + lease}
        rules = rules_of(study.protocol)
        kinds = [kind for kind, *_ in given]
        if due := extras.due(study, rater, rules, rated, kinds):
            return extras.place(study, rater, due, **when)
        wanted = study.trials_per_rater - rated
        cells = _cells_for(rater, study) if wanted > 0 else []
        if rules.design == "closed":
            cells = _planned(cells, study, rater)
        balance = _balance(study, [sides for _, _, *sides in mine])
        cells = least_filled(cells, wanted, balance)
        if cells:
            cell, lo_left = pick(cells, balance, _dice(study, rater, when["number"]))
            return _place(rater, cell, lo_left, rules, **when)
        if rest := extras.rest(rater, rules, kinds):  # nothing is ahead any more: what is still due comes now
            return extras.place(study, rater, rest, **when)
        return None


def held_until(rater: Rater) -> datetime | None:
    """When the first of the pairs that this rater could still judge, and others have open now, may come back.

    None where the rater is done, or where nothing of theirs is before others.
    """
    if rater.assignments.rated().main().count() >= rater.study.trials_per_rater:
        return None
    others = Assignment.objects.open().main().filter(rater__study=rater.study).exclude(rater=rater)
    furthest = _furthest(rater)
    rows = others.order_by("lease_until").values_list("item__row", "item__position", "lease_until")
    return next((until for row, position, until in rows if position > furthest.get(_conversation(row), -1)), None)


def take_back(study: Study, now: datetime) -> int:
    """Return what raters left open beyond its lease, so that others get it; give the number of assignments."""
    lapsed = Assignment.objects.open().main().filter(rater__study=study, lease_until__lt=now)
    return _return_all(lapsed)


def revoke(rater: Rater, *, now: datetime | None = None) -> bool:
    """Take a rater's link back, and what it holds open; their ratings stay. False when it was taken back before."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)
        living = Rater.objects.filter(pk=rater.pk, revoked_at=None)
        revoked = living.update(revoked_at=now or timezone.now()) == 1
        _return_all(Assignment.objects.open().filter(rater=rater))
    return revoked


def pick(cells: list[Cell], balance: Balance, rng: random.Random) -> tuple[Cell, bool]:
    """Choose among comparisons that are filled alike, and say whether `lo` stands left in it."""
    sided = [(cell, lo_stands_left(cell, balance, rng)) for cell in cells]

    def rank(choice: tuple[Cell, bool]) -> tuple[int, int, int]:
        cell, lo_left = choice
        seen = balance.shown_to_rater[cell.lo] + balance.shown_to_rater[cell.hi]
        return balance.pairs[cell.lo, cell.hi], _tilt(cell, lo_left, balance), seen

    least = min(map(rank, sided))
    return rng.choice([choice for choice in sided if rank(choice) == least])


def lo_stands_left(cell: Cell, balance: Balance, rng: random.Random) -> bool:
    """Draw the side: what is due in the comparison, then what evens out the rater's, then all; else by chance."""
    rater = _worth(balance.surplus_to_rater(cell.lo)) - _worth(balance.surplus_to_rater(cell.hi))
    study = _worth(balance.surplus(cell.lo)) - _worth(balance.surplus(cell.hi))
    for surplus in (-_due(cell), rater, study):
        if surplus:
            return surplus < 0
    return rng.random() < 0.5


def _due(cell: Cell) -> int:
    """1 where the comparison has yet to show `lo` on the left, -1 where on the right, 0 where both are even."""
    return (cell.placed > 2 * cell.lo_left) - (cell.placed < 2 * cell.lo_left)


def _worth(surplus: int) -> int:
    """A surplus of one is not worth evening out: sides that always were would alternate."""
    return surplus if abs(surplus) >= 2 else 0


def _strain(cell: Cell, balance: Balance) -> tuple[int, int]:
    """What the side that is due does to this rater: the widest surplus from two on, and how far it evens out."""
    lo, hi = balance.surplus_to_rater(cell.lo), balance.surplus_to_rater(cell.hi)
    uneven = _worth(lo) - _worth(hi)
    sides = (_due(cell),) if _due(cell) else (1, -1)
    return min((max(abs(lo + step), abs(hi - step), 2), step * uneven) for step in sides)


def _tilt(cell: Cell, lo_left: bool, balance: Balance) -> int:
    """How much the squared surpluses worth evening out, for the rater and over all, would grow; less is better."""
    step = 1 if lo_left else -1
    surpluses = (balance.surplus, balance.surplus_to_rater)
    return sum(2 * step * (_worth(each(cell.lo)) - _worth(each(cell.hi))) + 2 for each in surpluses)


def _dice(study: Study, rater: Rater, number: int) -> random.Random:
    """The dice of one pair of one rater: the same again here, and not to be foretold from what people may read."""
    words = f"{study.key}:{study.seed}:{rater.number}:{number}"
    return random.Random(salted_hmac("evaluation.assignment", words, algorithm="sha256").hexdigest())


def _open_of(rater: Rater) -> Assignment | None:
    seen = Assignment.objects.open().select_related("item", "left", "right", "check_pair")
    return seen.filter(rater=rater).first()


def _cells_for(rater: Rater, study: Study) -> list[Cell]:
    """The comparisons that want votes and that this rater can still judge blind, in the order of their items."""
    furthest = _furthest(rater)
    rows = Comparison.objects.filter(item__study=study, placed__lt=study.ratings_per_comparison)
    of_item = ("item__placed", "item__row", "item__position")
    fields = rows.order_by("item__position", "pk").values_list("pk", "item", "lo", "hi", "placed", "lo_left", *of_item)
    opened = Counter(Assignment.objects.open().main().filter(rater__study=study).values_list("item", flat=True))
    cells = (Cell._make((*values, opened[values[1]])) for values in fields)
    return [cell for cell in cells if cell.position > furthest.get(_conversation(cell.row), -1)]


def _furthest(rater: Rater) -> dict[str, int]:
    """The position of the last item of each conversation that this rater has seen."""
    seen = rater.assignments.main().order_by("item__position").values_list("item__row", "item__position")
    return {_conversation(row): position for row, position in seen}


def least_filled(cells: list[Cell], wanted: int, balance: Balance) -> list[Cell]:
    """Those of the least-filled comparisons after which as many items are ahead as this rater's votes want.

    To take an item is to leave out what lies before it in its conversation. So as few as can be are passed over that
    want a vote, with what is open counted as lost; where every way passes over some, they are taken first. Of what is
    equal the nearest is taken, so that there is room to even out what comes later; where too little is ahead already,
    nothing is left out.
    """
    ahead: dict[str, dict[int, int]] = defaultdict(dict)  # conversation → item → how many lie before it
    for cell in cells:
        items = ahead[_conversation(cell.row)]
        items.setdefault(cell.item, len(items))
    left_out = {item: before for items in ahead.values() for item, before in items.items()}
    spare = max(0, len(left_out) - wanted)
    near = [cell for cell in cells if left_out[cell.item] <= spare]
    filled = min(map(_filled, near), default=(0, 0))
    least = [cell for cell in near if _filled(cell) == filled]
    settled = {cell.item: cell.placed_on_item - cell.open_on_item for cell in cells}
    passed = {item: _wanting(item, items, settled) for items in ahead.values() for item in items}
    if len(ahead) > 1 and all(passed[cell.item] for cell in least):
        missed = set[int]().union(*(passed[cell.item] for cell in least))
        once_more = (filled[0], filled[1] + 1)
        least = [cell for cell in near if cell.item in missed and _filled(cell) <= once_more] or least

    def rank(cell: Cell) -> tuple[int, int, tuple[int, int], int]:
        return len(passed[cell.item]), settled[cell.item], _strain(cell, balance), left_out[cell.item]

    ranked = [(rank(cell), cell) for cell in least]
    first = min((place for place, _ in ranked), default=None)
    return [cell for place, cell in ranked if place == first]


def _filled(cell: Cell) -> tuple[int, int]:
    return cell.placed, cell.placed_on_item


def _wanting(item: int, items: Iterable[int], settled: Mapping[int, int]) -> set[int]:
    """What comes before an item in its conversation and is no better filled, should all come back that is open."""
    return {other for other in takewhile(item.__ne__, items) if settled[other] <= settled[item]}


def _conversation(row: str) -> str:
    return row.rpartition("/")[0]


def _balance(study: Study, seen: list[list[int]]) -> Balance:
    pairs: Counter[tuple[int, int]] = Counter()
    left: Counter[int] = Counter()
    shown: Counter[int] = Counter()
    counted = Comparison.objects.filter(item__study=study).order_by().values("lo", "hi")
    for row in counted.annotate(placed_all=Sum("placed"), lo_left_all=Sum("lo_left")):
        lo, hi, placed, lo_left = row["lo"], row["hi"], row["placed_all"], row["lo_left_all"]
        pairs[lo, hi] = placed
        left.update({lo: lo_left, hi: placed - lo_left})
        shown.update({lo: placed, hi: placed})
    left_to_rater = Counter(one for one, _ in seen)
    shown_to_rater = left_to_rater + Counter(other for _, other in seen)
    return Balance(pairs, left, shown, left_to_rater, shown_to_rater)


def _planned(cells: list[Cell], study: Study, rater: Rater) -> list[Cell]:
    """Of each item the one comparison that a closed design has planned for this rater."""
    pairs = list(combinations(study.contenders.order_by("pk").values_list("pk", flat=True), 2))
    ahead = [cell for cell in cells if (cell.lo, cell.hi) == pairs[planned(rater.number, cell.position, len(pairs))]]
    return [cell for cell in ahead if cell.position == ahead[0].position]  # in the order of the items


def _place(rater: Rater, cell: Cell, lo_left: bool, rules: Rules, **when: Any) -> Assignment:
    answers = {answer.contender_id: answer for answer in Response.objects.filter(item=cell.item)}
    left, right = (cell.lo, cell.hi) if lo_left else (cell.hi, cell.lo)
    _count(cell.pk, cell.item, +1, lo_left)
    place = {"rater": rater, "comparison_id": cell.pk, "item_id": cell.item}
    asked = extras.asked(rater, rules, when["number"])
    return Assignment.objects.create(**place, left=answers[left], right=answers[right], **asked, **when)


def _return_all(open_ones: Any) -> int:
    returned = 0
    rows: Iterable[Assignment] = open_ones.select_related("comparison", "left").order_by("pk")
    for one in rows:
        # a vote may arrive at this very moment: whoever moves the row first decides
        if Assignment.objects.open().filter(pk=one.pk).update(state=Assignment.State.RETURNED):
            release(one)
            returned += 1
    return returned


def release(one: Assignment) -> None:
    """Count a pair of the question as not placed any more: it went back, or its rater has withdrawn."""
    if one.kind == Assignment.Kind.MAIN and one.comparison:
        _count(one.comparison.pk, one.item_id, -1, one.left.contender_id == one.comparison.lo_id)


def _count(comparison: int, item: int, step: int, lo_left: bool) -> None:
    left = F("lo_left") + (step if lo_left else 0)
    Comparison.objects.filter(pk=comparison).update(placed=F("placed") + step, lo_left=left)
    Item.objects.filter(pk=item).update(placed=F("placed") + step)
