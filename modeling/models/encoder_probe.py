"""What a base hears of music, and where it is lost on the way to an answer."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from annotation.models import Person, Project
from mixassist_site.jobs import Job, JobQuerySet
from modeling.models.adapter import Adapter
from modeling.models.base_model import BaseModel


class EncoderProbeQuerySet(JobQuerySet["EncoderProbe"]):
    """Reads over probes."""

    def visible_to(self, person: Person) -> Self:
        """Probes of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class EncoderProbe(Job):
    """A base, perhaps with an adapter, and seeded clips in; scores of each stage with intervals out."""

    kind: ClassVar[str] = "probe"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "modeling.tasks.probe_encoder"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="probes")
    base = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="probes")
    adapter = models.ForeignKey(Adapter, null=True, blank=True, on_delete=models.PROTECT, related_name="probes")
    clips = models.PositiveSmallIntegerField(default=240)
    asks = models.BooleanField(default=True)  # whether the whole model is asked about each clip
    seed = models.PositiveIntegerField(default=0)
    record = models.JSONField(default=dict)

    objects = EncoderProbeQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(name="probe_has_enough_clips", condition=Q(clips__gte=40, clips__lte=2000))
        ]

    @property
    def subject(self) -> str:
        """Whose hearing it is."""
        return f"{self.base.key} with {self.adapter.name}" if self.adapter else self.base.key

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Hearing of {self.subject}"

    def get_absolute_url(self) -> str:
        """The probe's page."""
        return reverse("probe", args=[self.pk])
