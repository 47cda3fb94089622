"""Answers of one source to the rows of a snapshot, each with the way it came about."""

from collections.abc import Collection
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from annotation.models import Membership, Person, Project, Role, Snapshot
from mixassist_site.access import allow
from mixassist_site.jobs import Job, JobQuerySet, all_of
from modeling.models.adapter import Adapter
from modeling.models.base_model import BaseModel

READERS = (Role.ADMIN, Role.REVIEWER)
allow("modeling.read_answers", *READERS)


class Source(models.TextChoices):
    """Who answers."""

    EXPERT = "expert", "Human expert"
    BASE = "base", "Base model, zero-shot"
    ADAPTER = "adapter", "Adapter"
    ENDPOINT = "endpoint", "Server"
    IMPORTED = "imported", "Imported answers"


def _queue_of(source: str) -> str:
    return "gpu" if source in (Source.BASE, Source.ADAPTER) else "cpu"


class GenerationQuerySet(JobQuerySet["Generation"]):
    """Reads over generations."""

    def visible_to(self, person: Person) -> Self:
        """Generations of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))

    def answers_visible_to(self, person: Person) -> Self:
        """Generations whose answers this person may read: annotators rate too, and must not know who said what."""
        if person.is_superuser:
            return self.visible_to(person)
        reading = Membership.objects.filter(person=person, role__in=READERS)
        return self.visible_to(person).filter(project__memberships__in=reading)


class Generation(Job):
    """One source answers one split of one snapshot; frozen once it has succeeded."""

    kind: ClassVar[str] = "generation"
    home: ClassVar[str] = "gpu"
    doorbell: ClassVar[str] = "modeling.tasks.generate_candidates"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="generations")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="generations")
    split = models.CharField(max_length=12, default="test")
    source = models.CharField(max_length=8, choices=Source)
    base = models.ForeignKey(BaseModel, null=True, blank=True, on_delete=models.PROTECT, related_name="generations")
    adapter = models.ForeignKey(Adapter, null=True, blank=True, on_delete=models.PROTECT, related_name="generations")
    name = models.CharField(max_length=120, blank=True)  # of a source outside the site: imported answers, a server
    answers = models.PositiveSmallIntegerField(default=1)  # K per row
    decoding = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    record = models.JSONField(default=dict)

    objects = GenerationQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                name="generation_names_its_source",
                condition=Q(source="expert", base=None, adapter=None, name="")
                | Q(source="base", base__isnull=False, adapter=None, name="")
                | Q(source="adapter", base__isnull=False, adapter__isnull=False, name="")
                | (Q(source__in=["imported", "endpoint"], base=None, adapter=None) & ~Q(name="")),
            )
        ]

    @classmethod
    def on(cls, queues: Collection[str]) -> JobQuerySet[Self]:
        """The generations that these queues' workers do: who asks a server, or quotes, needs no GPU."""
        rows = all_of(cls)
        wanted = [source for source in Source if _queue_of(source) in queues]
        return rows.filter(source__in=wanted)

    @property
    def queue(self) -> str:
        """The queue whose workers do this job."""
        return _queue_of(self.source)

    @property
    def source_name(self) -> str:
        """How researchers name the source: expert, the base's key, the name of the adapter, server or import."""
        if self.source in (Source.IMPORTED, Source.ENDPOINT):
            return self.name
        if self.source == Source.ADAPTER:
            return self.adapter.name if self.adapter else ""
        return self.base.key if self.base else "expert"

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Answers of {self.source_name} to {self.snapshot.name} ({self.split})"

    def get_absolute_url(self) -> str:
        """The generation's page."""
        return reverse("generation", args=[self.pk])


class Candidate(models.Model):
    """One answer of one source to one row."""

    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="candidates")
    row = models.CharField(max_length=200)  # "<split>/<conversation_id>/<turn_id>" in the snapshot
    index = models.PositiveSmallIntegerField(default=0)
    text = models.TextField(blank=True)
    seed = models.BigIntegerField(default=0)
    prompt_sha256 = models.CharField(max_length=64, blank=True)
    tokens = models.PositiveIntegerField(default=0)
    stop_reason = models.CharField(max_length=20, blank=True)
    guards = models.JSONField(default=list)  # empty, endless, repeats, echo
    redrawn = models.JSONField(default=list)  # the guards of a first draw that was drawn again
    audio_kept = models.CharField(max_length=8, blank=True)  # whole, tail, head or windows of the clip
    history_cut = models.PositiveSmallIntegerField(default=0)  # messages that were not shown
    latency_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["row", "index"]
        constraints = [
            models.UniqueConstraint(fields=["generation", "row", "index"], name="candidate_once_per_row_and_index")
        ]
