"""The amateur's words, the expert's words, and the music that they speak about."""

import uuid

from django.db import models

from annotation.models.conversation import Conversation
from annotation.models.layer import Layer
from annotation.models.segment import Segment


class Turn(models.Model):
    """One exchange; a side without segments and without text is missing, never a placeholder."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="turns")
    uid = models.UUIDField(default=uuid.uuid4)
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="turns"
    )
    amateur_text = models.TextField(null=True, blank=True)  # noqa: DJ001 – null: derived from the segments
    expert_text = models.TextField(null=True, blank=True)  # noqa: DJ001

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["layer", "uid"], name="turn_uid_once_per_layer")]


class TurnMember(models.Model):
    """A segment's place in a turn; a music clip may serve several turns."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="members")
    # Nothing is left to take away with a segment: an edit takes it out of its turns first, and a layer's turns go too.
    segment = models.ForeignKey(Segment, on_delete=models.DO_NOTHING, related_name="memberships")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["turn", "segment"], name="segment_once_per_turn")]
