"""What a training run leaves: a LoRA adapter as safetensors."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from annotation.models import Person, Project
from modeling.models.base_model import BaseModel
from modeling.models.training_run import TrainingRun


class AdapterQuerySet(models.QuerySet["Adapter"]):
    """Reads over adapters."""

    def visible_to(self, person: Person) -> Self:
        """Adapters of the projects in which this person has a role."""
        return self.filter(run__project__in=Project.objects.visible_to(person))


class Adapter(models.Model):
    """One per run; its files lie under ADAPTERS_ROOT and never change."""

    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="adapter")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    folder = models.CharField(max_length=200)  # under ADAPTERS_ROOT
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AdapterQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

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

    def get_absolute_url(self) -> str:
        """The adapter's page."""
        return reverse("adapter", args=[self.pk])
