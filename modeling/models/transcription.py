"""One recording, transcribed once by one model; its result is a layer."""

from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse

from annotation.models import Lane, Layer, MixingSession, Person, Project, Recording, Role
from mixassist_site.access import allow
from mixassist_site.jobs import Job, JobQuerySet

allow("modeling.transcribe", Role.ADMIN)


class TranscriptionQuerySet(JobQuerySet["Transcription"]):
    """Reads over transcriptions."""

    def visible_to(self, person: Person) -> Self:
        """Transcriptions in the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class Transcription(Job):
    """Recording, model, language and lane in; a model's layer out."""

    kind: ClassVar[str] = "transcription"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "modeling.tasks.transcribe"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="transcriptions")
    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="transcriptions")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="transcriptions")
    model = models.CharField(max_length=400)  # a hub id or a folder, as the settings named it
    revision = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=12, blank=True)  # empty: the model tells
    lane = models.CharField(max_length=8, choices=Lane)
    layer = models.ForeignKey(Layer, null=True, blank=True, on_delete=models.SET_NULL, related_name="transcriptions")

    objects = TranscriptionQuerySet.as_manager()

    class Meta(Job.Meta):
        pass

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Transcript of {self.recording.name}"

    @property
    def model_name(self) -> str:
        """What people call the model: a folder by its own name."""
        return Path(self.model).name

    @property
    def folder(self) -> Path:
        """Where its attempts lie, one folder per fence."""
        return Path(settings.RUNS_ROOT) / f"transcription-{self.pk}"

    def get_absolute_url(self) -> str:
        """The transcriptions of its session."""
        return reverse("transcriptions", args=[self.session_id])
