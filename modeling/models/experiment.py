"""A question, and the runs that answer it."""

from typing import ClassVar, Self

from django.db import models, transaction
from django.urls import reverse

from annotation.models import Person, Project, Snapshot
from mixassist_site.jobs import Job, JobQuerySet, State, cancelled, queued
from modeling.models.base_model import BaseModel


class ExperimentQuerySet(JobQuerySet["Experiment"]):
    """Reads over experiments."""

    def visible_to(self, person: Person) -> Self:
        """Experiments of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class Experiment(Job):
    """One base, one snapshot, one validation set; arms × seeds are its runs, which one child trains in turn."""

    kind: ClassVar[str] = "experiment"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "modeling.tasks.run_experiment"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="experiments")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="experiments")
    base = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=60)
    question = models.CharField(max_length=300, blank=True)
    design = models.CharField(max_length=16)
    config = models.JSONField(default=dict)  # what all arms share
    arms = models.JSONField(default=list)  # [name, what it changes], in order
    seeds = models.JSONField(default=list)
    record = models.JSONField(default=dict)

    objects = ExperimentQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="experiment_name_once_per_project")]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Experiment {self.name}"

    def request_cancel(self) -> bool:
        """Stop it, and with it the runs that wait for it."""
        with transaction.atomic():
            asked = super().request_cancel()
            if type(self).objects.filter(pk=self.pk, state=State.CANCELLED).exists():
                self.runs.filter(state=State.QUEUED).update(**cancelled())
        return asked

    def retry(self) -> bool:
        """Queue it again; what was trained stays, the rest is trained."""
        with transaction.atomic():
            again = super().retry()
            if again:
                cleared = {"error_code": "", "error_message": "", "finished_at": None, "note": ""}
                self.runs.exclude(state=State.SUCCEEDED).update(**queued(), **cleared)
        return again

    def get_absolute_url(self) -> str:
        """The experiment's page."""
        return reverse("experiment", args=[self.pk])
