"""Participants for scripts: codes alone, and who has withdrawn."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Participant, Project
from annotation.withdrawing import reinstate, withdraw
from mixassist_site.api_forms import chosen
from mixassist_site.http import me


class ParticipantSerializer(serializers.ModelSerializer[Participant]):
    """Somebody who sat in sessions, by their code."""

    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Participant
        fields = ["id", "project", "code", "withdrawn_at"]
        read_only_fields = fields


def visible(request: Request) -> QuerySet[Participant]:
    """Participants of the projects in which this person has a role."""
    return Participant.objects.filter(project__in=Project.objects.visible_to(me(request))).select_related("project")


class ParticipantList(generics.ListAPIView[Participant]):
    """Participants of your projects; `?project=` by slug."""

    serializer_class = ParticipantSerializer

    def get_queryset(self) -> QuerySet[Participant]:
        """Only what this person may see."""
        return chosen(visible(self.request), self.request, project="project__slug").order_by("pk")


class WithdrawalView(APIView):
    """A participant's withdrawal: POST notes it, DELETE takes it back."""

    @extend_schema(request=None, responses={200: ParticipantSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Mark the snapshots that hold their sessions, and keep new ones from holding them."""
        return self._done(request, pk, withdraw)

    @extend_schema(request=None, responses={200: ParticipantSerializer})
    def delete(self, request: Request, pk: int) -> Response:
        """Take back a withdrawal that was a mistake."""
        return self._done(request, pk, reinstate)

    def _done(self, request: Request, pk: int, act: Any) -> Response:
        found = get_object_or_404(visible(request), pk=pk)
        if not me(request).has_perm("annotation.manage_project", found):
            raise PermissionDenied
        act(found)
        found.refresh_from_db()
        return Response(ParticipantSerializer(found).data)
