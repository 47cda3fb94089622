"""A snapshot's release: built once by a job under its options, then there to be downloaded."""

from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.text import slugify

from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.snapshot import Snapshot
from mixassist_site.jobs import Job, JobQuerySet, State


class ReleaseQuerySet(JobQuerySet["Release"]):
    """Reads over releases."""

    def visible_to(self, person: Person) -> Self:
        """Releases of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class Release(Job):
    """The job that writes one, and what it has written: a ZIP archive under RELEASES_ROOT."""

    kind: ClassVar[str] = "release"
    doorbell: ClassVar[str] = "annotation.tasks.write_release"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="releases")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="releases")
    options = models.JSONField(default=dict)
    file = models.CharField(max_length=200, blank=True)  # under RELEASES_ROOT
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)  # {"rows": {split: n}, "clips", "clips_missing", "files"}

    objects = ReleaseQuerySet.as_manager()

    class Meta(Job.Meta):
        pass

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Release of {self.snapshot.name} as {self.options.get('format', 'hf')}"

    @property
    def path(self) -> Path:
        """Where its archive lies."""
        return Path(settings.RELEASES_ROOT) / self.file

    @property
    def is_here(self) -> bool:
        """Whether it is built and its archive is where it was put."""
        return self.state == State.SUCCEEDED and self.path.is_file()

    @property
    def download_name(self) -> str:
        """What a browser calls the archive; its folder is called the same."""
        return f"{slugify(self.snapshot.name)[:60] or 'snapshot'}-{self.options.get('format', 'hf')}"

    def get_absolute_url(self) -> str:
        """The release's page."""
        return reverse("release", args=[self.pk])
