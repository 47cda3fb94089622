"""One change of a layer, kept for ever: undo, history and audit in one."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotation.models.layer import Layer


class Edit(models.Model):
    """What was asked, what changed (rows before and after), by whom; append-only.

    `uid` is made by the client: the same edit sent twice is applied once. The inverse of an edit is its changes
    with before and after exchanged; an undo is an edit that `undoes` another.
    """

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="edits")
    uid = models.UUIDField()
    revision = models.PositiveIntegerField()
    op = models.CharField(max_length=30)
    arguments = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    undoes = models.UUIDField(null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["revision"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "uid"], name="edit_uid_once_per_layer"),
            models.UniqueConstraint(fields=["layer", "revision"], name="edit_revision_once_per_layer"),
        ]
