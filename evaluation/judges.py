"""Which judges there are, what a run of one would ask and cost, and how it is started."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum

from annotation.models import Person
from evaluation.blind import normalise
from evaluation.errors import StudyError
from evaluation.judging import probes
from evaluation.judging.budget import NANO, estimate
from evaluation.judging.endpoints import Endpoint, read_all
from evaluation.judging.orders import MODES, orders_of
from evaluation.judging.templates import REFERENCES, TEMPLATES, Message, Moment, Template, messages
from evaluation.models import Contender, Item, JudgeCall, JudgeRun, Response, Study
from mixassist_site.jobs import State, ring
from modeling.models import Candidate, Generation, Source

WATCHED, OTHER = "watched", "other"
REPAIRS = 2
MAX_PROBES = 50


@dataclass(frozen=True, slots=True)
class Options:
    """How a judge is asked; `reference` empty: the expert is judged where it competes, and never told."""

    template: str = "listwise"
    reference: str = ""
    orders: str = "balanced"
    repeats: int = 5
    probes: int = 8
    seed: int = 0
    max_calls: int | None = None
    max_dollars: float | None = None
    accepts_unknown_price: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would ask at most, before it has asked anything; money in dollars, None where the price is unknown."""

    calls: int
    probes: int
    repeats: int
    tokens_in: int
    tokens_in_most: int
    tokens_out_most: int
    dollars_most: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """What one call asks: who stands in which place of which item."""

    item: Item
    order: tuple[str, ...]
    probe: str = ""
    number: int = 0
    order_index: int = 0
    replicate: int = 0


def endpoints() -> tuple[dict[str, Endpoint], list[str]]:
    """The judges of JUDGE_ENDPOINTS by name, and a sentence for each that can't be used."""
    found, wrong = read_all(settings.JUDGE_ENDPOINTS)
    return found, list(wrong.values())


def endpoint_named(name: str) -> Endpoint:
    """One judge; StudyError with the names that there are."""
    found, wrong = read_all(settings.JUDGE_ENDPOINTS)
    if name in wrong:
        raise StudyError("judge", wrong[name])
    if name not in found:
        there = ", ".join(sorted(found)) or "none; JUDGE_ENDPOINTS names them"
        raise StudyError("judge", f"There is no judge “{name}”; there are: {there}.")
    return found[name]


def start(
    study: Study, judge: str, options: Options, *, by: Person | None = None, key: uuid.UUID | None = None
) -> JudgeRun:
    """Queue a run; the same key twice is one. StudyError says what is to be mended."""
    if key and (earlier := JudgeRun.objects.filter(key=key, study=study).first()):
        return earlier
    endpoint = endpoint_named(judge)
    reference = checked(study, options)
    if endpoint.known_price is None:
        if not options.accepts_unknown_price:
            raise StudyError(
                "price",
                f"Nobody has said what {judge} costs: give its price in JUDGE_ENDPOINTS, or agree to an unknown price.",
            )
        if options.max_dollars is not None:
            raise StudyError("price", f"What {judge} costs is unknown: cap the calls, not the money.")
    template = TEMPLATES[options.template]
    run = JudgeRun(
        project=study.project,
        study=study,
        judge=judge,
        family=endpoint.family,
        endpoint=endpoint.as_dict(),
        template=template.key,
        template_digest=template.digest,
        reference=reference,
        orders=options.orders,
        repeats=options.repeats,
        probes=options.probes,
        seed=options.seed,
        max_calls=options.max_calls,
        max_nano=None if options.max_dollars is None else round(options.max_dollars * NANO),
        is_scripted=endpoint.is_scripted,
        created_by=by,
    )
    if key:
        run.key = key
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            transaction.on_commit(partial(ring, run))
    except IntegrityError:  # the same form at the same moment
        found = JudgeRun.objects.filter(key=run.key, study=study).first()
        if found is None:
            raise StudyError("key-taken", "This form has been used already; open a new one.") from None
        return found
    return run


