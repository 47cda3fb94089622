"""A project: its people and their roles, its vocabulary as it is now."""

from collections.abc import Sequence
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from annotation.models.person import Person
from annotation.models.vocabulary import (
    Entry,
    VocabularyVersion,
    keeping,
    paper_flags,
    paper_topics,
    usual_rules,
)
from mixassist_site.access import allow


class Role(models.TextChoices):
    """What a person is in a project."""

    ADMIN = "admin", "Administrator"
    REVIEWER = "reviewer", "Reviewer"
    ANNOTATOR = "annotator", "Annotator"


EVERYONE = (Role.ADMIN, Role.REVIEWER, Role.ANNOTATOR)
allow("annotation.manage_project", Role.ADMIN)
allow("annotation.add_session", Role.ADMIN)
allow("annotation.annotate", *EVERYONE)
allow("annotation.review_layer", Role.ADMIN, Role.REVIEWER)
allow("annotation.build_snapshot", Role.ADMIN)


class ProjectQuerySet(models.QuerySet["Project"]):
    """Reads over projects."""

    def visible_to(self, person: Person) -> Self:
        """Projects in which this person has a role."""
        if person.is_superuser:
            return self
        return self.filter(memberships__person=person)


class Project(models.Model):
    """A research group's sessions, people and rules.

    Topics, flags and rules are those of the newest version of its vocabulary; `revise` alone changes them.
    """

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    guidelines = models.TextField(blank=True)
    topics = models.JSONField(default=paper_topics)
    flags = models.JSONField(default=paper_flags)
    rules = models.JSONField(default=usual_rules)
    vocabulary_number = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> "Project":
        """Itself: permissions are asked of any object that has a project."""
        return self

    def get_absolute_url(self) -> str:
        """The project's page."""
        return reverse("project", args=[self.slug])

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a project that is new begins with version 1 of its vocabulary."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                self.vocabulary_versions.create(number=1, topics=self.topics, flags=self.flags, rules=self.rules)

    def revise(
        self,
        *,
        seen: int,
        topics: Sequence[Entry],
        flags: Sequence[Entry],
        rules: Entry,
        by: Person | None,
        note: str = "",
    ) -> VocabularyVersion | None:
        """Put a version on top of the one that was seen; None when there is a newer one by now."""
        with transaction.atomic():
            held = type(self).objects.select_for_update().get(pk=self.pk)
            if held.vocabulary_number != seen:
                return None
            words = {"topics": keeping(topics, held.topics), "flags": keeping(flags, held.flags), "rules": rules}
            self.topics, self.flags, self.rules = words["topics"], words["flags"], words["rules"]
            self.vocabulary_number = seen + 1
            self.save(update_fields=[*words, "vocabulary_number"])
            return self.vocabulary_versions.create(number=seen + 1, author=by, note=note, **words)

    def topic_label(self, key: str) -> str:
        """How people read a topic."""
        return next((topic["label"] for topic in self.topics if topic["key"] == key), key)

    def admit(self, person: Person, role: str) -> "Membership":
        """Give a person a role here, or change it; the last administrator stays one."""
        with transaction.atomic():
            self._keep_an_admin(person, becomes=role)
            self.pseudonym_of(person)
            membership, _ = self.memberships.update_or_create(person=person, defaults={"role": role})
        return membership

    def dismiss(self, person: Person) -> None:
        """Take a person's role away; the last administrator stays."""
        with transaction.atomic():
            self._keep_an_admin(person, becomes=None)
            self.memberships.filter(person=person).delete()

    def pseudonym_of(self, person: Person) -> str:
        """What exports call a person: P1, P2, …; theirs for ever, whether they stay or leave."""
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=self.pk)
            last = self.pseudonyms.aggregate(last=models.Max("number"))["last"] or 0
            pseudonym, _ = self.pseudonyms.get_or_create(person=person, defaults={"number": last + 1})
        return f"P{pseudonym.number}"

    def _keep_an_admin(self, person: Person, *, becomes: str | None) -> None:
        admins = set(self.memberships.select_for_update().filter(role=Role.ADMIN).values_list("person_id", flat=True))
        if admins == {person.pk} and becomes != Role.ADMIN:
            raise ValidationError("A project keeps at least one administrator; make somebody else one first.")


class Membership(models.Model):
    """One person's role in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="membership_once_per_project"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        ]


class Pseudonym(models.Model):
    """The number under which a person appears in a project's exports; never given to somebody else."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pseudonyms")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pseudonyms")
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="pseudonym_once_per_person"),
            models.UniqueConstraint(fields=["project", "number"], name="pseudonym_number_once_per_project"),
        ]
