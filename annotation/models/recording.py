"""An audio file of a session, what was made of it, and the jobs that make it."""

import uuid
from pathlib import Path
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.session import MixingSession
from mixassist_site.jobs import Job, JobQuerySet, State


class RecordingQuerySet(models.QuerySet["Recording"]):
    """Reads over recordings."""

    def visible_to(self, person: Person) -> Self:
        """Recordings of sessions that this person may see."""
        return self.filter(session__in=MixingSession.objects.visible_to(person))


class Recording(models.Model):
    """The uploaded master: never changed; everything derived from it can be rebuilt."""

    class Kind(models.TextChoices):
        """What a recording holds."""

        MIXED = "mixed", "Dialogue and playback together"
        DIALOGUE = "dialogue", "Dialogue"
        DAW = "daw", "DAW playback"

    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="recordings")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MIXED)
    name = models.CharField(max_length=255)  # what the uploader called it: text to show, never a path
    master = models.CharField(max_length=200)  # path under MEDIA_ROOT, under a name of ours
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    container = models.CharField(max_length=20)
    codec = models.CharField(max_length=40)
    sample_rate = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField()
    frames = models.PositiveBigIntegerField()
    length_ms = models.PositiveBigIntegerField()
    offset_ms = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    @property
    def project(self) -> Project:
        """The project of its session."""
        return self.session.project

    @property
    def path(self) -> Path:
        """Where the master lies."""
        return Path(settings.MEDIA_ROOT) / self.master

    @property
    def clip_digest(self) -> str:
        """What stands in the addresses of its clips: they hold as long as the master is this one."""
        return self.sha256[:16]

    @property
    def is_sought(self) -> bool:
        """Whether any moment of the master can be decoded by itself; else it is decoded from its beginning."""
        return self.container in ("wav", "rf64", "flac")

    def place(self, kind: str, offset_ms: int) -> bool:
        """Say what it holds and when it begins; the session grows to its end. Whether anything differs."""
        if (kind, offset_ms) == (self.kind, self.offset_ms):
            return False
        with transaction.atomic():
            self.kind, self.offset_ms = kind, offset_ms
            self.save(update_fields=["kind", "offset_ms"])
            end = offset_ms + self.length_ms
            MixingSession.objects.filter(pk=self.session_id, length_ms__lt=end).update(length_ms=end)
        return True

    def derived_folder(self) -> Path:
        """Where everything made of this recording lies."""
        return Path(settings.MEDIA_ROOT) / "derived" / str(self.pk)


class Derived(models.Model):
    """Something made of a recording: rebuildable, under an address that names its hash."""

    class Kind(models.TextChoices):
        """What can be made of a recording."""

        PEAKS = "peaks"
        LEVELS = "levels"
        PROXY = "proxy"
        SPECTROGRAM = "spectrogram"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="derived")
    kind = models.CharField(max_length=12, choices=Kind)
    digest = models.CharField(max_length=64)
    path = models.CharField(max_length=200)  # under MEDIA_ROOT
    facts = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "kind"], name="derived_once_per_recording")]

    @property
    def full_path(self) -> Path:
        """Where it lies."""
        return Path(settings.MEDIA_ROOT) / self.path


class IngestQuerySet(JobQuerySet["Ingest"]):
    """Reads over the jobs that derive."""

    def visible_to(self, person: Person) -> Self:
        """Jobs of recordings that this person may see."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def claimable(self) -> Self:
        """What is drawn of a recording comes first, and of two jobs that make the same thing the older.

        Together with the rest, what is drawn would take twice as long; and the last that was asked for is to stay.
        """
        under_way = Ingest.objects.filter(recording=OuterRef("recording"), state__in=[State.QUEUED, State.RUNNING])
        rows = super().claimable().exclude(Exists(under_way.filter(makes=OuterRef("makes"), pk__lt=OuterRef("pk"))))
        for makes, before in AFTER.items():
            rows = rows.exclude(Exists(under_way.filter(makes__in=before)), makes=makes)
        return rows


AFTER = {  # what waits for which jobs of the same recording
    Derived.Kind.LEVELS: [Derived.Kind.PEAKS],
    Derived.Kind.PROXY: [Derived.Kind.PEAKS, Derived.Kind.LEVELS],
    Derived.Kind.SPECTROGRAM: [Derived.Kind.PEAKS],
}
TITLES = {
    Derived.Kind.PEAKS: "Waveform",
    Derived.Kind.LEVELS: "Silence, speech and playback",
    Derived.Kind.PROXY: "Playback audio",
    Derived.Kind.SPECTROGRAM: "Spectrogram",
}


class Ingest(Job):
    """The job that makes one thing of a recording: what is drawn, then what is told apart, then what is played."""

    kind: ClassVar[str] = "ingest"
    doorbell: ClassVar[str] = "annotation.tasks.ingest"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ingests")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="ingests")
    makes = models.CharField(max_length=12, choices=Derived.Kind)

    objects = IngestQuerySet.as_manager()

    class Meta(Job.Meta):
        pass

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"{self.made} of {self.recording.name}"

    @property
    def made(self) -> str:
        """What it makes, in words."""
        return TITLES[Derived.Kind(self.makes)]

    def get_absolute_url(self) -> str:
        """The session whose recording it is."""
        return self.recording.session.get_absolute_url()


def master_name(suffix: str) -> str:
    """A fresh path for a master: generated, so that no uploaded name is ever a path."""
    return f"masters/{uuid.uuid4().hex}{suffix}"


def facts_of(result: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Recording that a probe's answer fills."""
    return {
        "container": result["container"],
        "codec": result["codec"],
        "sample_rate": result["sample_rate"],
        "channels": result["channels"],
        "frames": result["frames"],
        "length_ms": result["duration_ms"],
    }
