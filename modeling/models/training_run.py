"""One training of one adapter on one snapshot."""

from pathlib import Path
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from annotation.models import Person, Project, Role, Snapshot
from mixassist_site.access import allow
from mixassist_site.jobs import Job, JobQuerySet
from modeling.models.base_model import BaseModel
from modeling.models.experiment import Experiment

allow("modeling.start_run", Role.ADMIN)
allow("modeling.steer_job", Role.ADMIN)


class TrainingRunQuerySet(JobQuerySet["TrainingRun"]):
    """Reads over training runs."""

    def visible_to(self, person: Person) -> Self:
        """Runs of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def claimable(self) -> Self:
        """Runs that stand alone; those of an experiment are worked with it."""
        return super().claimable().filter(experiment=None)


class TrainingRun(Job):
    """Config, seed, snapshot and base in; metrics and one adapter out."""

    kind: ClassVar[str] = "training"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "modeling.tasks.train_adapter"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="training_runs")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="training_runs")
    base = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="training_runs")
    name = models.CharField(max_length=120)
    config = models.JSONField(default=dict)
    record = models.JSONField(default=dict)  # versions, hashes, steps, losses: what a re-run needs
    experiment = models.ForeignKey(Experiment, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    arm = models.CharField(max_length=40, blank=True)  # of its experiment

    objects = TrainingRunQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="run_name_once_per_project"),
            models.CheckConstraint(
                name="run_has_an_arm_in_an_experiment",
                condition=Q(experiment=None, arm="") | (Q(experiment__isnull=False) & ~Q(arm="")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Training {self.name}"

    @property
    def folder(self) -> Path:
        """Where its attempts lie, one folder per fence."""
        return Path(settings.RUNS_ROOT) / str(self.pk)

    def is_steered_by(self, person: Any) -> bool:
        """Whether this person may stop and repeat it; a run of an experiment goes where that goes."""
        return self.experiment_id is None and super().is_steered_by(person)

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("run", args=[self.pk])


class Metric(models.Model):
    """One measured value at one step of a run; append-only, a step measured again after a resume is kept once."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    key = models.CharField(max_length=40)
    value = models.FloatField()

    class Meta:
        ordering = ["step", "key"]
        constraints = [models.UniqueConstraint(fields=["run", "key", "step"], name="metric_once_per_step")]
