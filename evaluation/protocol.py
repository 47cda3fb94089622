"""How a study is made, opened and closed: from contenders by name to a frozen protocol with links for raters."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from annotation.models import Person, Snapshot
from evaluation import blind, identity, pairing
from evaluation.errors import StudyError
from evaluation.models import Comparison, Contender, Rater, Response, Study, StudyAct
from evaluation.rules import REPEAT_AFTER, Rules, outcomes
from mixassist_site.jobs import State
from modeling.models import Generation

QUESTION = "Which answer would help the amateur more, right now?"
INSTRUCTIONS = (
    "You will hear a moment of a mixing session and read what was said so far. Then you see two answers to the "
    "amateur. Say which one is better, or that both are good, or that both are bad. Judge the advice, not its length."
)
MAX_RATERS = 1000
MAX_RATINGS = 100
LEASE_MINUTES = 20
OPEN = "least-filled comparison, balanced sides"
CLOSED = "Williams square over pairs, balanced sides"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study shall be; `ratings` and `trials` are worked out from the raters where they are not given."""

    snapshot: Snapshot
    split: str
    contenders: tuple[Generation, ...]
    raters: int
    title: str = ""
    question: str = QUESTION
    instructions: str = INSTRUCTIONS
    ratings: int | None = None  # per comparison
    trials: int | None = None  # per rater
    seed: int = 0
    rules: Rules = field(default_factory=Rules)
    choice: pairing.Choice = field(default_factory=pairing.Choice)
    replaces: Study | None = None  # the study of which this is a new version
    key: UUID = field(default_factory=uuid4)  # the same form sent twice is one study


def latest_generations(snapshot: Snapshot, split: str) -> dict[str, Generation]:
    """The newest finished answers of every source to one split, by the source's name; a shared name is left out."""
    return {name: next(iter(one.values())) for name, one in _sources(snapshot, split).items() if len(one) == 1}


def _sources(snapshot: Snapshot, split: str) -> dict[str, dict[str, Generation]]:
    """The newest finished answers by the source's name, and under it by the kind of source."""
    finished = Generation.objects.filter(snapshot=snapshot, split=split, state=State.SUCCEEDED)
    found: dict[str, dict[str, Generation]] = {}
    for generation in finished.select_related("base", "adapter", "snapshot").order_by("pk"):
        found.setdefault(generation.source_name, {})[generation.source] = generation
    return found


def choose(snapshot: Snapshot, split: str, names: Sequence[str]) -> tuple[Generation, ...]:
    """The newest finished answers of these sources, in this order."""
    known = _sources(snapshot, split)
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "nobody yet"
            message = f"{name} has no finished answers to {snapshot.name} ({split}); there: {there}."
            raise StudyError("no-answers", message)
        if len(known[name]) > 1:
            message = f"Two sources of answers are called {name}; train the adapter again under a name of its own."
            raise StudyError("two-of-one-name", message)
    return tuple(next(iter(known[name].values())) for name in names)


def create(plan: Plan, by: Person | None = None) -> Study:
    """Make a draft with its items, answers and comparisons, and a link for each rater."""
    if made := Study.objects.filter(key=plan.key, project=plan.snapshot.project).first():
        return made
    _check(plan)
    try:
        return _made(plan, by)
    except IntegrityError:  # the same form at the same moment
        made = Study.objects.filter(key=plan.key, project=plan.snapshot.project).first()
        if made is None:
            raise StudyError("key-taken", "This form has been used already; open a new one.") from None
        return made


