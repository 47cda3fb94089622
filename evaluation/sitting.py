"""A rater's way through a study: agreeing, understanding, voting, resting, looking back, finishing or leaving."""

import hashlib
from collections.abc import Mapping
from enum import Enum

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from annotation.models import Person
from evaluation import assignment, rules
from evaluation.models import Assignment, FollowUp, Rater, Rating, Study, StudyAct
from evaluation.rules import QUIZ_ATTEMPTS, Rules, rules_of
from evaluation.voting import NoChoice, NotYours, criteria_said


class Step(Enum):
    """What a rater has before them."""

    WELCOME = "welcome"
    QUIZ = "quiz"
    FEEDBACK = "feedback"
    AFTER = "after"
    BREAK = "break"
    PAIR = "pair"
    ENDED = "ended"


def step_of(rater: Rater) -> tuple[Step, Assignment | None]:
    """Where this rater is; with the pair that they look back on, where they do."""
    asked = rules_of(rater.study.protocol)
    if rater.outcome:
        return Step.ENDED, None
    if rater.started_at is None or (asked.consent and rater.consented_at is None):
        return Step.WELCOME, None
    if asked.quiz and rater.understood_at is None:
        return Step.QUIZ, None
    last = rater.assignments.rated().filter(follow_up=None).order_by("-number").first()
    if last and last.kind == Assignment.Kind.PRACTICE:
        return Step.FEEDBACK, last
    if last and (last.asks_source or last.asks_criteria):
        return Step.AFTER, last
    done = counted(rater)
    if asked.block and 0 < done < total(rater.study, asked) and done % asked.block == 0 and rater.rested_at < done:
        return Step.BREAK, None
    return Step.PAIR, None


def total(study: Study, asked: Rules) -> int:
    """How many pairs a rater is told of: those of the question, repeats and checks; practice comes before."""
    return study.trials_per_rater + asked.extras


def counted(rater: Rater) -> int:
    """How many of these are saved."""
    return rater.assignments.rated().exclude(kind=Assignment.Kind.PRACTICE).count()


def consent(rater: Rater, *, agreed: bool, knows_project: bool) -> bool:
    """Begin; False where there is a text to agree to and the rater hasn't."""
    text = rules_of(rater.study.protocol).consent
    if text and not agreed:
        return False
    rater.start()
    begun = Rater.objects.filter(pk=rater.pk)
    if text:
        digest = hashlib.sha256(text.encode()).hexdigest()
        begun.filter(consented_at=None).update(consented_at=timezone.now(), consent_hash=digest)
    if knows_project:
        begun.update(knows_project=True)
    return True


def answer_quiz(rater: Rater, given: Mapping[str, str]) -> bool:
    """Take one attempt; True when everything is right. After the last attempt the rater is screened out."""
    asked = rules.quiz(rules_of(rater.study.protocol))
    right = all(given.get(f"q{n}") == str(each["right"]) for n, each in enumerate(asked))
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)
        trying = Rater.objects.filter(
            pk=rater.pk, understood_at=None, outcome="", quiz_attempts__lt=QUIZ_ATTEMPTS, started_at__isnull=False
        )
        if not trying.update(quiz_attempts=F("quiz_attempts") + 1):
            return right
        if right:
            Rater.objects.filter(pk=rater.pk).update(understood_at=timezone.now())
    rater.refresh_from_db()
    if not right and rater.quiz_attempts >= QUIZ_ATTEMPTS:
        rater.finish(Rater.Outcome.SCREENED_OUT)
    return right


def look_back(rater: Rater, token: str, guess: str, criteria: Mapping[str, str]) -> None:
    """Save what follows a vote; the vote can't be changed from here on. Said twice, the first counts.

    Raises NotYours for another's pair, NoChoice where a question is left open.
    """
    mine = rater.assignments.rated().filter(token=token).first()
    if mine is None or rater.outcome:
        raise NotYours
    asked = rules_of(rater.study.protocol)
    if mine.asks_source and guess not in ("unsure", mine.left_token, mine.right_token):
        raise NoChoice
    sides = {mine.left_token: "left", mine.right_token: "right", "unsure": "unsure"}
    said = criteria_said(mine, criteria, asked) if mine.asks_criteria else {}
    try:
        with transaction.atomic():
            Study.objects.select_for_update().get(pk=rater.study_id)
            FollowUp.objects.create(assignment=mine, guess=sides[guess] if mine.asks_source else "", criteria=said)
    except IntegrityError:
        if not FollowUp.objects.filter(assignment=mine).exists():
            raise


def rest(rater: Rater) -> None:
    """End a break."""
    Rater.objects.filter(pk=rater.pk).update(rested_at=counted(rater))


def withdraw(rater: Rater, by: Person | None = None) -> None:
    """Erase what a rater gave and all that leads to them; a number without a name stays, and the log says that it was.

    The pairs that they had judged are free for others again.
    """
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)
        for one in rater.assignments.exclude(state=Assignment.State.RETURNED).select_related("comparison", "left"):
            assignment.release(one)
        FollowUp.objects.filter(assignment__rater=rater).delete()
        for rating in Rating.objects.filter(assignment__rater=rater).order_by("-revision"):
            rating.delete()
        rater.assignments.filter(kind=Assignment.Kind.REPEAT).delete()
        rater.assignments.all().delete()
        Rater.objects.filter(pk=rater.pk).update(
            label=f"Withdrawn {rater.number}", person=None, panel_digest="", session_digest="", consent_hash="",
            knows_project=False, quiz_attempts=0, rested_at=0, outcome=Rater.Outcome.WITHDRAWN,
            finished_at=timezone.now(), code_shown_at=None,
        )  # fmt: skip
        StudyAct.record(rater.study, by, "erasure", rater=rater.number)
    rater.refresh_from_db()
