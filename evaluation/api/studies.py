"""Studies for scripts: make, open, close, read the report, take the votes away."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Snapshot
from evaluation import launch, pairing, protocol, rules
from evaluation.errors import StudyError
from evaluation.models import Rating, Study, StudyAct
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me


class StudySerializer(serializers.ModelSerializer[Study]):
    """A study as every member of its project may see it: nothing tells who competes."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    items = serializers.IntegerField(source="items.count", read_only=True)

    class Meta:
        model = Study
        fields = [
            "id", "project", "snapshot", "split", "title", "question", "state", "items", "ratings_per_comparison",
            "created_at", "opened_at", "closed_at",
        ]  # fmt: skip
        read_only_fields = fields


class ResultStudySerializer(StudySerializer):
    """A study as those may see it who may read its results."""

    contenders = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)  # type: ignore[var-annotated]

    class Meta(StudySerializer.Meta):
        fields = [*StudySerializer.Meta.fields, "contenders", "protocol", "skipped", "seed", "frozen_hash"]
        read_only_fields = fields


class RatingSerializer(serializers.ModelSerializer[Rating]):
    """One current vote with what stood where."""

    row = serializers.CharField(source="assignment.item.row")
    rater = serializers.CharField(source="assignment.rater.label")
    simulated = serializers.BooleanField(source="assignment.rater.is_simulated")
    excluded_for = serializers.CharField(source="assignment.rater.excluded_for")
    kind = serializers.CharField(source="assignment.kind")
    number = serializers.IntegerField(source="assignment.number")
    left = serializers.CharField(source="assignment.left.contender.name", default="")  # empty: a check's
    right = serializers.CharField(source="assignment.right.contender.name", default="")
    served_at = serializers.DateTimeField(source="assignment.served_at")

    class Meta:
        model = Rating
        fields = [
            "row", "rater", "simulated", "excluded_for", "kind", "number", "left", "right", "choice", "strength",
            "criteria", "reason", "ms_to_vote", "revision", "served_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class StudyStart(Strict):
    """What a new study needs."""

    snapshot = serializers.IntegerField()
    split = serializers.ChoiceField(choices=["train", "validation", "test"], default="test")
    contenders = serializers.ListField(child=serializers.CharField(max_length=120), min_length=2, max_length=20)
    title = serializers.CharField(max_length=200, default="", allow_blank=True)
    question = serializers.CharField(max_length=300, default=protocol.QUESTION)
    instructions = serializers.CharField(max_length=5000, default=protocol.INSTRUCTIONS, allow_blank=True)
    raters = serializers.IntegerField(min_value=1, max_value=protocol.MAX_RATERS)
    ratings = serializers.IntegerField(min_value=1, max_value=protocol.MAX_RATINGS, default=None, allow_null=True)
    trials = serializers.IntegerField(min_value=1, default=None, allow_null=True)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    rules = serializers.DictField(default=dict)  # what raters are asked; docs/studies.md names every rule
    topics = serializers.ListField(child=serializers.CharField(max_length=60), default=list)
    with_clip = serializers.BooleanField(default=False)
    sample = serializers.IntegerField(min_value=1, default=None, allow_null=True)
    key = serializers.UUIDField(required=False)  # the same key sent twice is one study


class Nothing(Strict):
    """An act that needs no words."""


class StudyList(generics.ListAPIView[Study]):
    """Studies of your projects; `?project=` by slug, `?snapshot=`, `?state=`. POST makes a draft with its raters."""

    scope = "manage"

    def get_queryset(self) -> QuerySet[Study]:
        """Only what this person may see."""
        rows = Study.objects.visible_to(me(self.request)).select_related("project")
        return chosen(rows, self.request, project="project__slug", snapshot="snapshot_id", state="state").order_by(
            "-pk"
        )

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of studies, each as far as this person may see it."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([seen(study, request) for study in page])

    @extend_schema(responses={200: ResultStudySerializer(many=True)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the studies of your projects."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=StudyStart, responses={201: ResultStudySerializer})
    def post(self, request: Request) -> Response:
        """Make a draft."""
        wanted = StudyStart.read(request)
        visible = Snapshot.objects.visible_to(me(request)).frozen().select_related("project")
        snapshot = get_object_or_404(visible, pk=wanted.pop("snapshot"))
        if not request.user.has_perm("evaluation.manage_study", snapshot):
            self.permission_denied(request)
        try:
            contenders = protocol.choose(snapshot, wanted["split"], wanted.pop("contenders"))
            picked = {name: wanted.pop(name) for name in ("topics", "with_clip", "sample")}
            choice = pairing.Choice(tuple(picked["topics"]), picked["with_clip"], picked["sample"])
            wanted |= {"rules": rules.read(wanted["rules"]), "choice": choice}
            study = protocol.create(protocol.Plan(snapshot=snapshot, contenders=contenders, **wanted), by=me(request))
        except rules.RuleError as error:
            return Response({"error": error.field, "message": error.message}, status=400)
        except StudyError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(seen(study, request), status=201)


class StudyDetail(APIView):
    """One study."""

    @extend_schema(responses={200: ResultStudySerializer})
    def get(self, request: Request, pk: int) -> Response:
        """The study, as far as this person may see it."""
        return Response(seen(visible_study(request, pk), request))


class OpeningView(APIView):
    """Freezes a study and lets its raters in."""

    scope = "manage"

    @extend_schema(request=Nothing, responses={200: ResultStudySerializer, 409: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Open a draft; 409 when it is one no longer."""
        study = visible_study(request, pk, "evaluation.manage_study", self)
        Nothing.read(request)
        return moved(protocol.open_study(study, me(request)), study, request, "This study was opened before.")


class ClosingView(APIView):
    """Ends the voting for good."""

    scope = "manage"

    @extend_schema(request=Nothing, responses={200: ResultStudySerializer, 409: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Close an open study; 409 when it isn't open."""
        study = visible_study(request, pk, "evaluation.manage_study", self)
        Nothing.read(request)
        return moved(launch.close_study(study, me(request)), study, request, "Only an open study can be closed.")


class RatingList(generics.ListAPIView[Rating]):
    """Every current vote with the presented order, oldest first."""

    serializer_class = RatingSerializer

    def get_queryset(self) -> QuerySet[Rating]:
        """Only for those who may read the results."""
        study = visible_study(self.request, self.kwargs["pk"], "evaluation.read_results", self)
        rows = Rating.objects.current().filter(assignment__rater__study=study)
        joined = (
            "assignment__item",
            "assignment__rater",
            "assignment__left__contender",
            "assignment__right__contender",
        )
        return chosen(rows, self.request).select_related(*joined).order_by("pk")


def visible_study(request: Any, pk: int, right: str = "", view: APIView | None = None) -> Study:
    """A study of one of the person's projects (404), with a right on it where one is named (403)."""
    visible = Study.objects.visible_to(me(request)).select_related("project", "snapshot")
    study = get_object_or_404(visible, pk=pk)
    if right and view and not request.user.has_perm(right, study):
        view.permission_denied(request)
    if right == "evaluation.read_results":
        StudyAct.record_look(study, me(request))
    return study


def seen(study: Study, request: Request) -> dict[str, Any]:
    """A study as far as this person may see it."""
    may_read = request.user.has_perm("evaluation.read_results", study)
    form = ResultStudySerializer if may_read else StudySerializer
    data: dict[str, Any] = dict(form(study).data)
    return data


def moved(happened: bool, study: Study, request: Request, otherwise: str) -> Response:
    """The study after a transition, or why there was none."""
    if not happened:
        return Response({"error": "state", "message": otherwise}, status=409)
    return Response(seen(study, request))