def _made(plan: Plan, by: Person | None) -> Study:
    rows = pairing.rows_to_compare(plan.snapshot, plan.split)
    with transaction.atomic():
        study = Study.objects.create(
            key=plan.key,
            project=plan.snapshot.project,
            snapshot=plan.snapshot,
            split=plan.split,
            title=plan.title.strip() or f"Study of {plan.snapshot.name}",  # members who rate read it: no names
            question=plan.question.strip() or QUESTION,
            instructions=plan.instructions.strip(),
            seed=plan.seed,
            created_by=by,
            version=plan.replaces.version + 1 if plan.replaces else 1,
            replaces=plan.replaces,
        )
        for generation in plan.contenders:
            Contender.objects.create(study=study, name=generation.source_name, generation=generation)
        pairing.lay_out(study, rows, plan.rules, plan.choice)
        _settle(study, plan)
        invite(study, plan.raters)
    return study


def _check(plan: Plan) -> None:
    names = [generation.source_name for generation in plan.contenders]
    if len(names) < 2:
        raise StudyError("too-few-contenders", "A study compares at least two contenders.")
    if len(set(names)) < len(names):
        raise StudyError("contender-twice", "A contender can stand in a study only once.")
    for generation in plan.contenders:
        if (generation.snapshot_id, generation.split) != (plan.snapshot.pk, plan.split):
            message = f"{generation.source_name} answered other rows than {plan.snapshot.name} ({plan.split})."
            raise StudyError("other-rows", message)
        if generation.state != State.SUCCEEDED:
            raise StudyError("not-finished", f"The answers of {generation.source_name} are not finished.")
    if not 1 <= plan.raters <= MAX_RATERS:
        raise StudyError("raters", f"A study has between 1 and {MAX_RATERS} raters.")
    if plan.ratings is not None and not 1 <= plan.ratings <= MAX_RATINGS:
        raise StudyError("ratings", f"Ask for between 1 and {MAX_RATINGS} ratings per comparison.")
    if plan.trials is not None and plan.trials < 1:
        raise StudyError("trials", "A rater sees at least one pair.")
    if plan.choice.sample is not None and plan.choice.sample < 1:
        raise StudyError("sample", "Draw at least one item.")
    if plan.replaces and plan.replaces.project_id != plan.snapshot.project_id:
        raise StudyError("other-project", "A new version belongs to the project of the study that it replaces.")
    if not 0 <= plan.seed < 2**31:
        raise StudyError("seed", "The seed is a whole number from 0 to 2147483647.")
    for what, text, most in (("title", plan.title, 200), ("question", plan.question, 300)):
        if len(text) > most:
            raise StudyError(what, f"The {what} has at most {most} characters.")
    if "\x00" in plan.title + plan.question + plan.instructions:
        raise StudyError("text", "A text holds a character that can't be stored.")
    told = f"{plan.question} {plan.instructions}".casefold()
    for name in names:  # "expert" is a word that raters read anyway; the name of a model is not
        if name != "expert" and re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", told):
            raise StudyError("name-in-text", f"The question or the instructions name a contender: {name}.")


