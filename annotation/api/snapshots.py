"""Snapshots for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.launch import start_snapshot
from annotation.models import Project, Snapshot
from annotation.snapshots.build import checked, preflight
from annotation.snapshots.choosing import OPTIONAL, SPLIT_BY, STATES, VALUES
from annotation.snapshots.differing import differences
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import Pages, me
from mixassist_site.jobs import JobError


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    """A snapshot, frozen or on its way."""

    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Snapshot
        fields = [
            "id", "project", "name", "filter", "seed", "state", "content_hash", "counts", "excluded", "participants",
            "withdrawn", "error_code", "error_message", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class Wanted(Strict):
    """Which rows, of which layers, split how."""

    project = serializers.SlugField()
    has_content = serializers.BooleanField(default=False)
    topics = serializers.ListField(child=serializers.CharField(max_length=40), default=list)
    flags = serializers.DictField(child=serializers.ListField(child=serializers.ChoiceField(VALUES)), default=dict)
    sessions = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=2**31 - 1), default=list)
    layers = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=2**63 - 1), default=list)
    state = serializers.ChoiceField(STATES, required=False)
    submitted = serializers.BooleanField(default=False, help_text="the same as the state submitted")
    split = serializers.ChoiceField(SPLIT_BY, default=None, allow_null=True)
    exclude = serializers.ListField(child=serializers.ChoiceField(sorted(OPTIONAL)), default=list)
    fraction = serializers.FloatField(min_value=0.01, max_value=1.0, default=1.0)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)

    @classmethod
    def of(cls, request: Request, what: dict[str, Any]) -> tuple[Project, dict[str, Any]]:
        """The project and the filter that a body names; 404, 403 or a sentence where they won't do."""
        project = get_object_or_404(Project.objects.visible_to(me(request)), slug=what["project"])
        if not me(request).has_perm("annotation.build_snapshot", project):
            raise PermissionDenied
        names = ("has_content", "topics", "flags", "sessions", "layers", "split", "exclude", "fraction")
        state = what.get("state") or ("submitted" if what["submitted"] else "accepted")
        try:
            return project, checked(project, {**{name: what[name] for name in names}, "state": state})
        except JobError as error:
            raise ValidationError({"error": error.code, "message": error.message}) from None


class SnapshotStart(Wanted):
    """What a snapshot is to hold, and its name."""

    name = serializers.CharField(max_length=120)
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
        project, rows = SnapshotStart.of(request, wanted)
        try:
            snapshot = start_snapshot(
                project, wanted["name"], rows, seed=wanted["seed"], by=me(request), key=wanted["key"]
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


class PreflightView(APIView):
    """What a snapshot would hold and leave out; nothing is built."""

    @extend_schema(request=Wanted, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Rows by split, findings by kind, and a page of them: `?page=`, `?page_size=`."""
        wanted = Wanted.read(request)
        project, rows = Wanted.of(request, wanted)
        found = preflight(project, rows, wanted["seed"])
        told = {name: found[name] for name in ("rows", "counts", "split_by", "split_note", "kinds")}
        return Response({**told, "findings": _page(self, request, found["findings"])})


class DifferencesView(APIView):
    """What a snapshot has that the one named by `?from=` has not."""

    @extend_schema(responses={200: dict}, parameters=[OpenApiParameter("from", int, required=True)])
    def get(self, request: Request, pk: int) -> Response:
        """Counts, changed columns, and a page of the rows that differ."""
        frozen = Snapshot.objects.visible_to(me(request)).frozen()
        after = get_object_or_404(frozen, pk=pk)
        asked = request.query_params.get("from", "")
        if not (asked.isdecimal() and len(asked) < 19):
            raise ValidationError({"from": ["Give the number of another snapshot of the project."]})
        before = get_object_or_404(frozen.filter(project=after.project_id), pk=asked)
        try:
            found = differences(before.path, after.path)
        except (OSError, ValueError):
            message = "The files of one of the two are not where they were frozen."
            return Response({"error": "files-lost", "message": message}, status=409)
        rows = [{name: each[name] for name in ("row", "what", "columns")} for each in found.told()]
        told = {"added": len(found.added), "gone": len(found.gone), "changed": len(found.changed), "same": found.same}
        return Response({**told, "columns": found.columns(), "rows": _page(self, request, rows)})


def _page(view: APIView, request: Request, rows: list[Any]) -> Any:
    """A page of a list, as lists of rows are paged everywhere."""
    pages = Pages()
    return pages.get_paginated_response(pages.paginate_queryset(rows, request, view=view)).data
