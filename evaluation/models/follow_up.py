"""What a rater is asked after a vote, when the vote can no longer change."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from evaluation.models.assignment import Assignment


class FollowUp(models.Model):
    """One answer to what follows a vote; append-only, in the database too (a trigger refuses updates)."""

    class Guess(models.TextChoices):
        """Which of the two answers was written by a person."""

        LEFT = "left", "Left"
        RIGHT = "right", "Right"
        UNSURE = "unsure", "Can't tell"

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="follow_up")
    guess = models.CharField(max_length=6, blank=True, choices=Guess)
    criteria = models.JSONField(default=dict, blank=True)  # criterion → left, right or both_good (the tie)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(guess__in=["", "left", "right", "unsure"]), name="follow_up_guess_is_known"
            )
        ]
