"""A file on its way in: chunk by chunk, resumable at any byte."""

import uuid
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.session import MixingSession


class UploadQuerySet(models.QuerySet["Upload"]):
    """Reads over uploads."""

    def visible_to(self, person: Person) -> Self:
        """A person's own uploads, in projects where they still have a role."""
        return self.filter(by=person, project__in=Project.objects.visible_to(person))


class Upload(models.Model):
    """One file of a known size; `received` bytes of it are safely here."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    session = models.ForeignKey(MixingSession, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    title = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(received__lte=models.F("size")), name="upload_receives_no_more_than_its_size"
            )
        ]

    @property
    def path(self) -> Path:
        """Where the bytes received so far lie."""
        return Path(settings.UPLOADS_ROOT) / f"{self.uid.hex}.part"
