"""An ordered run of turns about one topic."""

import uuid

from django.db import models

from annotation.models.layer import Layer


class Conversation(models.Model):
    """Turns that belong together; their order is that of their first segments."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="conversations")
    uid = models.UUIDField(default=uuid.uuid4)
    topic = models.CharField(max_length=40)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["layer", "uid"], name="conversation_uid_once_per_layer")]