def checked(study: Study, options: Options) -> str:
    """Refuse what can't be asked; return what is done with the expert's answer."""
    if study.is_draft:
        raise StudyError("draft", "Freeze and open the study first: judges are asked about what no longer changes.")
    if options.template not in TEMPLATES:
        raise StudyError("template", f"There is no template “{options.template}”; there are {', '.join(TEMPLATES)}.")
    if options.orders not in MODES:
        raise StudyError("orders", f"The orders are one of {', '.join(MODES)}.")
    if not 0 <= options.repeats <= 100:
        raise StudyError("repeats", "Ask between 0 and 100 per cent of the questions twice.")
    if not 0 <= options.probes <= MAX_PROBES:
        raise StudyError("probes", f"Ask between 0 and {MAX_PROBES} probes of each kind.")
    if not 0 <= options.seed < 2**31:
        raise StudyError("seed", "The seed is a whole number from 0 to 2147483647.")
    if options.max_calls is not None and not 1 <= options.max_calls < 2**31:
        raise StudyError("max-calls", "The cap on calls is at least 1.")
    if options.max_dollars is not None and not 0 <= options.max_dollars <= 1_000_000:
        raise StudyError("max-cost", "The cap on money is an amount in dollars, not below 0.")
    reference = options.reference or ("hidden" if expert_of(study) else "none")
    if reference not in REFERENCES:
        raise StudyError("reference", f"The reference is one of {', '.join(REFERENCES)}.")
    if reference == "hidden" and not expert_of(study):
        message = (
            "The expert does not compete in this study; choose none or reference, or make a study with the expert."
        )
        raise StudyError("reference", message)
    if len(candidates_of(study, reference)) < 2:
        message = "Without the expert fewer than two contenders are left; choose hidden, which judges the expert too."
        raise StudyError("reference", message)
    if reference == "reference" and not references_of(study):
        message = "The expert's answers to these rows are not here; let the expert answer them first."
        raise StudyError("reference", message)
    return reference


def plan(study: Study, endpoint: Endpoint, options: Options) -> Plan:
    """What a run would ask, counted without asking."""
    reference = checked(study, options)
    reading = Reading(study, reference)
    template = TEMPLATES[options.template]
    calls = probing = repeating = likely = most_in = most_out = 0
    nano: int | None = 0
    for question in reading.questions(template, options.orders, options.repeats, options.probes, options.seed):
        calls += 1
        probing += bool(question.probe)
        repeating += bool(question.replicate and not question.probe)
        each = estimate(reading.messages(template, question, options.seed), endpoint.max_output_tokens)
        likely, most_in, most_out = likely + each.likely_in, most_in + each.most_in, most_out + each.most_out
        price = endpoint.known_price
        nano = None if price is None or nano is None else nano + each.most_nano(price)
    return Plan(calls, probing, repeating, likely, most_in, most_out, None if nano is None else nano / NANO)


def expert_of(study: Study) -> Contender | None:
    """The human expert among the contenders."""
    return study.contenders.filter(generation__source=Source.EXPERT).first()


def candidates_of(study: Study, reference: str) -> list[str]:
    """Names of those whose answers are judged, in the study's order."""
    rows = study.contenders.order_by("pk")
    if reference != "hidden":
        rows = rows.exclude(generation__source=Source.EXPERT)
    return list(rows.values_list("name", flat=True))


def references_of(study: Study) -> dict[str, str]:
    """The expert's own answers by row, from the study or else from the newest answers of the expert to its rows."""
    if expert := expert_of(study):
        return dict(expert.responses.values_list("item__row", "shown"))
    answered = Generation.objects.filter(
        snapshot=study.snapshot, split=study.split, source=Source.EXPERT, state=State.SUCCEEDED
    )
    newest = answered.order_by("-pk").first()
    if newest is None:
        return {}
    rows = Candidate.objects.filter(generation=newest, index=0).values_list("row", "text")
    return {row: shown for row, text in rows if (shown := normalise(text))}


