"""Generations and their candidates for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling import bases, importing, launch, servers
from modeling.api.runs import visible_snapshot
from modeling.api.steering import Cancellation, Retry
from modeling.models import Adapter, Candidate, Generation, Source


class GenerationSerializer(serializers.ModelSerializer[Generation]):
    """A generation with its progress and, once it is over, its record."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    base: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="key", read_only=True)

    class Meta:
        model = Generation
        fields = [
            "id", "project", "snapshot", "split", "source", "source_name", "base", "adapter", "answers", "decoding",
            "seed", "state", "done", "total", "note", "error_code", "error_message", "record", "created_at",
            "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class GenerationStart(Strict):
    """Who answers which rows; `decoding`: max_new_tokens, temperature, top_p, max_turns, over_long, …"""

    snapshot = serializers.IntegerField(min_value=1)
    split = serializers.ChoiceField(choices=launch.SPLITS, default="test")
    source = serializers.ChoiceField(choices=[(one.value, one.label) for one in launch.ASKED])  # type: ignore[assignment]
    base = serializers.CharField(max_length=60, required=False, default="")
    adapter = serializers.IntegerField(min_value=1, required=False, default=None, allow_null=True)
    server = serializers.CharField(max_length=launch.MAX_NAME, required=False, default="")
    answers = serializers.IntegerField(min_value=1, max_value=launch.MAX_ANSWERS, default=1)
    decoding = serializers.DictField(default=dict)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    key = serializers.UUIDField(required=False, default=None)


class GenerationList(generics.ListAPIView[Generation]):
    """Generations that you may see; `?project=` by slug, `?snapshot=`, `?source=`, `?state=`. POST queues one."""

    scope = "manage"
    serializer_class = GenerationSerializer

    def get_queryset(self) -> QuerySet[Generation]:
        """Only what this person may see."""
        fields = {"project": "project__slug", "snapshot": "snapshot_id", "source": "source", "state": "state"}
        return chosen(visible_generations(self.request), self.request, **fields).order_by("pk")

    @extend_schema(request=GenerationStart, responses={201: GenerationSerializer})
    def post(self, request: Request) -> Response:
        """Queue a generation; the same `key` twice is one."""
        wanted: dict[str, Any] = GenerationStart.read(request)
        snapshot = visible_snapshot(request, wanted["snapshot"])
        if not request.user.has_perm("modeling.start_run", snapshot):
            self.permission_denied(request)
        adapters = Adapter.objects.filter(run__project=snapshot.project).select_related("run__base", "run__project")
        adapter = get_object_or_404(adapters, pk=wanted["adapter"]) if wanted["adapter"] else None
        try:
            if wanted["source"] == Source.ENDPOINT and wanted["server"]:
                servers.named(wanted["server"])
            generation = launch.start_generation(
                project=snapshot.project,
                snapshot=snapshot,
                source=wanted["source"],
                base=bases.named(wanted["base"]) if wanted["base"] else None,
                adapter=adapter,
                server=wanted["server"],
                split=wanted["split"],
                answers=wanted["answers"],
                decoding=wanted["decoding"],
                seed=wanted["seed"],
                by=me(request),
                key=wanted["key"],
            )
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        except bases.BaseError as error:
            return Response({"error": "unknown-base", "message": str(error)}, status=400)
        return Response(GenerationSerializer(generation).data, status=201)


class ImportedAnswer(Strict):
    """One answer to one row, which is named whole or by its conversation and turn."""

    row = serializers.CharField(max_length=200, required=False, default="")
    conversation_id = serializers.CharField(max_length=200, required=False, default="")
    turn_id = serializers.CharField(max_length=20, required=False, default="")
    index = serializers.IntegerField(min_value=0, max_value=launch.MAX_ANSWERS - 1, default=0)
    answer = serializers.CharField(allow_blank=True, max_length=importing.LONGEST, trim_whitespace=False)


class ImportStart(Strict):
    """Answers that another program gave to rows of a snapshot's split."""

    snapshot = serializers.IntegerField(min_value=1)
    split = serializers.ChoiceField(choices=launch.SPLITS, default="test")
    name = serializers.CharField(max_length=launch.MAX_NAME)
    about = serializers.CharField(max_length=importing.MAX_ABOUT, required=False, default="", allow_blank=True)
    answers = ImportedAnswer(many=True, allow_empty=False)


class GenerationImports(generics.GenericAPIView[Generation]):
    """POST brings in answers that another program gave; the same again is one generation."""

    scope = "manage"
    serializer_class = ImportStart

    @extend_schema(request=ImportStart, responses={201: GenerationSerializer})
    def post(self, request: Request) -> Response:
        """Check every answer against the snapshot's rows, and store all or none."""
        wanted: dict[str, Any] = ImportStart.read(request)
        snapshot = visible_snapshot(request, wanted["snapshot"])
        if not request.user.has_perm("modeling.start_run", snapshot):
            self.permission_denied(request)
        try:
            generation = importing.bring(
                snapshot,
                wanted["split"],
                importing.listed(wanted["answers"]),
                name=wanted["name"],
                about=wanted["about"],
                by=me(request),
            )
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(GenerationSerializer(generation).data, status=201)


class GenerationDetail(generics.RetrieveAPIView[Generation]):
    """One generation."""

    serializer_class = GenerationSerializer

    def get_queryset(self) -> QuerySet[Generation]:
        """Only what this person may see."""
        return visible_generations(self.request)


class GenerationCancellation(Cancellation):
    """Stop a generation; the answers that are stored stay for a retry."""

    shown_by = GenerationSerializer

    def get_queryset(self) -> QuerySet[Generation]:
        """Only what this person may see."""
        return visible_generations(self.request)


class GenerationRetry(Retry):
    """Answer what has not been answered yet."""

    shown_by = GenerationSerializer

    def get_queryset(self) -> QuerySet[Generation]:
        """Only what this person may see."""
        return visible_generations(self.request)


class CandidateSerializer(serializers.ModelSerializer[Candidate]):
    """One answer to one row."""

    class Meta:
        model = Candidate
        fields = [
            "id", "generation", "row", "index", "text", "seed", "prompt_sha256", "tokens", "stop_reason", "guards",
            "redrawn", "audio_kept", "history_cut", "latency_ms",
        ]  # fmt: skip
        read_only_fields = fields


class CandidateList(generics.ListAPIView[Candidate]):
    """Candidates that you may read, as a reviewer or administrator; `?generation=`, `?row=`, `?stop_reason=`."""

    serializer_class = CandidateSerializer

    def get_queryset(self) -> QuerySet[Candidate]:
        """Only of generations whose answers this person may read."""
        rows = Candidate.objects.filter(generation__in=Generation.objects.answers_visible_to(me(self.request)))
        fields = {"generation": "generation_id", "row": "row", "stop_reason": "stop_reason"}
        return chosen(rows, self.request, **fields).order_by("generation_id", "row", "index")


def visible_generations(request: Request) -> QuerySet[Generation]:
    """Generations of this person's projects, with what their lines show."""
    generations: QuerySet[Generation] = Generation.objects.visible_to(me(request))
    return generations.select_related("project", "base", "adapter")
