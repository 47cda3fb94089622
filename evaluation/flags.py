"""What looks odd about a rater, by rule; a person decides what follows from it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.functions import Length

from evaluation.ending import FAILED_ATTENTION
from evaluation.models import Assignment, Rating, Study
from evaluation.stats.binomial import sign_test, wilson
from evaluation.votes import BETTER, LEFT, RIGHT, Vote, votes_of

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
MS_PER_CHARACTER = 100 / 6  # ten words a second, and six characters a word


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


def checked(
    study: Study, raters: Iterable[int] | None = None, votes: Iterable[Vote] | None = None
) -> dict[int, Checked]:
    """What the rules see of each rater, by the rater's number; `votes` are those `looked_at`, where they are read."""
    given: dict[int, list[Vote]] = defaultdict(list)
    for vote in looked_at(study) if votes is None else votes:
        given[vote.rater].append(vote)
    fast, unheard, repeated = _fast(study), _unheard(study), _repeated(study)
    people = study.raters.values_list("number", "knows_project")
    wanted = None if raters is None else set(raters)
    return {
        number: _checked(given[number], fast, unheard, repeated, knows)
        for number, knows in people
        if wanted is None or number in wanted
    }


def _checked(
    votes: list[Vote], fast: set[int], unheard: dict[int, bool], repeated: dict[int, int], knows: bool
) -> Checked:
    def right(kind: str) -> tuple[int, int]:
        own = [vote for vote in votes if vote.kind == kind]
        return sum(vote.winner == BETTER for vote in own), len(own)

    real = [vote for vote in votes if vote.kind in ("main", "repeat")]
    sides = {vote.assignment: vote.choice for vote in real if vote.choice in (LEFT, RIGHT)}
    both = [(sides[one], sides[first]) for one, first in repeated.items() if one in sides and first in sides]
    clips = [unheard[vote.assignment] for vote in real if vote.assignment in unheard]
    return Checked(
        votes=sum(vote.kind == "main" for vote in votes),
        attention=right("attention"),
        gold=right("gold"),
        fast=(sum(vote.assignment in fast for vote in real), len(real)),
        left=sum(side == LEFT for side in sides.values()),
        right=sum(side == RIGHT for side in sides.values()),
        same_side=(sum(one == first for one, first in both), len(both)),
        unheard=(sum(clips), len(clips)),
        knows_project=knows,
    )


def _fast(study: Study) -> set[int]:
    """Assignments whose vote came before two answers of their length can have been read."""
    first = Rating.objects.filter(assignment__rater__study=study, replaces=None)
    lengths = first.annotate(one=Length("assignment__left__shown"), other=Length("assignment__right__shown"))
    rows = lengths.values_list("assignment", "ms_to_vote", "one", "other")
    return {pk for pk, ms, one, other in rows if ms < max(LEAST_MS, (one + other) * MS_PER_CHARACTER)}


def _unheard(study: Study) -> dict[int, bool]:
    """Rated assignments with a clip under a listening rule: whether nobody measured the listening."""
    if study.protocol.get("listening", "none") == "none":
        return {}
    rows = Assignment.objects.rated().filter(rater__study=study).exclude(item__clip="")
    return {pk: heard is None for pk, heard in rows.values_list("pk", "heard_ms")}


def _repeated(study: Study) -> dict[int, int]:
    rows = Assignment.objects.rated().filter(rater__study=study, kind=Assignment.Kind.REPEAT)
    return {pk: first for pk, first in rows.values_list("pk", "repeat_of") if first is not None}


def _share(counted: tuple[int, int]) -> float:
    part, whole = counted
    return part / whole if whole else 0.0
