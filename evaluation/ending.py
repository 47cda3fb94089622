"""How a rater's study ends: with an outcome at once, a last vote that may still be changed, and then the code.

Who has judged the last pair is counted as complete before they do anything more. For a lease's length they may change
that last vote, as any vote before it; the code ends this at once, so that no vote changes after what was paid for it.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from evaluation.models import Assignment, Rater, Rating, Study

FAILED_ATTENTION = 2
DONE = (Rater.Outcome.COMPLETE, Rater.Outcome.FAILED_CHECKS)


def finish(rater: Rater) -> None:
    """Give a rater for whom nothing is left their outcome; every vote has been committed before."""
    rater.finish(_outcome_of(rater))


def is_final(rater: Rater, now: datetime | None = None) -> bool:
    """Whether nothing that this rater said may change any more."""
    if not rater.outcome:
        return False
    if rater.outcome not in DONE or rater.finished_at is None or rater.code_shown_at is not None:
        return True
    return (now or timezone.now()) >= rater.finished_at + timedelta(minutes=rater.study.protocol["lease_minutes"])


def settle(rater: Rater) -> None:
    """Look again how a finished rater did, after their last vote was changed; their time of finishing stays."""
    Rater.objects.filter(pk=rater.pk, outcome__in=DONE).update(outcome=_outcome_of(rater))
    rater.refresh_from_db(fields=["outcome"])


def show_code(rater: Rater) -> None:
    """Let a finished rater have their code: from here on their last vote stands. The first time counts."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=rater.study_id)  # a change of the last vote comes before or not at all
        ended = Rater.objects.filter(pk=rater.pk, outcome__in=DONE, code_shown_at=None)
        ended.update(code_shown_at=timezone.now())
    rater.refresh_from_db(fields=["outcome", "code_shown_at"])


def _outcome_of(rater: Rater) -> Rater.Outcome:
    rows = Rating.objects.current().filter(assignment__rater=rater, assignment__kind=Assignment.Kind.ATTENTION)
    told = rows.values_list("choice", "assignment__left", "assignment__check_pair__better")
    sides = Rating.Choice
    wrong = sum(choice != (sides.LEFT if left == better else sides.RIGHT) for choice, left, better in told)
    return Rater.Outcome.FAILED_CHECKS if wrong >= FAILED_ATTENTION else Rater.Outcome.COMPLETE
