"""Who did what to a study: opened, closed, unblinded, excluded, erased, exported."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotation.models import Person
from evaluation.models.study import Study


class StudyAct(models.Model):
    """One logged act; append-only, in the database too (a trigger refuses updates)."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="acts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-pk"]

    @classmethod
    def record(cls, study: Study, by: Person | None, kind: str, **detail: Any) -> "StudyAct":
        """Write down who did this; None stands for the shell or the rater."""
        return cls.objects.create(study=study, by=by, kind=kind, detail=detail)

    @classmethod
    def record_look(cls, study: Study, by: Person) -> None:
        """Write down that somebody learned who was preferred; their first look counts."""
        looks = cls.objects.filter(study=study, by=by, kind="unblinding", detail__through="results")
        if not looks.exists():
            cls.record(study, by, "unblinding", through="results")
