"""What language models say as judges: runs, every call with its raw reply, and the verdicts that stand in them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from annotation.models import Membership, Person, Project, Role
from evaluation.models.item import Item
from evaluation.models.study import Study
from mixassist_site.jobs import Job, JobQuerySet, State

READERS = (Role.ADMIN, Role.REVIEWER)


class JudgeAbilities(models.Model):
    """What one endpoint takes, as asking it once has shown; no key is here."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_abilities")
    digest = models.CharField(max_length=64)  # of address and model
    abilities = models.JSONField()
    requests = models.PositiveSmallIntegerField(default=0)  # that finding out took
    found_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="judge_abilities_once_per_endpoint"),
        ]


class JudgeReply(models.Model):
    """What an endpoint said to one request, by the hash of everything that was asked: bought once, used again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_replies")
    key = models.CharField(max_length=64)
    text = models.TextField(blank=True)
    refusal = models.TextField(blank=True)
    finish = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)  # as the endpoint names itself
    fingerprint = models.CharField(max_length=120, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(default=0)
    raw = models.TextField(blank=True)  # the whole body, as JSON in ASCII
    cost_nano = models.BigIntegerField(default=0)
    is_imported = models.BooleanField(default=False)
    heard_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="judge_reply_once_per_request"),
            models.CheckConstraint(condition=~Q(key=""), name="judge_reply_has_a_key"),
        ]


class JudgeRunQuerySet(JobQuerySet["JudgeRun"]):
    """Reads over judge runs."""

    def visible_to(self, person: Person) -> Self:
        """Runs of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def readable_by(self, person: Person) -> Self:
        """Runs whose verdicts this person may read: who rates must not know them."""
        if person.is_superuser:
            return self.visible_to(person)
        reading = Membership.objects.filter(person=person, role__in=READERS)
        return self.visible_to(person).filter(project__memberships__in=reading)

    def claimable(self) -> Self:
        """Runs that nobody holds, of judges that no other run is asking: an endpoint's limits hold over all runs."""
        asked = JudgeRun.objects.filter(state=State.RUNNING, lease_until__gte=timezone.now())
        return super().claimable().exclude(Q(judge__in=asked.values("judge")) & ~Q(pk__in=asked.values("pk")))


class JudgeRun(Job):
    """One judge, one template, one study; money in billionths of a dollar."""

    kind: ClassVar[str] = "judging"
    home: ClassVar[str] = "cpu"
    doorbell: ClassVar[str] = "evaluation.tasks.judge_study"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judge_runs")
    judge = models.CharField(max_length=80)
    family = models.CharField(max_length=40, blank=True)
    endpoint = models.JSONField(default=dict)  # as it was configured; the key is not in it
    template = models.CharField(max_length=20)
    template_digest = models.CharField(max_length=64)
    reference = models.CharField(max_length=9)
    orders = models.CharField(max_length=10, default="balanced")
    repeats = models.PositiveSmallIntegerField(default=5)  # per cent of the questions that are asked twice
    probes = models.PositiveSmallIntegerField(default=8)  # of each kind, both orders
    seed = models.PositiveIntegerField(default=0)
    max_calls = models.PositiveIntegerField(null=True, blank=True)
    max_nano = models.BigIntegerField(null=True, blank=True)
    is_scripted = models.BooleanField(default=False)  # a program judged, and no language model
    is_imported = models.BooleanField(default=False)
    record = models.JSONField(default=dict)

    objects = JudgeRunQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(reference__in=["none", "reference", "hidden"]), name="judge_run_reference_is_known"
            ),
            models.CheckConstraint(condition=Q(repeats__lte=100), name="judge_run_repeats_are_per_cent"),
            models.CheckConstraint(
                condition=Q(max_nano=None) | Q(max_nano__gte=0), name="judge_run_cap_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}, {self.template}"

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Judge {self.judge} on {self.study.title}"

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("judge-run", args=[self.pk])


class JudgeCall(models.Model):
    """One question to a judge: queued → sent → ok | invalid | unscored.

    An invalid answer is followed by a call that asks to mend it, twice at most; the last of them says what came of the
    question. `order` names who stood in each place. Nothing is sent before it is `sent` here with the most that it can
    cost; who is sent and never heard of is unscored, and not asked again by itself.
    """

    class State(models.TextChoices):
        """Where a call is."""

        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        OK = "ok", "Scored"
        INVALID = "invalid", "Asked to mend"
        UNSCORED = "unscored", "Unscored"

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="calls")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="judge_calls")
    probe = models.CharField(max_length=9, blank=True)
    number = models.PositiveSmallIntegerField(default=0)  # which pair, which answer alone, which probe
    order_index = models.PositiveSmallIntegerField(default=0)
    replicate = models.PositiveSmallIntegerField(default=0)
    repair = models.PositiveSmallIntegerField(default=0)
    order = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=64, blank=True)
    messages = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    bought = models.PositiveSmallIntegerField(default=0)  # attempts that were answered, or may have been charged
    reserved_nano = models.BigIntegerField(default=0)
    cost_nano = models.BigIntegerField(default=0)
    reply = models.ForeignKey(JudgeReply, null=True, blank=True, on_delete=models.PROTECT, related_name="calls")
    is_cached = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "item", "probe", "number", "order_index", "replicate", "repair"],
                name="judge_call_once_per_question",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["ok", "invalid"]) | Q(reply__isnull=False),
                name="judge_call_scored_has_its_reply",
            ),
            models.CheckConstraint(
                condition=Q(state="unscored") & ~Q(reason="") | ~Q(state="unscored") & Q(reason=""),
                name="judge_call_unscored_has_a_reason",
            ),
            models.CheckConstraint(condition=Q(repair__lte=2), name="judge_call_is_repaired_twice_at_most"),
        ]
        indexes = [models.Index(fields=["run", "state"], name="judge_call_by_state")]


def ranking_of(said: Mapping[str, Any], order: Sequence[str]) -> list[list[str]]:
    """Who was ranked, best first, by the names in an order; empty for scores."""
    return [[order[int(label[1:]) - 1] for label in group] for group in said.get("ranking", [])]


class Verdict(models.Model):
    """What a reply states, and where in its text: there is none without the call whose reply says so.

    `said` is {"ranking": [["R2"], ["R1", "R3"]]}, or {"scores": {"accuracy": 4, …}} of one answer.
    """

    call = models.OneToOneField(JudgeCall, on_delete=models.CASCADE, related_name="verdict")
    said = models.JSONField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="verdict_stands_in_a_text"),
        ]

    @property
    def ranking(self) -> list[list[str]]:
        """Who was ranked, best first, by the names in the call's order; empty for scores."""
        return ranking_of(self.said, self.call.order)

    @property
    def span(self) -> str:
        """The piece of the reply's text that is the verdict."""
        assert self.call.reply is not None
        return self.call.reply.text[self.start : self.end]


def tallied(calls: Any) -> dict[str, Any]:
    """Questions by what came of them: scored, unscored by reason, still open."""
    rows = calls.exclude(state=JudgeCall.State.INVALID).values_list("state", "reason").annotate(n=models.Count("pk"))
    told: dict[str, Any] = {"scored": 0, "unscored": {}, "open": 0}
    for state, reason, n in rows:
        if state == JudgeCall.State.OK:
            told["scored"] += n
        elif state == JudgeCall.State.UNSCORED:
            told["unscored"][reason] = n
        else:
            told["open"] += n
    told["attempted"] = told["scored"] + sum(told["unscored"].values()) + told["open"]
    return told
