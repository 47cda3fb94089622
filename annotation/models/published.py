"""What a published data set says of a layer's conversations, turns and clips, and the layer's rows don't."""

from django.db import models

from annotation.models.layer import Layer


class Published(models.Model):
    """Names, numbers and splits by uid, as `annotation.published.placing` has them; snapshots write them again.

    They are kept by uid, and so outlive an edit and its undo, and go with a copy of the layer.
    """

    layer = models.OneToOneField(Layer, on_delete=models.CASCADE, related_name="published")
    group = models.PositiveIntegerField(null=True, blank=True)  # the k of Group<k>; none: no clip names one
    digest = models.CharField(max_length=64)  # of the rows: the same data is not imported twice
    clips_digest = models.CharField(max_length=64, blank=True)  # of the clips that were given
    facts = models.JSONField(default=dict)
