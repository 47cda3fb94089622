"""How many people came, stayed and count: the numbers of a flow diagram, and who was excluded under which rule."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q

from annotation.models import Person
from evaluation.errors import StudyError
from evaluation.flags import RULES, Checked, checked
from evaluation.models import Rater, Study, StudyAct

OTHER = "other"  # a reason that no rule foresaw; it is told apart wherever it counts


@dataclass(frozen=True, slots=True)
class Flow:
    """A study's raters, from the invitation to the votes that count."""

    invited: int
    started: int
    consented: int
    screened_out: int
    withdrawn: int
    completed: int  # those who failed checks on the way counted
    excluded: dict[str, int]  # rule → raters, by a person's decision
    flags: dict[int, tuple[str, ...]]  # rater's number → the rules that they meet; only those with any


def flow_of(study: Study, seen: Mapping[int, Checked] | None = None) -> Flow:
    """Count the raters of a study; a rater without a consent text to agree to consents by starting.

    `seen` is what the rules see of all of them, where it is known already.
    """
    outcome = Rater.Outcome
    asks = bool(study.protocol.get("consent"))
    counts = study.raters.aggregate(
        invited=Count("pk"),
        started=Count("pk", filter=Q(started_at__isnull=False)),
        consented=Count("pk", filter=Q(consented_at__isnull=False) if asks else Q(started_at__isnull=False)),
        screened_out=Count("pk", filter=Q(outcome=outcome.SCREENED_OUT)),
        withdrawn=Count("pk", filter=Q(outcome=outcome.WITHDRAWN)),
        completed=Count("pk", filter=Q(outcome__in=[outcome.COMPLETE, outcome.FAILED_CHECKS])),
    )
    excluded = study.raters.exclude(excluded_for="").order_by().values_list("excluded_for").annotate(n=Count("pk"))
    flags = {number: one.flags for number, one in (checked(study) if seen is None else seen).items()}
    met = {number: rules for number, rules in flags.items() if rules}
    return Flow(**counts, excluded=dict(sorted(excluded)), flags=met)


def exclude(rater: Rater, *, by: Person | None, rule: str, reason: str) -> None:
    """Leave a rater's votes out of the results, under a rule and for a reason that are logged with who decided."""
    reason = reason.replace("\0", "").strip()
    if rule not in (*RULES, OTHER):
        raise StudyError("rule", f"Name the rule: {', '.join(RULES)} or {OTHER}.")
    if not reason:
        raise StudyError("reason", "Say why this rater is excluded; the reason stands in the study's log.")
    _decide(rater, "exclusion", rule, by, reason)


def include(rater: Rater, *, by: Person | None, reason: str) -> None:
    """Let an excluded rater's votes count again; logged like the exclusion."""
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise StudyError("reason", "Say why this rater counts again; the reason stands in the study's log.")
    _decide(rater, "inclusion", "", by, reason)


def _decide(rater: Rater, kind: str, rule: str, by: Person | None, reason: str) -> None:
    with transaction.atomic():
        before = Rater.objects.select_for_update().get(pk=rater.pk)
        if before.excluded_for == rule:
            return
        Rater.objects.filter(pk=rater.pk).update(excluded_for=rule)
        told = {"rater": rater.number, "rule": rule or before.excluded_for, "reason": reason[:2000]}
        StudyAct.record(rater.study, by, kind, **told)
    rater.excluded_for = rule
