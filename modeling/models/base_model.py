"""A checkpoint that adapters are trained on."""

from django.db import models
from django.utils import timezone

TINY = "tiny"


class BaseModel(models.Model):
    """A checkpoint directory or hub id, and the revision that was used; shared by all projects."""

    key = models.SlugField(unique=True, max_length=60)
    location = models.CharField(max_length=400, blank=True)  # a directory or a hub id; empty: made locally
    revision = models.CharField(max_length=64, blank=True)
    license = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key

    @property
    def is_tiny(self) -> bool:
        """Whether this is the random miniature that the site makes by itself."""
        return self.key == TINY
