"""What a training run leaves: a LoRA adapter as safetensors."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from annotation.models import Person, Project, Role
from mixassist_site.access import allow
from modeling.models.base_model import BaseModel
from modeling.models.training_run import TrainingRun

allow("modeling.judge_adapter", Role.ADMIN)


class Standing(models.TextChoices):
    """What a project thinks of an adapter."""

    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"
    RETIRED = "retired", "Retired"


class AdapterQuerySet(models.QuerySet["Adapter"]):
    """Reads over adapters."""

    def visible_to(self, person: Person) -> Self:
        """Adapters of the projects in which this person has a role."""
        return self.filter(run__project__in=Project.objects.visible_to(person))

    def in_use(self) -> Self:
        """Those that may answer."""
        return self.exclude(state=Standing.RETIRED)


class Adapter(models.Model):
    """One per run; its files lie under ADAPTERS_ROOT and never change."""

    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="adapter")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    folder = models.CharField(max_length=200)  # under ADAPTERS_ROOT
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=Standing, default=Standing.DRAFT)
    judged_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AdapterQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="adapter_has_a_standing", condition=Q(state__in=["draft", "approved", "retired"])
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> Project:
        """The project of its run."""
        return self.run.project

    @property
    def base(self) -> BaseModel:
        """The checkpoint that it belongs to."""
        return self.run.base

    @property
    def path(self) -> Path:
        """Where its files lie."""
        return Path(settings.ADAPTERS_ROOT) / self.folder

    def approve(self, by: Person) -> bool:
        """Say that it is good to use; a retired one comes back so."""
        return self._judge(Standing.APPROVED, by, unless=Standing.APPROVED)

    def retire(self, by: Person) -> bool:
        """Let it answer nothing new; what it has answered stays."""
        return self._judge(Standing.RETIRED, by, unless=Standing.RETIRED)

    def _judge(self, standing: str, by: Person, *, unless: str) -> bool:
        told = {"state": standing, "judged_by": by, "judged_at": timezone.now()}
        changed = Adapter.objects.filter(pk=self.pk).exclude(state=unless).update(**told) == 1
        self.refresh_from_db(fields=list(told))
        return changed

    def get_absolute_url(self) -> str:
        """The adapter's page."""
        return reverse("adapter", args=[self.pk])
