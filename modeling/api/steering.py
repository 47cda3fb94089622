"""Stop and repeat a job from a script."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mixassist_site.api_forms import Strict


class Nothing(Strict):
    """A body without keys."""


class Steering(generics.GenericAPIView[Any]):
    """One act on a job: for who asked for it, and for administrators of its project."""

    scope = "manage"
    act: ClassVar[str]  # the method of Job
    refusal: ClassVar[str]  # what to say when the job's state does not allow it
    shown_by: ClassVar[type[serializers.BaseSerializer[Any]]]
    serializer_class = Nothing

    def get_queryset(self) -> QuerySet[Any]:
        """Only what this person may see."""
        raise NotImplementedError

    def post(self, request: Request, pk: int) -> Response:
        """Do it; 409 when the job's state does not allow it."""
        Nothing.read(request)
        job = get_object_or_404(self.get_queryset(), pk=pk)
        if not job.is_steered_by(request.user):
            self.permission_denied(request)
        if not getattr(job, self.act)():
            return Response({"error": "not-now", "message": self.refusal}, status=409)
        job.refresh_from_db()
        return Response(self.shown_by(job).data)


class Cancellation(Steering):
    """Stop a job: at once while it waits, at its next safe point while it runs."""

    act = "request_cancel"
    refusal = "The job is over already."


class Retry(Steering):
    """Queue a failed or cancelled job again."""

    act = "retry"
    refusal = "Only a failed or cancelled job can be tried again."
