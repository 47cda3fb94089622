"""Automatic metrics of a study's answers, computed once by a job."""

from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from annotation.models import Membership, Person, Project, Role
from evaluation.models.study import Study
from mixassist_site.jobs import Job, JobQuerySet, State

READERS = (Role.ADMIN, Role.REVIEWER)


class ResultQuerySet(JobQuerySet["MetricRun"]):
    """Reads over results of studies: members who rate must not know them."""

    def visible_to(self, person: Person) -> Self:
        """Those of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def readable_by(self, person: Person) -> Self:
        """Those whose results this person may read."""
        if person.is_superuser:
            return self.visible_to(person)
        reading = Membership.objects.filter(person=person, role__in=READERS)
        return self.visible_to(person).filter(project__memberships__in=reading)

    def finished(self) -> Self:
        """Those with a result, newest first."""
        return self.filter(state=State.SUCCEEDED).order_by("-pk")


class MetricRun(Job):
    """Answers and what the expert said in; BLEU, ROUGE-L and BERTScore out, as `metrics.measuring` tells them."""

    kind: ClassVar[str] = "metrics"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "evaluation.tasks.measure_answers"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="metric_runs")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="metric_runs")
    model = models.CharField(max_length=400, blank=True)  # BERTScore's, as the settings named it; empty: none
    revision = models.CharField(max_length=64, blank=True)
    layer = models.PositiveSmallIntegerField(default=0)  # 0: the authors' choice
    baseline = models.FloatField(null=True, blank=True)  # None: measured
    seed = models.PositiveIntegerField(default=0)
    input_hash = models.CharField(max_length=64, blank=True)  # of answers, references and all of the above
    result = models.JSONField(default=dict)

    objects = ResultQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                name="metric_run_has_its_result", condition=~Q(state="succeeded") | ~Q(input_hash="")
            )
        ]

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Metrics of {self.study.title}"

    @property
    def folder(self) -> Path:
        """Where its attempts lie, one folder per fence."""
        return Path(settings.RUNS_ROOT) / f"metrics-{self.pk}"

    def get_absolute_url(self) -> str:
        """The metrics of its study."""
        return reverse("study-metrics", args=[self.study_id])
