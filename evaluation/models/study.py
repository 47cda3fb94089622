"""A frozen protocol: what is compared, on which items, by how many."""

import secrets
import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from annotation.models import Person, Project, Role, Snapshot
from mixassist_site.access import allow

allow("evaluation.manage_study", Role.ADMIN)
allow("evaluation.read_results", Role.ADMIN, Role.REVIEWER)


def fresh_key() -> str:
    """128 random bits that make the address by which a panel's members come."""
    return secrets.token_urlsafe(16)


class StudyQuerySet(models.QuerySet["Study"]):
    """Reads over studies."""

    def visible_to(self, person: Person) -> Self:
        """Studies of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class Study(models.Model):
    """draft → open → closed; what is compared never changes once raters may come.

    `protocol` says how: ratings per comparison, trials per rater, lease, outcomes, checks, the normaliser's version.
    `frozen_hash` names items, answers, contenders and protocol as they were at the opening. A change of an opened
    protocol is a new version: a draft of its own that names the study it `replaces`. `panel` holds what concerns the
    panel alone and may change at any time: places, completion codes, where raters go back to.
    """

    class Kind(models.TextChoices):
        """What an item is: a frozen row, or a conversation that raters themselves lead."""

        FROZEN = "frozen", "Frozen rows"
        LIVE = "live", "Free conversations"

    class State(models.TextChoices):
        """Where a study is."""

        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the same form sent twice is one study
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="studies")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.FROZEN)
    version = models.PositiveSmallIntegerField(default=1)
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="versions")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="studies")
    split = models.CharField(max_length=12, default="test")
    title = models.CharField(max_length=200)
    question = models.CharField(max_length=300)
    instructions = models.TextField(blank=True)
    protocol = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=6, choices=State, default=State.DRAFT)
    ratings_per_comparison = models.PositiveSmallIntegerField(default=1)
    panel = models.JSONField(default=dict, blank=True)
    join_key = models.CharField(max_length=32, unique=True, null=True, blank=True, editable=False)
    skipped = models.JSONField(default=list)  # [{"row", "why"}]: rows that can't be compared
    frozen_hash = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["draft", "open", "closed"]), name="study_state_is_known"),
            models.CheckConstraint(condition=Q(kind__in=["frozen", "live"]), name="study_kind_is_known"),
            models.CheckConstraint(
                condition=Q(version=1, replaces=None) | Q(version__gt=1, replaces__isnull=False),
                name="study_version_follows_another",
            ),
            models.CheckConstraint(
                condition=Q(ratings_per_comparison__gte=1), name="study_asks_for_one_rating_at_least"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", opened_at=None, closed_at=None, frozen_hash="")
                | Q(state="open", opened_at__isnull=False, closed_at=None) & ~Q(frozen_hash="")
                | Q(state="closed", opened_at__isnull=False, closed_at__isnull=False) & ~Q(frozen_hash=""),
                name="study_is_frozen_when_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The study's page."""
        return reverse("study", args=[self.pk])

    @property
    def is_draft(self) -> bool:
        """Whether it has not been opened yet."""
        return self.state == self.State.DRAFT

    @property
    def is_open(self) -> bool:
        """Whether raters may vote now."""
        return self.state == self.State.OPEN

    @property
    def trials_per_rater(self) -> int:
        """How many pairs one rater is asked for."""
        return int(self.protocol["trials_per_rater"])

    def open(self, frozen_hash: str) -> bool:
        """Let raters in, under the hash of what they will compare; False when it was opened before."""
        drafts = type(self).objects.filter(pk=self.pk, state=self.State.DRAFT)
        return self._move(drafts, state=self.State.OPEN, opened_at=timezone.now(), frozen_hash=frozen_hash)

    def close(self) -> bool:
        """End the voting for good; False when it isn't open."""
        running = type(self).objects.filter(pk=self.pk, state=self.State.OPEN)
        return self._move(running, state=self.State.CLOSED, closed_at=timezone.now())

    def _move(self, rows: StudyQuerySet, **fields: Any) -> bool:
        moved = rows.update(**fields) == 1
        if moved:
            self.refresh_from_db(fields=list(fields))
        return moved
