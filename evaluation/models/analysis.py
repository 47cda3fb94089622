"""What a study's votes said at one moment: computed once by a job, frozen, and compared with later ones."""

from pathlib import Path
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from annotation.models import Membership, Person, Project
from evaluation.models.metric_run import READERS
from evaluation.models.study import Study
from mixassist_site.jobs import Job, JobQuerySet, State


class AnalysisQuerySet(JobQuerySet["Analysis"]):
    """Reads over analyses: members who rate must not know them."""

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
        return self.filter(state=State.SUCCEEDED).order_by("-number")


class Analysis(Job):
    """Votes in, `findings` out. The same input hash, code version, seed and draws give the same bytes.

    The result never changes once it is there; figures are drawn from it, and can be drawn again at any time.
    """

    kind: ClassVar[str] = "analysis"
    doorbell: ClassVar[str] = "evaluation.tasks.analyse_study"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="analyses")
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="analyses")
    number = models.PositiveIntegerField()  # the study's first, second, …
    seed = models.PositiveIntegerField(default=0)
    draws = models.PositiveIntegerField(default=2000)
    votes_seen = models.PositiveBigIntegerField(default=0)  # the newest rating there was: later ones are news
    input_hash = models.CharField(max_length=64, blank=True)
    code_version = models.CharField(max_length=12, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the result's bytes
    result = models.JSONField(default=dict)

    objects = AnalysisQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="analysis_number_once_per_study"),
            models.CheckConstraint(
                name="analysis_has_its_result",
                condition=~Q(state="succeeded") | ~Q(input_hash="") & ~Q(code_version="") & ~Q(sha256=""),
            ),
        ]

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Report {self.number} of {self.study.title}"

    @property
    def folder(self) -> Path:
        """Where its figures lie: named for what they are drawn from."""
        return Path(settings.FIGURES_ROOT) / f"analysis-{self.pk}-{self.sha256[:16]}"

    @property
    def told(self) -> dict[str, Any]:
        """The result with the facts of its making, as scripts get it."""
        names = ("number", "seed", "draws", "input_hash", "code_version", "sha256")
        return {**{name: getattr(self, name) for name in names}, **self.result}

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("study-analysis", args=[self.study_id, self.number])
