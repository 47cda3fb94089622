"""A frozen data set: built once by a job, never changed after."""

from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse

from annotation.models.person import Person
from annotation.models.project import Project
from mixassist_site.jobs import Job, JobQuerySet, State


class SnapshotQuerySet(JobQuerySet["Snapshot"]):
    """Reads over snapshots."""

    def visible_to(self, person: Person) -> Self:
        """Snapshots of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def frozen(self) -> Self:
        """Snapshots that are built."""
        return self.filter(state=State.SUCCEEDED)


class Snapshot(Job):
    """Which rows, split how, with what hash; its files lie under SNAPSHOTS_ROOT."""

    kind: ClassVar[str] = "snapshot"
    doorbell: ClassVar[str] = "annotation.tasks.build_snapshot"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="snapshots")
    name = models.CharField(max_length=120)
    filter = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict)  # {split: rows}
    excluded = models.JSONField(default=list)  # [{"row", "kind", "why"}]
    participants = models.JSONField(default=list)  # codes of those whose sessions it holds
    withdrawn = models.JSONField(default=list)  # [{"participant", "why", "on"}]: who is in it and should not be
    folder = models.CharField(max_length=200, blank=True)  # under SNAPSHOTS_ROOT

    objects = SnapshotQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="snapshot_name_once_per_project")]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Snapshot {self.name}"

    @property
    def is_frozen(self) -> bool:
        """Whether it is built, and so never changes again."""
        return self.state == State.SUCCEEDED

    @property
    def path(self) -> Path:
        """Where its files lie."""
        return Path(settings.SNAPSHOTS_ROOT) / self.folder

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(self.counts.values())

    def get_absolute_url(self) -> str:
        """The snapshot's page."""
        return reverse("snapshot", args=[self.pk])
