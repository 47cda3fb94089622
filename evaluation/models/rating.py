"""A vote and its history."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from evaluation.models.assignment import Assignment


class RatingQuerySet(models.QuerySet["Rating"]):
    """Reads over ratings."""

    def current(self) -> Self:
        """The ratings that count: those that no later revision replaces."""
        return self.filter(replaced_by=None)


class Rating(models.Model):
    """What a rater said of an assignment; append-only, in the database too (a trigger refuses updates).

    A change of mind is a new revision that replaces the one before it: one first revision per assignment and
    one successor per revision, so there is exactly one current rating. On SQLite a migration that rebuilds this
    table must put the trigger back; a test tells when it is missing.
    """

    class Choice(models.TextChoices):
        """What a vote can say; `both_good` is the tie, under the protocol's own label. The last two are no ties."""

        LEFT = "left", "Left"
        RIGHT = "right", "Right"
        BOTH_GOOD = "both_good", "Both good"
        BOTH_BAD = "both_bad", "Both bad"
        CANNOT_JUDGE = "cannot_judge", "Can't judge"

    class Strength(models.IntegerChoices):
        """How much better the chosen answer is; none in the four-outcome preset."""

        SLIGHT = 1, "Slightly"
        CLEAR = 2, "Clearly"

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="ratings")
    revision = models.PositiveSmallIntegerField(default=1)
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    choice = models.CharField(max_length=12, choices=Choice)
    strength = models.PositiveSmallIntegerField(null=True, blank=True, choices=Strength)
    criteria = models.JSONField(default=dict, blank=True)  # criterion → left, right or both_good (the tie)
    reason = models.TextField(blank=True)
    ms_to_vote = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="rating_revision_once_per_assignment"),
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(replaces=None), name="rating_once_per_assignment"
            ),
            models.CheckConstraint(
                condition=Q(revision=1, replaces=None) | Q(revision__gt=1, replaces__isnull=False),
                name="rating_revision_replaces_the_one_before",
            ),
            models.CheckConstraint(
                condition=Q(choice__in=["left", "right", "both_good", "both_bad", "cannot_judge"]),
                name="rating_choice_is_known",
            ),
            models.CheckConstraint(
                condition=Q(strength=None) | Q(strength__in=[1, 2], choice__in=["left", "right"]),
                name="rating_strength_is_of_a_preference",
            ),
        ]
