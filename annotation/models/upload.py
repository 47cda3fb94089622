"""A file on its way in: chunk by chunk, resumable at any byte."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.recording import Recording
from annotation.models.session import MixingSession

COMPLETION = timedelta(minutes=10)  # longer than a probe may take


class UploadQuerySet(models.QuerySet["Upload"]):
    """Reads over uploads."""

    def visible_to(self, person: Person) -> Self:
        """A person's own uploads, in projects where they still have a role."""
        return self.filter(by=person, project__in=Project.objects.visible_to(person))

    def unfinished(self) -> Self:
        """Those that are no recording yet."""
        return self.filter(recording=None)


class Upload(models.Model):
    """One file of a known size; `received` bytes of it are safely here.

    `fingerprint` is the client's own word for the file's content: only with the same one does an upload go on. A
    complete upload stays for a while with its recording, so that completing it again answers the same.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    session = models.ForeignKey(MixingSession, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    title = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField()
    fingerprint = models.CharField(max_length=80, blank=True)
    received = models.PositiveBigIntegerField(default=0)
    completing_until = models.DateTimeField(null=True, blank=True)
    recording = models.ForeignKey(Recording, null=True, blank=True, on_delete=models.CASCADE, related_name="uploads")
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

    def claim_completion(self) -> bool:
        """Be the one who makes a recording of it; False while somebody else does, or once somebody has."""
        now = timezone.now()
        free = Q(completing_until=None) | Q(completing_until__lt=now)
        rows = type(self).objects.unfinished().filter(free, pk=self.pk)
        return rows.update(completing_until=now + COMPLETION) == 1

    def release_completion(self) -> None:
        """Let the next one try."""
        type(self).objects.filter(pk=self.pk).update(completing_until=None)
