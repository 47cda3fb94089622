"""Who sees what, and on which side."""

import secrets
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from evaluation.models.check import Check
from evaluation.models.comparison import Comparison
from evaluation.models.item import Item
from evaluation.models.rater import Rater
from evaluation.models.response import Response


def fresh_token() -> str:
    """128 random bits that say nothing about what they stand for."""
    return secrets.token_urlsafe(16)


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Reads over assignments."""

    def open(self) -> Self:
        """Assignments that wait for their rater."""
        return self.filter(state=Assignment.State.OPEN)

    def rated(self) -> Self:
        """Assignments with a rating."""
        return self.filter(state=Assignment.State.RATED)

    def main(self) -> Self:
        """Assignments whose votes answer the study's question: no repeats, no checks, no practice."""
        return self.filter(kind=Assignment.Kind.MAIN)


class Assignment(models.Model):
    """One comparison before one rater: open → rated, or returned when its lease ran out or the link was taken back.

    The sides are drawn once and stored; a reload shows the same page. All tokens are random, per assignment and
    per slot, so that the same answer in two pairs can't be recognised by its name. A repeat shows a pair again with its
    sides exchanged; practice, attention and gold show a check.

    `asks_source` and `asks_criteria` say what is asked after the vote. `audio_bytes` counts what was sent of the clip
    since `audio_at`; `heard_ms` is what of the listener's own claim (`claimed_ms`) that allows.
    """

    class Kind(models.TextChoices):
        """What a pair is for."""

        MAIN = "main", "Main"
        REPEAT = "repeat", "Repeat"
        ATTENTION = "attention", "Attention"
        GOLD = "gold", "Gold"
        PRACTICE = "practice", "Practice"

    class State(models.TextChoices):
        """Where an assignment is."""

        OPEN = "open", "Open"
        RATED = "rated", "Rated"
        RETURNED = "returned", "Returned"

    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="assignments")
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.MAIN)
    comparison = models.ForeignKey(
        Comparison, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments"
    )
    check_pair = models.ForeignKey(Check, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    repeat_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeats")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="assignments")
    left = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    right = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()  # the rater's first, second, … pair
    token = models.CharField(max_length=32, default=fresh_token, unique=True)
    left_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    right_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    audio_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    asks_source = models.BooleanField(default=False)
    asks_criteria = models.BooleanField(default=False)
    criteria_order = models.JSONField(default=list, blank=True)
    audio_at = models.DateTimeField(null=True, blank=True)
    audio_bytes = models.PositiveBigIntegerField(default=0)
    claimed_ms = models.PositiveIntegerField(null=True, blank=True)
    heard_ms = models.PositiveIntegerField(null=True, blank=True)
    served_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rater", "item"], condition=~Q(kind="repeat"), name="assignment_item_once_per_rater"
            ),
            models.UniqueConstraint(fields=["rater", "repeat_of"], name="assignment_is_repeated_once"),
            models.UniqueConstraint(fields=["rater", "number"], name="assignment_number_once_per_rater"),
            models.UniqueConstraint(fields=["rater"], condition=Q(state="open"), name="assignment_one_open_per_rater"),
            models.CheckConstraint(condition=~Q(left=F("right")), name="assignment_sides_differ"),
            models.CheckConstraint(condition=~Q(left_token=F("right_token")), name="assignment_slots_differ"),
            models.CheckConstraint(
                condition=Q(kind="main", comparison__isnull=False, check_pair=None, repeat_of=None)
                | Q(kind="repeat", comparison__isnull=False, check_pair=None, repeat_of__isnull=False)
                | Q(kind__in=["practice", "attention", "gold"], comparison=None, check_pair__isnull=False)
                & Q(repeat_of=None),
                name="assignment_shows_what_its_kind_says",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "rated", "returned"]), name="assignment_state_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["lease_until"], condition=Q(state="open"), name="assignment_open_leases"),
        ]
