"""What a study's answers and votes came to, for scripts: metrics, and the analyses of its votes."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation import launch
from evaluation.api.studies import Nothing, visible_study
from evaluation.errors import StudyError
from evaluation.freshness import is_current
from evaluation.models import Analysis, MetricRun
from mixassist_site.http import me


class MetricRunSerializer(serializers.ModelSerializer[MetricRun]):
    """The job that computes a study's metrics."""

    class Meta:
        model = MetricRun
        fields = ["id", "study", "state", "done", "total", "note", "error_code", "error_message", "model", "seed"]
        read_only_fields = fields


class MetricsView(APIView):
    """Automatic metrics of a study's answers."""

    scope = "manage"

    @extend_schema(responses={200: dict, 409: dict})
    def get(self, request: Request, pk: int) -> Response:
        """The newest result with every answer's own scores; 409 before the first."""
        study = visible_study(request, pk, "evaluation.read_results", self)
        run = MetricRun.objects.filter(study=study).finished().first()
        if run is None:
            return missing("The metrics of this study are not computed yet; POST here to have them computed.")
        return Response({"run": run.pk, "input_hash": run.input_hash, **run.result})

    @extend_schema(request=Nothing, responses={202: MetricRunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Queue the computation; while one is under way, that one is meant."""
        study = visible_study(request, pk, "evaluation.manage_study", self)
        Nothing.read(request)
        try:
            run = launch.start_metrics(study, by=me(request))
        except StudyError as error:
            return Response({"error": error.code, "message": error.message}, status=409)
        return Response(MetricRunSerializer(run).data, status=202)


class AnalysisSerializer(serializers.ModelSerializer[Analysis]):
    """The job that computes a study's report."""

    class Meta:
        model = Analysis
        fields = ["id", "study", "number", "state", "done", "total", "note", "error_code", "error_message", "seed"]
        read_only_fields = fields


class ReportView(APIView):
    """What a study's votes say."""

    scope = "manage"

    @extend_schema(responses={200: dict, 409: dict})
    def get(self, request: Request, pk: int) -> Response:
        """The newest report, or that of `?number=`; `is_current` tells if votes came since. 409 before the first."""
        study = visible_study(request, pk, "evaluation.read_results", self)
        found = Analysis.objects.filter(study=study).finished().select_related("study")
        if number := request.query_params.get("number"):
            found = found.filter(number=number) if number.isdecimal() and len(number) < 10 else found.none()
        newest = found.first()
        if newest is None:
            return missing("There is no such report of this study yet; POST here to have one computed.")
        return Response(newest.told | {"is_current": is_current(newest)})

    @extend_schema(request=Nothing, responses={202: AnalysisSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Queue the computation of a report; while one is under way, that one is meant."""
        study = visible_study(request, pk, "evaluation.read_results", self)
        Nothing.read(request)
        return Response(AnalysisSerializer(launch.start_analysis(study, by=me(request))).data, status=202)


def missing(message: str) -> Response:
    """Say that something isn't there yet, and how to get it."""
    told: dict[str, Any] = {"error": "not-yet", "message": message}
    return Response(told, status=409)
