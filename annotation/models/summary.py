"""The context summary before a turn, revision by revision."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotation.models.layer import Layer


class Summary(models.Model):
    """What was said before a turn, by a person or a model; an empty text takes the summary away.

    A summary names its turn by uid: deleting a turn and undoing that brings its summaries back.
    """

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="summaries")
    turn_uid = models.UUIDField()
    revision = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    model = models.CharField(max_length=120, blank=True)  # name and version, where a model wrote it
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["turn_uid", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "turn_uid", "revision"], name="summary_revision_once_per_turn")
        ]
