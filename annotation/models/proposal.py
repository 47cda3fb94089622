"""Who speaks when, told from two microphones: a job whose result is a layer."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from annotation.models.layer import Layer
from annotation.models.person import Person
from annotation.models.project import Project
from annotation.models.recording import Recording
from annotation.models.session import MixingSession
from mixassist_site.jobs import Job, JobQuerySet


class LaneProposalQuerySet(JobQuerySet["LaneProposal"]):
    """Reads over proposals."""

    def visible_to(self, person: Person) -> Self:
        """Proposals for sessions that this person may see."""
        return self.filter(project__in=Project.objects.visible_to(person))


class LaneProposal(Job):
    """The job that listens to the amateur's and the expert's microphone, and lays both lanes out."""

    kind: ClassVar[str] = "lane-proposal"
    doorbell: ClassVar[str] = "annotation.tasks.propose_lanes"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="lane_proposals")
    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="lane_proposals")
    amateur = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="+")
    expert = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="+")
    layer = models.ForeignKey(Layer, null=True, blank=True, on_delete=models.SET_NULL, related_name="lane_proposals")

    objects = LaneProposalQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(condition=~Q(amateur=F("expert")), name="lane_proposal_of_two_recordings"),
        ]

    @property
    def title(self) -> str:
        """What the jobs page calls it."""
        return f"Who speaks when in {self.session.title}"

    def get_absolute_url(self) -> str:
        """The layer that it made, or the session."""
        made: Layer | MixingSession = self.layer or self.session
        return made.get_absolute_url()