class Reading:
    """A study as judges read it: its moments, its answers, and every question that a run asks of them."""

    def __init__(self, study: Study, reference: str) -> None:
        self.names = candidates_of(study, reference)
        self.items = list(study.items.filter(is_check=False).order_by("position"))
        self.texts: dict[tuple[int, str], str] = {}
        answers = Response.objects.filter(item__study=study, contender__isnull=False).values_list(
            "item_id", "contender__name", "shown"
        )
        for item, name, shown in answers:
            self.texts[item, name] = shown
        expert = expert_of(study)
        self.expert = expert.name if expert and expert.name in self.names else ""
        self.tells_reference = reference == "reference"
        self.references = references_of(study) if self.tells_reference else {}

    def questions(self, template: Template, orders: str, repeats: int, n_probes: int, seed: int) -> Iterator[Question]:
        """Every question, in an order that is the same for the same seed."""
        told = 0
        for item in self.items:
            names = list(self.names)
            random.Random(f"labels:{seed}:{item.row}").shuffle(names)  # who is R1 is chance
            for number, those in enumerate(_subjects(template, names)):
                for place, order in enumerate(orders_of(len(those), orders)):
                    question = Question(item, tuple(those[at] for at in order), "", number, place)
                    yield question
                    told += 1
                    if repeats and told * repeats // 100 > (told - 1) * repeats // 100:
                        yield Question(item, question.order, "", number, place, 1)
        if template.shape == "pointwise":
            yield from self._single_probes(n_probes, seed)
            return
        for kind in probes.KINDS:
            for number in range(n_probes):
                item = self.items[(number * 7 + len(kind)) % len(self.items)]
                yield Question(item, (WATCHED, OTHER), kind, number, 0)
                yield Question(item, (OTHER, WATCHED), kind, number, 1)

    def _single_probes(self, n_probes: int, seed: int) -> Iterator[Question]:
        for kind in probes.KINDS:
            for number in range(n_probes):
                item = self.items[(number * 7 + len(kind)) % len(self.items)]
                yield Question(item, (WATCHED,), kind, number, 0)
                yield Question(item, (OTHER,), kind, number, 1)

    def moment(self, item: Item) -> Moment:
        """What was said before the answers to an item."""
        context = item.context
        return Moment(
            summary=normalise(context.get("summary") or ""),
            turns=tuple((turn["speaker"], normalise(turn["text"])) for turn in context.get("turns", ())),
            asked=normalise(context.get("asked") or ""),
            reference=self.references.get(item.row, ""),
        )

    def answers(self, question: Question, seed: int) -> list[str]:
        """The answers of a question in the order in which they are shown; an empty one can't be asked about."""
        if not question.probe:
            return [self.texts.get((question.item.pk, name), "") for name in question.order]
        drawn = random.Random(f"probe:{seed}:{question.probe}:{question.number}").choice(self.names)
        if question.probe == probes.PLANTED and self.expert:
            drawn = self.expert  # a model's answer may be as hollow as the other one, and then neither is right
        answer = self.texts.get((question.item.pk, drawn), "")
        watched, other = probes.pair_of(question.probe, answer, question.number)
        return [watched if place == WATCHED else other for place in question.order]

    def messages(self, template: Template, question: Question, seed: int) -> list[Message]:
        """The messages of a question."""
        names = (question.item.row, question.probe, question.number, question.order_index, question.replicate)
        salt = ":".join(map(str, (seed, *names)))
        return messages(template, self.moment(question.item), self.answers(question, seed), salt=salt)

    def lacks(self, question: Question, seed: int) -> bool:
        """Whether an answer, or the reference that was promised, is missing."""
        if self.tells_reference and not self.references.get(question.item.row):
            return True
        return not all(answer.strip() for answer in self.answers(question, seed))


def question_of(call: JudgeCall, item: Item) -> Question:
    """The question that a call asks."""
    return Question(item, tuple(call.order), call.probe, call.number, call.order_index, call.replicate)


def _subjects(template: Template, names: Sequence[str]) -> list[list[str]]:
    """Who is shown together: all, each pair, or each alone."""
    if template.shape == "listwise":
        return [list(names)]
    if template.shape == "pairwise":
        return [list(pair) for pair in combinations(names, 2)]
    return [[name] for name in names]


def told(run: JudgeRun, tally: dict[str, Any]) -> dict[str, Any]:
    """A run for scripts: what was bought, what came of it, what it cost in dollars, how much was there already."""
    spent = run.calls.aggregate(
        bought=Sum("bought"), cost=Sum("cost_nano"), cached=Count("pk", filter=Q(is_cached=True))
    )
    known = not run.endpoint or Endpoint.from_dict(run.judge, run.endpoint).known_price is not None
    return {
        "run": run.pk,
        "calls": spent["bought"] or 0,
        "scored": tally["scored"],
        "unscored": tally["unscored"],
        "cost": (spent["cost"] or 0) / NANO if known else None,
        "cached": spent["cached"] or 0,
    }
