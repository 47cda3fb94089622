"""Experiments for scripts."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling import bases, launch
from modeling.api.runs import visible_snapshot
from modeling.api.steering import Cancellation, Retry
from modeling.designs import DESIGNS
from modeling.models import Experiment
from modeling.outcomes import Result, table, watch_the_same


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    """An experiment with its progress; one alone also has its table: mean and spread over seeds by arm."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    base: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="key", read_only=True)

    class Meta:
        model = Experiment
        fields = [
            "id", "project", "snapshot", "base", "name", "question", "design", "config", "arms", "seeds", "state",
            "done", "total", "note", "error_code", "error_message", "record", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ExperimentResults(ExperimentSerializer):
    """An experiment with what its runs came to."""

    runs = serializers.SerializerMethodField()
    table = serializers.SerializerMethodField()
    same_validation = serializers.SerializerMethodField()

    class Meta(ExperimentSerializer.Meta):
        fields = [*ExperimentSerializer.Meta.fields, "runs", "table", "same_validation"]
        read_only_fields = fields

    def get_runs(self, experiment: Experiment) -> list[dict[str, Any]]:
        """Each run's id, arm, seed, state and validation loss."""
        return [
            {"id": run.pk, "arm": run.arm, "seed": run.config.get("seed", 0), "state": run.state,
             "eval_loss": run.record.get("eval_loss")}
            for run in experiment.runs.order_by("pk")
        ]  # fmt: skip

    def get_table(self, experiment: Experiment) -> list[dict[str, Any]]:
        """Mean, spread and the difference from the first arm, by arm."""
        return [asdict(row) for row in table(results_of(experiment))]

    def get_same_validation(self, experiment: Experiment) -> bool:
        """Whether the losses may be compared."""
        return watch_the_same(results_of(experiment))


def results_of(experiment: Experiment) -> list[Result]:
    """Its runs as the table takes them."""
    return [
        Result(run.arm, run.config.get("seed", 0), run.record.get("eval_loss"), run.record.get("validation_hash"))
        for run in experiment.runs.order_by("pk")
    ]


class ExperimentStart(Strict):
    """What is varied on what; `arms` is {name: {option: value}} where the design is own."""

    snapshot = serializers.IntegerField(min_value=1)
    base = serializers.CharField(max_length=60)
    design = serializers.ChoiceField(list(DESIGNS))
    seeds = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**31 - 1), default=[0, 1, 2], max_length=60
    )
    arms = serializers.DictField(default=dict)
    config = serializers.DictField(default=dict)
    validate_on = serializers.ChoiceField(["all", "content"], default="all")
    name = serializers.CharField(max_length=60, default="", allow_blank=True)
    question = serializers.CharField(max_length=300, default="", allow_blank=True)
    key = serializers.UUIDField(required=False, default=None)


class ExperimentList(generics.ListAPIView[Experiment]):
    """Experiments that you may see; `?project=` by slug, `?snapshot=`, `?state=`. POST queues one."""

    scope = "manage"
    serializer_class = ExperimentSerializer

    def get_queryset(self) -> QuerySet[Experiment]:
        """Only what this person may see."""
        fields = {"project": "project__slug", "snapshot": "snapshot_id", "state": "state"}
        return chosen(visible(self.request), self.request, **fields).order_by("pk")

    @extend_schema(request=ExperimentStart, responses={201: ExperimentSerializer})
    def post(self, request: Request) -> Response:
        """Queue an experiment; the same `key` twice is one."""
        wanted: dict[str, Any] = ExperimentStart.read(request)
        snapshot = visible_snapshot(request, wanted.pop("snapshot"))
        if not request.user.has_perm("modeling.start_run", snapshot):
            self.permission_denied(request)
        try:
            base = bases.named(wanted.pop("base"))
            made = launch.start_experiment(
                project=snapshot.project, snapshot=snapshot, base=base, by=me(request), **wanted
            )
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        except bases.BaseError as error:
            return Response({"error": "unknown-base", "message": str(error)}, status=400)
        return Response(ExperimentSerializer(made).data, status=201)


class ExperimentDetail(generics.RetrieveAPIView[Experiment]):
    """One experiment with its table."""

    serializer_class = ExperimentResults

    def get_queryset(self) -> QuerySet[Experiment]:
        """Only what this person may see."""
        return visible(self.request)


class ExperimentCancellation(Cancellation):
    """Stop an experiment; what it has trained stays."""

    shown_by = ExperimentSerializer

    def get_queryset(self) -> QuerySet[Experiment]:
        """Only what this person may see."""
        return visible(self.request)


class ExperimentRetry(Retry):
    """Train what is missing."""

    shown_by = ExperimentSerializer

    def get_queryset(self) -> QuerySet[Experiment]:
        """Only what this person may see."""
        return visible(self.request)


def visible(request: Request) -> QuerySet[Experiment]:
    """Experiments of this person's projects."""
    return Experiment.objects.visible_to(me(request)).select_related("project", "base")
