"""What turns say, side by side and ready to be searched: made from a layer's rows, and made again when they change."""

from django.db import models

from annotation.models.layer import Layer


class IndexedLayer(models.Model):
    """Which revision of a layer its texts tell; a layer that has moved on is read again before it is searched."""

    layer = models.OneToOneField(Layer, on_delete=models.CASCADE, related_name="indexed")
    revision = models.PositiveIntegerField()


class TurnText(models.Model):
    """A turn as it is found and listed. It names its turn by uid: what deletes a turn need not know of it."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="texts")
    turn_uid = models.UUIDField()
    conversation_uid = models.UUIDField(null=True, blank=True)
    topic = models.CharField(max_length=40, blank=True)
    place = models.PositiveIntegerField()  # among the layer's turns, in order of time
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    amateur = models.TextField(blank=True)  # empty: this side is missing
    expert = models.TextField(blank=True)
    amateur_folded = models.TextField(blank=True)  # as words are compared
    expert_folded = models.TextField(blank=True)
    flags = models.TextField(blank=True)  # "|has_content=yes|other=no|", so that both databases match it alike

    class Meta:
        ordering = ["layer", "place"]
        constraints = [models.UniqueConstraint(fields=["layer", "turn_uid"], name="text_once_per_turn")]
        indexes = [models.Index(fields=["layer", "place"])]
