"""A transcript on its way in: its file waits here until somebody has said which speaker is whom."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from annotation.models.layer import Layer
from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.session import MixingSession

KEPT = timedelta(days=7)


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    """Reads over transcripts."""

    def visible_to(self, person: Person) -> Self:
        """A person's own transcripts, in projects where they still have a role."""
        return self.filter(by=person, session__in=MixingSession.objects.visible_to(person))

    def waiting(self) -> Self:
        """Those that are no layer yet."""
        return self.filter(layer=None)


class Transcript(models.Model):
    """An uploaded file, which speaker goes to which lane as far as anybody said, and the layer that it became."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="transcripts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transcripts")
    name = models.CharField(max_length=255)  # what the uploader called it: text to show, never a path
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=20)
    lanes = models.JSONField(default=dict)  # {speaker: lane, or "" to leave out}; empty: nobody has said
    layer = models.ForeignKey(Layer, null=True, blank=True, on_delete=models.CASCADE, related_name="transcripts")
    created_at = models.DateTimeField(default=timezone.now)

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> Project:
        """The project of its session."""
        return self.session.project

    @property
    def path(self) -> Path:
        """Where its bytes lie while it waits."""
        return Path(settings.UPLOADS_ROOT) / f"{self.uid.hex}.transcript"

    @property
    def waits_until(self) -> datetime:
        """When it is forgotten."""
        return self.created_at + KEPT

    def get_absolute_url(self) -> str:
        """The page that says what would come of it."""
        return reverse("transcript", args=[self.uid])
