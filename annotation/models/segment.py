"""A stretch of a session on one lane: somebody speaks, or music plays."""

import uuid

from django.db import models
from django.db.models import F, Q

from annotation.models.layer import Layer


class Lane(models.TextChoices):
    """Who or what a segment holds."""

    AMATEUR = "amateur", "Amateur"
    EXPERT = "expert", "Expert"
    MUSIC = "music", "Music"
    NOTE = "note", "Note"


class Segment(models.Model):
    """A span in integer milliseconds, half-open; overlap between lanes is normal."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="segments")
    uid = models.UUIDField(default=uuid.uuid4)
    lane = models.CharField(max_length=8, choices=Lane)
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    text = models.TextField(blank=True)
    words = models.JSONField(default=list, blank=True)  # [start_ms, end_ms, word], as far as anybody knows them

    class Meta:
        ordering = ["start_ms", "end_ms", "pk"]
        indexes = [models.Index(fields=["layer", "start_ms"])]
        constraints = [
            models.UniqueConstraint(fields=["layer", "uid"], name="segment_uid_once_per_layer"),
            models.CheckConstraint(condition=Q(lane__in=Lane.values), name="segment_lane_is_known"),
            models.CheckConstraint(
                name="segment_starts_before_it_ends",
                condition=Q(start_ms__lt=F("end_ms")),
                violation_error_message="A segment starts before it ends.",
            ),
        ]
