"""Who sees what, and on which side."""

import secrets
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

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


class Assignment(models.Model):
    """One comparison before one rater: open → rated, or returned when its lease ran out or the link was taken back.

    The sides are drawn once and stored; a reload shows the same page. All tokens are random, per assignment and
    per slot, so that the same answer in two pairs can't be recognised by its name.
    """

    class State(models.TextChoices):
        """Where an assignment is."""

        OPEN = "open", "Open"
        RATED = "rated", "Rated"
        RETURNED = "returned", "Returned"

    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="assignments")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="assignments")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="assignments")
    left = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    right = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()  # the rater's first, second, … pair
    token = models.CharField(max_length=32, default=fresh_token, unique=True)
    left_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    right_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    audio_token = models.CharField(max_length=32, default=fresh_token, unique=True)
    served_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["rater", "item"], name="assignment_item_once_per_rater"),
            models.UniqueConstraint(fields=["rater", "number"], name="assignment_number_once_per_rater"),
            models.UniqueConstraint(fields=["rater"], condition=Q(state="open"), name="assignment_one_open_per_rater"),
            models.CheckConstraint(condition=~Q(left=F("right")), name="assignment_sides_differ"),
            models.CheckConstraint(condition=~Q(left_token=F("right_token")), name="assignment_slots_differ"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "rated", "returned"]), name="assignment_state_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["lease_until"], condition=Q(state="open"), name="assignment_open_leases"),
        ]
