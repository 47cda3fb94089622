"""Training runs for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Project, Snapshot
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling import bases, launch
from modeling.api.steering import Cancellation, Retry
from modeling.models import Metric, TrainingRun


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    """A run with its progress and, once it is over, its record."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    base: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="key", read_only=True)
    adapter = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            "id", "project", "snapshot", "base", "name", "config", "state", "done", "total", "note", "error_code",
            "error_message", "record", "adapter", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_adapter(self, run: TrainingRun) -> int | None:
        """The id of what the run made."""
        adapter = getattr(run, "adapter", None)
        return adapter.pk if adapter else None


class RunStart(Strict):
    """What is trained on what; `config` holds what differs from the base's defaults."""

    snapshot = serializers.IntegerField(min_value=1)
    base = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120, default="", allow_blank=True)
    config = serializers.DictField(default=dict)
    key = serializers.UUIDField(required=False, default=None)


class RunList(generics.ListAPIView[TrainingRun]):
    """Runs that you may see; `?project=` by slug, `?snapshot=`, `?state=`. POST queues one."""

    scope = "manage"
    serializer_class = RunSerializer

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Only what this person may see."""
        fields = {"project": "project__slug", "snapshot": "snapshot_id", "state": "state"}
        return chosen(visible_runs(self.request), self.request, **fields).order_by("pk")

    @extend_schema(request=RunStart, responses={201: RunSerializer})
    def post(self, request: Request) -> Response:
        """Queue a run; the same `key` twice is one."""
        wanted: dict[str, Any] = RunStart.read(request)
        snapshot = visible_snapshot(request, wanted["snapshot"])
        if not request.user.has_perm("modeling.start_run", snapshot):
            self.permission_denied(request)
        try:
            run = launch.start_run(
                project=snapshot.project,
                snapshot=snapshot,
                base=bases.named(wanted["base"]),
                config=wanted["config"],
                name=wanted["name"],
                by=me(request),
                key=wanted["key"],
            )
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        except bases.BaseError as error:
            return Response({"error": "unknown-base", "message": str(error)}, status=400)
        return Response(RunSerializer(run).data, status=201)


class RunDetail(generics.RetrieveAPIView[TrainingRun]):
    """One run."""

    serializer_class = RunSerializer

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Only what this person may see."""
        return visible_runs(self.request)


class RunCancellation(Cancellation):
    """Stop a run; its last checkpoint stays for a retry."""

    shown_by = RunSerializer

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Only what this person may see."""
        return visible_runs(self.request)


class RunRetry(Retry):
    """Train again from the last checkpoint."""

    shown_by = RunSerializer

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Only what this person may see."""
        return visible_runs(self.request)


class MetricSerializer(serializers.ModelSerializer[Metric]):
    """One measured value."""

    class Meta:
        model = Metric
        fields = ["step", "key", "value"]
        read_only_fields = fields


class MetricList(generics.ListAPIView[Metric]):
    """What a run measured, by step; `?key=` is loss, eval_loss, learning_rate or grad_norm."""

    serializer_class = MetricSerializer

    def get_queryset(self) -> QuerySet[Metric]:
        """Only of a run that this person may see."""
        run = get_object_or_404(visible_runs(self.request), pk=self.kwargs["pk"])
        return chosen(run.metrics.all(), self.request, key="key").order_by("step", "key")


def visible_runs(request: Request) -> QuerySet[TrainingRun]:
    """Runs of this person's projects, with what their lines show."""
    runs: QuerySet[TrainingRun] = TrainingRun.objects.visible_to(me(request))
    return runs.select_related("project", "base", "adapter")


def visible_snapshot(request: Request, pk: int) -> Snapshot:
    """A snapshot of one of this person's projects; 404 otherwise."""
    snapshots = Snapshot.objects.filter(project__in=Project.objects.visible_to(me(request)))
    return get_object_or_404(snapshots.select_related("project"), pk=pk)
