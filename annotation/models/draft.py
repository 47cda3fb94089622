"""A language model's draft of a context summary: a job, and nothing of the layer until a person accepts it."""

from typing import ClassVar, Self

from django.db import models

from annotation.models.layer import Layer
from annotation.models.person import Person
from annotation.models.project import Project
from mixassist_site.jobs import Job, JobQuerySet


class SummaryDraftQuerySet(JobQuerySet["SummaryDraft"]):
    """Reads over drafts."""

    def visible_to(self, person: Person) -> Self:
        """Drafts for layers that this person may see."""
        return self.filter(layer__in=Layer.objects.visible_to(person))


class SummaryDraft(Job):
    """The job that asks the configured model for the summary before one turn."""

    kind: ClassVar[str] = "summary-draft"
    doorbell: ClassVar[str] = "annotation.tasks.draft_summary"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="summary_drafts")
    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="summary_drafts")
    turn_uid = models.UUIDField()
    model = models.CharField(max_length=120)  # who was asked, as the configuration names it
    text = models.TextField(blank=True)
    prompt_sha256 = models.CharField(max_length=64, blank=True)

    objects = SummaryDraftQuerySet.as_manager()

    class Meta(Job.Meta):
        pass

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Draft of a summary in {self.layer.session.title}"

    def get_absolute_url(self) -> str:
        """The workbench with its layer."""
        return self.layer.get_absolute_url()