def _settle(study: Study, plan: Plan) -> None:
    """Write down how many votes the study wants, of each comparison and of each rater."""
    items = study.items.filter(is_check=False).count()
    comparisons = Comparison.objects.filter(item__study=study).count()
    pairs = comparisons // items
    ratings = plan.ratings or max(1, min(MAX_RATINGS, plan.raters // pairs))
    trials = plan.trials or ceil(ratings * comparisons / plan.raters)
    study.ratings_per_comparison = ratings
    rules = plan.rules
    if rules.repeats and min(items, trials) <= REPEAT_AFTER:
        message = (
            f"A pair comes again after {REPEAT_AFTER} others: repeats need more than {REPEAT_AFTER} pairs per rater."
        )
        raise StudyError("repeats", message)
    told = {name: value for name, value in rules.as_dict().items() if name != "design"}
    study.protocol = {
        "version": 2,
        "design": CLOSED if rules.design == "closed" else OPEN,
        "closed": rules.design == "closed",
        "outcomes": outcomes(rules),
        **told,
        "topics": list(plan.choice.topics),
        "with_clip": plan.choice.with_clip,
        "sample": plan.choice.sample,
        "normaliser": blind.NORMALISER,
        "raters": plan.raters,
        "ratings_per_comparison": ratings,
        "trials_per_rater": min(items, trials),
        "lease_minutes": LEASE_MINUTES,
        "seed": plan.seed,
    }
    study.save(update_fields=["ratings_per_comparison", "protocol"])


def invite(study: Study, count: int, *, prefix: str = "Rater", **more: Any) -> list[Rater]:
    """Make this many more raters, each with a link."""
    if study.state == Study.State.CLOSED:
        raise StudyError("closed", "A closed study takes no more raters.")
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)  # two invitations at once: numbers in a row
        last = study.raters.order_by("-number").values_list("number", flat=True).first() or 0
        if not 1 <= count <= MAX_RATERS - last:
            raise StudyError("raters", f"A study has between 1 and {MAX_RATERS} raters.")
        numbers = range(last + 1, last + count + 1)
        return [Rater.invite(study, f"{prefix} {number}", number, **more) for number in numbers]


def identities(study: Study) -> list[tuple[str, str]]:
    """Answers that name a source: (row, word), for a person to look at before the study opens."""
    answers = Response.objects.filter(item__study=study).order_by("item__position", "pk")
    names = set(study.contenders.values_list("name", flat=True))
    return identity.scan(answers.values_list("item__row", "shown"), names)


def leave_out(study: Study, rows: Sequence[str], why: str) -> int:
    """Take items out of a draft, with the reason; the number of items that were there."""
    if not study.is_draft:
        raise StudyError("opened", "What an opened study compares never changes; make a new version.")
    with transaction.atomic():
        gone = study.items.filter(row__in=rows, is_check=False)
        names = list(gone.values_list("row", flat=True))
        if names and study.items.filter(is_check=False).count() == len(names):
            raise StudyError("nothing-to-compare", "Nothing would be left to compare; generate other answers first.")
        gone.delete()
        study.skipped = [*study.skipped, *({"row": row, "why": why} for row in names)]
        items = study.items.filter(is_check=False).count()
        study.protocol = {**study.protocol, "trials_per_rater": min(items, study.trials_per_rater)}
        study.save(update_fields=["skipped", "protocol"])
    return len(names)


def open_study(study: Study, by: Person | None = None, *, accept: bool = True) -> bool:
    """Freeze a draft and let raters in; False when somebody opened it before.

    With `accept` off, answers that name a source are refused in words; how many there are is logged in any case.
    """
    found = identities(study) if study.is_draft else []
    if found and not accept:
        words = ", ".join(sorted({word for _, word in found})[:5])
        message = f"{len(found)} answers name who may have given them ({words}). Leave their rows out, or accept them."
        raise StudyError("identity", message)
    with transaction.atomic():
        opened = study.open(frozen_hash(study))
        if opened:
            StudyAct.record(study, by, "opening", identities=len(found), frozen_hash=study.frozen_hash)
    return opened


def close_study(study: Study, by: Person | None = None) -> bool:
    """End the voting for good, and log who did; False when the study isn't open."""
    with transaction.atomic():
        closed = study.close()
        if closed:
            StudyAct.record(study, by, "closing")
    return closed


def frozen_hash(study: Study) -> str:
    """The hash of everything that raters compare and of how they do it; the same study has it on any database."""
    answers = Response.objects.filter(item__study=study).order_by("item__position", "contender__name", "sha256")
    facts: dict[str, Any] = {
        "snapshot": study.snapshot.content_hash,
        "split": study.split,
        "question": study.question,
        "instructions": study.instructions,
        "protocol": study.protocol,
        "contenders": sorted(study.contenders.values_list("name", flat=True)),
        "items": list(study.items.order_by("position").values_list("row", "context", "clip")),
        "answers": list(answers.values_list("item__row", "contender__name", "sha256")),
        "checks": list(study.checks.order_by("kind", "position").values_list("kind", "item__row", "side")),
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
