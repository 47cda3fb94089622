"""Judges for scripts: plan, start and stop a run, take its verdicts and the panel away."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation import judges, panel
from evaluation.api.studies import visible_study
from evaluation.errors import StudyError
from evaluation.judging.orders import MODES
from evaluation.judging.templates import REFERENCES, TEMPLATES
from evaluation.models import JudgeRun, Study, Verdict
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling.api.steering import Cancellation, Retry


class JudgeRunSerializer(serializers.ModelSerializer[JudgeRun]):
    """A run with its progress and, once it is over, what came of it."""

    class Meta:
        model = JudgeRun
        fields = [
            "id", "study", "judge", "family", "template", "template_digest", "reference", "orders", "repeats", "probes",
            "seed", "max_calls", "is_scripted", "is_imported", "state", "done", "total", "note", "error_code",
            "error_message", "record", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class JudgeStart(Strict):
    """Who is asked about which study; with `dry_run` nothing is asked, and calls, tokens and money are counted."""

    study = serializers.IntegerField(min_value=1)
    judge = serializers.CharField(max_length=80)
    template = serializers.ChoiceField(choices=list(TEMPLATES), default="listwise")
    reference = serializers.ChoiceField(choices=["", *REFERENCES], default="", allow_blank=True)
    orders = serializers.ChoiceField(choices=list(MODES), default="balanced")
    repeats = serializers.IntegerField(min_value=0, max_value=100, default=5)
    probes = serializers.IntegerField(min_value=0, max_value=judges.MAX_PROBES, default=8)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    max_calls = serializers.IntegerField(min_value=1, max_value=2**31 - 1, default=None, allow_null=True)
    max_dollars = serializers.FloatField(min_value=0, max_value=1_000_000, default=None, allow_null=True)
    accepts_unknown_price = serializers.BooleanField(default=False)
    dry_run = serializers.BooleanField(default=False)
    key = serializers.UUIDField(required=False, default=None)


class VerdictSerializer(serializers.ModelSerializer[Verdict]):
    """One verdict with who stood where and the text that says it."""

    row = serializers.CharField(source="call.item.row")
    probe = serializers.CharField(source="call.probe")
    order = serializers.ListField(source="call.order")
    replicate = serializers.IntegerField(source="call.replicate")
    cached = serializers.BooleanField(source="call.is_cached")
    is_scripted = serializers.BooleanField(source="call.run.is_scripted")  # a program said it, and no language model
    text = serializers.CharField(source="call.reply.text")

    class Meta:
        model = Verdict
        fields = [
            "id", "row", "probe", "order", "replicate", "said", "ranking", "start", "end", "cached", "text",
            "is_scripted",
        ]  # fmt: skip
        read_only_fields = fields


class JudgeRunList(generics.ListAPIView[JudgeRun]):
    """Runs whose verdicts you may read; `?study=`, `?judge=`, `?state=`. POST plans or queues one."""

    scope = "manage"
    serializer_class = JudgeRunSerializer

    def get_queryset(self) -> QuerySet[JudgeRun]:
        """Only what this person may read."""
        rows: QuerySet[JudgeRun] = JudgeRun.objects.readable_by(me(self.request))
        return chosen(rows, self.request, study="study_id", judge="judge", state="state").order_by("pk")

    @extend_schema(request=JudgeStart, responses={200: dict, 201: JudgeRunSerializer})
    def post(self, request: Request) -> Response:
        """Queue a run, or with `dry_run` say what it would take; the same `key` twice is one."""
        wanted = JudgeStart.read(request)
        visible = Study.objects.visible_to(me(request)).select_related("project", "snapshot")
        study = get_object_or_404(visible, pk=wanted.pop("study"))
        if not request.user.has_perm("evaluation.manage_study", study):
            self.permission_denied(request)
        dry, name, key = wanted.pop("dry_run"), wanted.pop("judge"), wanted.pop("key")
        try:
            options = judges.Options(**wanted)
            if dry:
                return Response(asdict(judges.plan(study, judges.endpoint_named(name), options)))
            run = judges.start(study, name, options, by=me(request), key=key)
        except StudyError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(JudgeRunSerializer(run).data, status=201)


class JudgeRunDetail(APIView):
    """One run."""

    @extend_schema(responses={200: JudgeRunSerializer})
    def get(self, request: Request, pk: int) -> Response:
        """The run with its progress."""
        return Response(JudgeRunSerializer(readable(request, pk, self)).data)


class VerdictList(generics.ListAPIView[Verdict]):
    """Every verdict of a run, each with the reply that says it."""

    serializer_class = VerdictSerializer

    def get_queryset(self) -> QuerySet[Verdict]:
        """Only for those who may read the results."""
        run = readable(self.request, self.kwargs["pk"], self)
        rows = Verdict.objects.filter(call__run=run).select_related("call__item", "call__reply", "call__run")
        return chosen(rows, self.request).order_by("pk")


class JudgeRunCancellation(Cancellation):
    """Stop a run; what was bought stays for a retry."""

    shown_by = JudgeRunSerializer

    def get_queryset(self) -> QuerySet[JudgeRun]:
        """Only what this person may see."""
        rows: QuerySet[JudgeRun] = JudgeRun.objects.visible_to(me(self.request)).select_related("project")
        return rows


class JudgeRunRetry(Retry):
    """Ask what has not been asked yet."""

    shown_by = JudgeRunSerializer

    def get_queryset(self) -> QuerySet[JudgeRun]:
        """Only what this person may see."""
        rows: QuerySet[JudgeRun] = JudgeRun.objects.visible_to(me(self.request)).select_related("project")
        return rows


class PanelView(APIView):
    """What a study's judges say."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int) -> Response:
        """The panel, the same as on the page."""
        study = visible_study(request, pk, "evaluation.read_results", self)
        return Response(panel.to_json(panel.panel_of(study)))


def readable(request: Any, pk: int, view: APIView) -> JudgeRun:
    """A run of a visible study (404) whose verdicts this person may read (403)."""
    rows = JudgeRun.objects.visible_to(me(request)).select_related("study__project", "project")
    run: JudgeRun = get_object_or_404(rows, pk=pk)
    if not request.user.has_perm("evaluation.read_results", run.study):
        view.permission_denied(request)
    return run
