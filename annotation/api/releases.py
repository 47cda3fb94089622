"""Releases of snapshots for scripts."""

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.launch import start_release
from annotation.models import Project, Release, Snapshot
from annotation.releases.options import CHOICES, Options
from annotation.views.releases import archive
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import MemberRequest, me
from mixassist_site.jobs import JobError


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A release, built or on its way; its archive is at /api/v1/releases/<id>/file/."""

    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Release
        fields = [
            "id", "project", "snapshot", "options", "state", "size", "sha256", "facts", "error_code", "error_message",
            "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ReleaseStart(Strict):
    """What to release, and how."""

    snapshot = serializers.IntegerField()
    format = serializers.ChoiceField(choices=list(CHOICES["format"]), default="hf")
    content_only = serializers.BooleanField(default=False)
    placeholders = serializers.BooleanField(default=False)
    summary = serializers.ChoiceField(choices=list(CHOICES["summary"]), default="apart")
    clips = serializers.ChoiceField(choices=list(CHOICES["clips"]), default="as-is")
    audio = serializers.ChoiceField(choices=list(CHOICES["audio"]), default="wav")


class ReleaseList(generics.ListAPIView[Release]):
    """Releases that you may see; `?project=` by slug, `?snapshot=`, `?state=`. POST queues one."""

    serializer_class = ReleaseSerializer

    def get_queryset(self) -> QuerySet[Release]:
        """Only what this person may see."""
        rows = Release.objects.visible_to(me(self.request)).select_related("project")
        fields = {"project": "project__slug", "snapshot": "snapshot_id", "state": "state"}
        return chosen(rows, self.request, **fields).order_by("pk")

    @extend_schema(request=ReleaseStart, responses={201: ReleaseSerializer})
    def post(self, request: Request) -> Response:
        """Queue a release; the same one that is here or on its way is the answer."""
        wanted: dict[str, Any] = ReleaseStart.read(request)
        visible = Snapshot.objects.visible_to(me(request)).select_related("project")
        snapshot = get_object_or_404(visible, pk=wanted.pop("snapshot"))
        if not me(request).has_perm("annotation.build_snapshot", snapshot):
            self.permission_denied(request)
        try:
            release = start_release(snapshot, Options(**wanted), by=me(request))
        except JobError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(ReleaseSerializer(release).data, status=201)


class ReleaseDetail(generics.RetrieveAPIView[Release]):
    """One release."""

    serializer_class = ReleaseSerializer

    def get_queryset(self) -> QuerySet[Release]:
        """Only what this person may see."""
        return Release.objects.visible_to(me(self.request)).select_related("project")


class ReleaseFile(APIView):
    """A release's archive."""

    @extend_schema(responses={(200, "application/zip"): bytes})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The bytes, whole or the range that is asked for; 404 while it is on its way."""
        visible = Release.objects.visible_to(me(request)).select_related("snapshot")
        return archive(cast(MemberRequest, request), get_object_or_404(visible, pk=pk))
