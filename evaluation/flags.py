"""What looks odd about a rater, by rule; a person decides what follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Max, Q
from django.db.models.functions import Length

from evaluation.ending import FAILED_ATTENTION
from evaluation.models import Assignment, Rating, Response, Study
from evaluation.models.rater import RaterQuerySet
from evaluation.stats.binomial import sign_test, wilson
from evaluation.votes import LEFT, RIGHT, Vote, votes_of

RULES = {
    "attention": "Failed two attention pairs or more.",
    "gold": "The 95 % interval of the gold pairs they got right lies below 80 %.",
    "speed": "More than a fifth of the votes came before the texts can have been read.",
    "side": "Chose one side so often that chance explains it in less than one case of a thousand.",
    "repeats": "Chose the same side, and so the other answer, in most of the pairs that they saw again exchanged.",
    "listening": "Told only in words, in more than half of the pairs with a clip, that they had listened.",
    "account": "Came with a browser in which somebody with a role in the project was logged in.",
}
GOLD_SHARE = 0.8
FAST_SHARE = 0.2
MOST_SHARE = 0.5
FEWEST_REPEATS = 4
SIDE_P = 0.001
LEAST_MS = 4000
SIXTHS_PER_CHARACTER = 100  # of a millisecond: ten words a second, and six characters a word
Kind = Assignment.Kind
REAL = Q(assignment__kind__in=(Kind.MAIN, Kind.REPEAT))
COUNTS = ("votes", "real", "left", "right", "attention", "attention_right", "gold", "gold_right")


@dataclass(frozen=True, slots=True)
class Checked:
    """What one rater did, as far as the rules look at it."""

    votes: int
    attention: tuple[int, int]  # right, of
    gold: tuple[int, int]
    fast: tuple[int, int]
    left: int
    right: int
    same_side: tuple[int, int]  # repeats with the same side chosen, of those with a side both times
    unheard: tuple[int, int]
    knows_project: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """The rules that this rater meets."""
        right, of = self.gold
        met = {
            "attention": self.attention[1] - self.attention[0] >= FAILED_ATTENTION,
            "gold": of > 0 and wilson(right, of, 0.95)[1] < GOLD_SHARE,
            "speed": _share(self.fast) > FAST_SHARE,
            "side": self.left + self.right > 0 and sign_test(self.left, self.right) < SIDE_P,
            "repeats": self.same_side[1] >= FEWEST_REPEATS and _share(self.same_side) > MOST_SHARE,
            "listening": _share(self.unheard) > MOST_SHARE,
            "account": self.knows_project,
        }
        return tuple(rule for rule in RULES if met[rule])


def looked_at(study: Study) -> list[Vote]:
    """The votes that the rules look at: all but practice, those of excluded raters too."""
    kinds = [kind.value for kind in Assignment.Kind if kind != Assignment.Kind.PRACTICE]
    return votes_of(study, include=kinds, excluded=True)


def checked(study: Study, raters: Iterable[int] | None = None) -> dict[int, Checked]:
    """What the rules see of each rater, or of these, by the rater's number; counted by the database."""
    people = study.raters.all() if raters is None else study.raters.filter(number__in=set(raters))
    votes, fast, clips, twice = _counted(people), _fast(study, people), _clips(study, people), _twice(people)
    none: dict[str, int] = dict.fromkeys(COUNTS, 0)
    found = {}
    for pk, number, knows in people.values_list("pk", "number", "knows_project"):
        told = votes.get(pk, none)
        found[number] = Checked(
            votes=told["votes"],
            attention=(told["attention_right"], told["attention"]),
            gold=(told["gold_right"], told["gold"]),
            fast=(fast.get(pk, 0), told["real"]),
            left=told["left"],
            right=told["right"],
            same_side=twice.get(pk, (0, 0)),
            unheard=clips.get(pk, (0, 0)),
            knows_project=knows,
        )
    return found


def _counted(people: RaterQuerySet) -> dict[int, dict[str, int]]:
    """Each rater's votes by what they are on, and how many of them are right."""
    better = Q(assignment__left=F("assignment__check_pair__better"))
    right = Q(choice=LEFT) & better | Q(choice=RIGHT) & ~better
    kind = {name: Q(assignment__kind=name) for name in (Kind.MAIN, Kind.ATTENTION, Kind.GOLD)}
    asked = {
        "votes": kind[Kind.MAIN], "real": REAL, "left": REAL & Q(choice=LEFT), "right": REAL & Q(choice=RIGHT),
        "attention": kind[Kind.ATTENTION], "attention_right": kind[Kind.ATTENTION] & right,
        "gold": kind[Kind.GOLD], "gold_right": kind[Kind.GOLD] & right,
    }  # fmt: skip
    rows = Rating.objects.current().filter(assignment__rater__in=people).order_by().values_list("assignment__rater")
    told = rows.annotate(**{name: Count("pk", filter=asked[name]) for name in COUNTS})
    return {rater: dict(zip(COUNTS, counts, strict=True)) for rater, *counts in told}


def _fast(study: Study, people: RaterQuerySet) -> dict[int, int]:
    """How often each rater's first vote came before two answers of their length can have been read."""
    first = Rating.objects.filter(REAL, assignment__rater__in=people, replaces=None).order_by()
    read = Length("assignment__left__shown") + Length("assignment__right__shown")
    early = Q(ms_to_vote__lt=LEAST_MS) | Q(sixths__lt=F("characters") * SIXTHS_PER_CHARACTER)
    longest = Response.objects.filter(item__study=study).aggregate(most=Max(Length("shown")))["most"] or 0
    slow = max(LEAST_MS, 2 * longest * SIXTHS_PER_CHARACTER // 6 + 1)  # from here on no text has to be measured
    rows = first.filter(ms_to_vote__lt=slow).annotate(characters=read, sixths=F("ms_to_vote") * 6).filter(early)
    return dict(rows.values_list("assignment__rater").annotate(n=Count("pk")))


def _clips(study: Study, people: RaterQuerySet) -> dict[int, tuple[int, int]]:
    """Of each rater's pairs with a clip under a listening rule: how often nobody measured the listening."""
    if study.protocol.get("listening", "none") == "none":
        return {}
    real = Assignment.objects.rated().filter(rater__in=people, kind__in=(Kind.MAIN, Kind.REPEAT))
    rows = real.exclude(item__clip="").order_by().values("rater")
    told = rows.annotate(unheard=Count("pk", filter=Q(heard_ms=None)), clips=Count("pk"))
    return {row["rater"]: (row["unheard"], row["clips"]) for row in told}


def _twice(people: RaterQuerySet) -> dict[int, tuple[int, int]]:
    """Of each rater's repeats with a side chosen both times: how often it was the same side."""
    sided = Rating.objects.current().filter(assignment__rater__in=people, choice__in=(LEFT, RIGHT))
    again = list(
        sided.filter(assignment__kind=Kind.REPEAT).values_list("assignment__rater", "assignment__repeat_of", "choice")
    )
    if not again:
        return {}
    repeated = Assignment.objects.filter(rater__in=people, kind=Kind.REPEAT).values("repeat_of")
    before = dict(sided.filter(assignment__in=repeated).values_list("assignment", "choice"))
    told: dict[int, tuple[int, int]] = {}
    for rater, first, choice in again:
        if first in before:
            same, both = told.get(rater, (0, 0))
            told[rater] = same + (choice == before[first]), both + 1
    return told


def _share(counted: tuple[int, int]) -> float:
    part, whole = counted
    return part / whole if whole else 0.0
