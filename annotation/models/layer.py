"""One person's whole account of a session, and its way through review."""

from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.project import Membership, Project, Role
from annotation.models.session import MixingSession


class LayerQuerySet(models.QuerySet["Layer"]):
    """Reads over layers."""

    def visible_to(self, person: Person) -> Self:
        """A person's own layers; imports and models' layers of their projects; for reviewers, what was submitted.

        Nobody, an administrator included, sees another person's layer before it is submitted.
        """
        if person.is_superuser:
            reviewed = Project.objects.all()
        else:
            seats = Membership.objects.filter(person=person, role__in=[Role.ADMIN, Role.REVIEWER])
            reviewed = Project.objects.filter(memberships__in=seats)
        mine = Q(owner=person)
        machine = ~Q(kind=Layer.Kind.HUMAN)
        settled = ~Q(state=Layer.State.DRAFT) & Q(session__project__in=reviewed)
        own_projects = Project.objects.visible_to(person)
        return self.filter(mine | machine | settled, session__project__in=own_projects)

    def editable_by(self, person: Person) -> Self:
        """Layers whose rows this person may change now, as `is_editable_by` has it."""
        mine = self.filter(owner=person, kind=Layer.Kind.HUMAN, state__in=OPEN)
        return mine.filter(session__in=MixingSession.objects.visible_to(person).values("pk"))

    def for_session(self, session: MixingSession) -> Self:
        """Layers of one session."""
        return self.filter(session=session)

    def awaiting_review(self) -> Self:
        """Layers that somebody submitted and nobody has judged."""
        return self.filter(state=Layer.State.SUBMITTED)


class Layer(models.Model):
    """draft → submitted → accepted or returned; a returned layer is its owner's again."""

    class Kind(models.TextChoices):
        """Where a layer comes from."""

        HUMAN = "human", "Person"
        IMPORT = "import", "Import"
        MODEL = "model", "Model"
        ADJUDICATED = "adjudicated", "Adjudicated"

    class State(models.TextChoices):
        """Where a layer is on its way."""

        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        RETURNED = "returned", "Returned"
        ACCEPTED = "accepted", "Accepted"

    session = models.ForeignKey(MixingSession, on_delete=models.CASCADE, related_name="layers")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="layers"
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.HUMAN)
    title = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    revision = models.PositiveIntegerField(default=0)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    report = models.JSONField(default=dict)  # what an import repaired or lost
    provenance = models.JSONField(default=dict)  # what an import or a model made it of: files, hashes, settings
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = LayerQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | ~Q(kind="human"), name="layer_of_a_person_has_an_owner"
            ),
            models.UniqueConstraint(
                fields=["session", "owner"], condition=Q(kind="human"), name="layer_once_per_person_and_session"
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"Layer {self.pk}"

    @property
    def project(self) -> Project:
        """The project of its session."""
        return self.session.project

    def get_absolute_url(self) -> str:
        """The workbench with this layer."""
        return reverse("layer", args=[self.pk])

    def is_editable_by(self, person: Person) -> bool:
        """Whether this person may change its rows now."""
        return self.owner_id == person.pk and self.kind == self.Kind.HUMAN and self.state in OPEN

    def submit(self) -> bool:
        """Hand the layer to the reviewers; False when it already is."""
        open_layers = type(self).objects.filter(pk=self.pk, state__in=OPEN)
        return open_layers.update(state=self.State.SUBMITTED, submitted_at=timezone.now()) == 1

    def review(self, by: Person, verdict: str, note: str = "", *, seen: int | None = None) -> bool:
        """Accept the layer or return it; False when it does not wait for a review.

        `seen` is the revision that the reviewer looked at: a layer that has moved on since waits for another look.
        """
        state = self.State.ACCEPTED if verdict == "accept" else self.State.RETURNED
        waiting = type(self).objects.filter(pk=self.pk, state=self.State.SUBMITTED)
        if seen is not None:
            waiting = waiting.filter(revision=seen)
        with transaction.atomic():
            if waiting.update(state=state) != 1:
                return False
            self.reviews.create(reviewer=by, verdict=verdict, note=note)
        self.refresh_from_db(fields=["state"])
        return True


OPEN = (Layer.State.DRAFT, Layer.State.RETURNED)  # in which its owner may change it


class Review(models.Model):
    """What a reviewer said of a layer."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=[("accept", "Accept"), ("return", "Return")])
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
