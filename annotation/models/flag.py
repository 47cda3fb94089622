"""A flag on a turn: yes, no, or not set at all."""

from django.db import models

from annotation.models.turn import Turn


class FlagValue(models.Model):
    """Yes or no with a note; unset is the absence of the row, and is not no."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="flags")
    flag = models.CharField(max_length=40)
    value = models.CharField(max_length=3, choices=[("yes", "Yes"), ("no", "No")])
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["flag"]
        constraints = [
            models.UniqueConstraint(fields=["turn", "flag"], name="flag_once_per_turn"),
            models.CheckConstraint(condition=models.Q(value__in=["yes", "no"]), name="flag_is_yes_or_no"),
        ]
