"""Snapshots for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.launch import start_snapshot
from annotation.models import Project, Snapshot
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from mixassist_site.jobs import JobError


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    """A snapshot, frozen or on its way."""

    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Snapshot
        fields = [
            "id", "project", "name", "filter", "seed", "state", "content_hash", "counts", "excluded", "error_code",
            "error_message", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class SnapshotStart(Strict):
    """What a snapshot is to hold."""

    project = serializers.SlugField()
    name = serializers.CharField(max_length=120)
    has_content = serializers.BooleanField(default=False)
    topics = serializers.ListField(child=serializers.CharField(max_length=40), default=list)
    submitted = serializers.BooleanField(default=False)
    fraction = serializers.FloatField(min_value=0.01, max_value=1.0, default=1.0)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    key = serializers.UUIDField(required=False, default=None)


class SnapshotList(generics.ListAPIView[Snapshot]):
    """Snapshots that you may see; `?project=` by slug, `?state=`. POST queues one."""

    serializer_class = SnapshotSerializer

    def get_queryset(self) -> QuerySet[Snapshot]:
        """Only what this person may see."""
        rows = Snapshot.objects.visible_to(me(self.request)).select_related("project")
        return chosen(rows, self.request, project="project__slug", state="state").order_by("pk")

    @extend_schema(request=SnapshotStart, responses={201: SnapshotSerializer})
    def post(self, request: Request) -> Response:
        """Queue a snapshot; the same `key` twice is one."""
        wanted: dict[str, Any] = SnapshotStart.read(request)
        project = get_object_or_404(Project.objects.visible_to(me(request)), slug=wanted["project"])
        if not me(request).has_perm("annotation.build_snapshot", project):
            self.permission_denied(request)
        known = {topic["key"] for topic in project.topics}
        if unknown := sorted(set(wanted["topics"]) - known):
            raise ValidationError({"topics": [f"The project has no topic “{unknown[0]}”."]})
        chosen_rows = {name: wanted[name] for name in ("has_content", "topics", "submitted", "fraction")}
        try:
            snapshot = start_snapshot(
                project, wanted["name"], chosen_rows, seed=wanted["seed"], by=me(request), key=wanted["key"]
            )
        except JobError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(SnapshotSerializer(snapshot).data, status=201)


class SnapshotDetail(generics.RetrieveAPIView[Snapshot]):
    """One snapshot."""

    serializer_class = SnapshotSerializer

    def get_queryset(self) -> QuerySet[Snapshot]:
        """Only what this person may see."""
        return Snapshot.objects.visible_to(me(self.request)).select_related("project")
