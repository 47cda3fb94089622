"""Probes for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Project
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling import bases, launch, probes
from modeling.models import Adapter, EncoderProbe


class ProbeSerializer(serializers.ModelSerializer[EncoderProbe]):
    """A probe; `record.properties` holds each property's score and interval at each stage, and where it is lost."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    base: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="key", read_only=True)

    class Meta:
        model = EncoderProbe
        fields = [
            "id", "project", "base", "adapter", "clips", "seed", "asks", "state", "done", "total", "note",
            "error_code", "error_message", "record", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ProbeStart(Strict):
    """What is probed: a base by its key, or an adapter by its number."""

    project = serializers.SlugField()
    base = serializers.CharField(max_length=60, required=False, default="")
    adapter = serializers.IntegerField(min_value=1, required=False, default=None, allow_null=True)
    clips = serializers.IntegerField(min_value=probes.LEAST_CLIPS, max_value=probes.MOST_CLIPS, default=240)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    asks = serializers.BooleanField(default=True)
    key = serializers.UUIDField(required=False, default=None)


class ProbeList(generics.ListAPIView[EncoderProbe]):
    """Probes that you may see; `?project=` by slug, `?state=`. POST queues one."""

    scope = "manage"
    serializer_class = ProbeSerializer

    def get_queryset(self) -> QuerySet[EncoderProbe]:
        """Only what this person may see."""
        rows = EncoderProbe.objects.visible_to(me(self.request)).select_related("project", "base", "adapter")
        return chosen(rows, self.request, project="project__slug", state="state").order_by("pk")

    @extend_schema(request=ProbeStart, responses={201: ProbeSerializer})
    def post(self, request: Request) -> Response:
        """Queue a probe; the same `key` twice is one."""
        wanted: dict[str, Any] = ProbeStart.read(request)
        project = get_object_or_404(Project.objects.visible_to(me(request)), slug=wanted.pop("project"))
        if not request.user.has_perm("modeling.start_run", project):
            self.permission_denied(request)
        adapter, base = wanted.pop("adapter"), wanted.pop("base")
        adapters = Adapter.objects.filter(run__project=project).select_related("run__base", "run__project")
        try:
            found = probes.start_probe(
                project=project,
                base=bases.named(base) if base else None,
                adapter=get_object_or_404(adapters, pk=adapter) if adapter else None,
                by=me(request),
                **wanted,
            )
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        except bases.BaseError as error:
            return Response({"error": "unknown-base", "message": str(error)}, status=400)
        return Response(ProbeSerializer(found).data, status=201)


class ProbeDetail(generics.RetrieveAPIView[EncoderProbe]):
    """One probe."""

    serializer_class = ProbeSerializer

    def get_queryset(self) -> QuerySet[EncoderProbe]:
        """Only what this person may see."""
        return EncoderProbe.objects.visible_to(me(self.request)).select_related("project", "base", "adapter")
