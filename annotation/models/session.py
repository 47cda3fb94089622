"""One recorded mixing session, and who sat in it."""

from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.project import Project


class SessionQuerySet(models.QuerySet["MixingSession"]):
    """Reads over sessions."""

    def visible_to(self, person: Person) -> Self:
        """Sessions of the projects in which this person has a role."""
        return self.filter(project__in=Project.objects.visible_to(person))


class MixingSession(models.Model):
    """An expert and an amateur mixing one song; times of all its rows are milliseconds on its own time line."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sessions")
    number = models.PositiveIntegerField()  # the k of Group<k> in the exported data set
    title = models.CharField(max_length=200)
    length_ms = models.PositiveBigIntegerField(default=0)
    license = models.CharField(max_length=80, blank=True)
    consent = models.TextField(blank=True)
    song = models.CharField(max_length=200, blank=True)  # that is mixed; track settings of others are found by it
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["project", "number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="session_number_once_per_project")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The session's page."""
        return reverse("session", args=[self.pk])

    @classmethod
    def open(cls, project: Project, title: str, by: Person | None, **fields: str) -> "MixingSession":
        """Begin a session under the project's next number."""
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=project.pk)
            last = project.sessions.aggregate(last=Max("number"))["last"] or 0
            return cls.objects.create(project=project, number=last + 1, title=title, created_by=by, **fields)


class Participant(models.Model):
    """A recorded person, known here by a code alone."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="participants")
    code = models.CharField(max_length=40)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # since then their sessions are in no new snapshot

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "code"], name="participant_code_once_per_project")]


class Seat(models.Model):
    """Who sat as expert and who as amateur in a session."""

    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="seats")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="seats")
    role = models.CharField(max_length=10, choices=[("amateur", "Amateur"), ("expert", "Expert")])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "participant"], name="seat_once_per_session")]
