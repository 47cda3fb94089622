"""Layers for scripts and for the workbench: the rows of one, and the edits that change it."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import editing, playback
from annotation.desk import EditError
from annotation.models import Edit, Layer, MixingSession, Summary
from annotation.packing import packed
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me


class LayerSerializer(serializers.ModelSerializer[Layer]):
    """A layer without its rows."""

    owner = serializers.CharField(source="owner.username", default=None, read_only=True)

    class Meta:
        model = Layer
        fields = ["id", "session", "owner", "kind", "title", "state", "revision", "created_at"]
        read_only_fields = fields


class LayerStart(Strict):
    """What starts a layer of one's own."""

    session = serializers.IntegerField()
    parent = serializers.IntegerField(required=False, allow_null=True, default=None)  # type: ignore[assignment]


class EditsRequest(Strict):
    """Edits in order, made on top of one revision."""

    base_revision = serializers.IntegerField(min_value=0)
    edits = serializers.ListField(child=serializers.DictField(), max_length=editing.MAX_EDITS)


class LayerList(generics.ListAPIView[Layer]):
    """Layers that you may see; `?session=` for those of one session. POST starts your own layer of a session."""

    serializer_class = LayerSerializer
    scope = "annotate"

    def get_queryset(self) -> QuerySet[Layer]:
        """Only what this person may see."""
        rows = Layer.objects.visible_to(me(self.request)).select_related("owner")
        return chosen(rows, self.request, session="session_id", state="state").order_by("pk")

    @extend_schema(request=LayerStart, responses={201: LayerSerializer})
    def post(self, request: Request) -> Response:
        """Start a layer, empty or from another that you may see."""
        wanted = LayerStart.read(request)
        session = get_object_or_404(MixingSession.objects.visible_to(me(request)), pk=wanted["session"])
        parent = None
        if wanted["parent"] is not None:
            visible = Layer.objects.visible_to(me(request)).for_session(session)
            parent = get_object_or_404(visible, pk=wanted["parent"])
        layer = editing.start_layer(session, me(request), parent)
        return Response(LayerSerializer(layer).data, status=201)


class LayerDetail(generics.RetrieveAPIView[Layer]):
    """One layer without its rows."""

    serializer_class = LayerSerializer

    def get_queryset(self) -> QuerySet[Layer]:
        """Only what this person may see."""
        return Layer.objects.visible_to(me(self.request)).select_related("owner")


class DocumentView(APIView):
    """Everything that the workbench draws of a layer."""

    @method_decorator(gzip_page)  # half a megabyte of rows in a long session
    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int) -> Response:
        """All rows of the layer, with its session's recordings and its project's vocabulary.

        With `?form=packed` references are places in the document's own lists, which is how the workbench reads it.
        """
        form = request.query_params.get("form")
        if form not in (None, "packed"):
            raise ValidationError({"form": ["Ask for form=packed, or for none."]})
        visible = Layer.objects.visible_to(me(request)).select_related("session__project", "owner")
        layer = get_object_or_404(visible, pk=pk)
        session, project = layer.session, layer.session.project
        head: dict[str, Any] = {
            "id": layer.pk,
            "revision": layer.revision,
            "state": layer.state,
            "editable": layer.is_editable_by(me(request)),
            "session": {"id": session.pk, "title": session.title, "length_ms": session.length_ms},
            "recordings": playback.recordings_of(session),
            "vocabulary": {
                "version": project.vocabulary_number,
                "lanes": ["amateur", "expert", "music", "note"],
                "topics": project.topics,
                "flags": project.flags,
                "rules": project.rules,
            },
        }
        rows = editing.document(layer)
        answer = Response({**head, **(packed(rows) if form else rows)})
        answer["Cache-Control"] = "no-store"
        return answer


class EditSerializer(serializers.ModelSerializer[Edit]):
    """An edit as it is kept: who, when, what, and the rows before and after."""

    id = serializers.UUIDField(source="uid", read_only=True)
    author = serializers.CharField(source="author.username", default="", read_only=True)

    class Meta:
        model = Edit
        fields = ["id", "revision", "op", "author", "created_at", "undoes", "changes"]
        read_only_fields = fields


class EditsView(generics.ListAPIView[Edit]):
    """A layer's edits, the newest first; POST is the only way to change its rows."""

    serializer_class = EditSerializer
    scope = "annotate"

    def get_queryset(self) -> QuerySet[Edit]:
        """The history of a layer that this person may see."""
        layer = get_object_or_404(Layer.objects.visible_to(me(self.request)), pk=self.kwargs["pk"])
        return chosen(layer.edits.select_related("author"), self.request).order_by("-revision")

    @extend_schema(request=EditsRequest, responses={200: dict, 400: dict, 409: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Apply edits in order, all or none; 409 with what was missed when the base revision is old."""
        wanted, fault = _body(request)
        if wanted and (done := editing.apply_at_once(pk, me(request), wanted["base_revision"], wanted["edits"])):
            return Response({"revision": done[0], "applied": editing.applied(done[1])})
        layer = get_object_or_404(Layer.objects.visible_to(me(request)), pk=pk)
        if layer.owner_id != me(request).pk or layer.kind != Layer.Kind.HUMAN:
            self.permission_denied(request, message="Only its owner changes a layer; start a layer of your own.")
        if fault:
            raise fault
        assert wanted is not None
        try:
            revision, edits = editing.apply_edits(layer, me(request), wanted["base_revision"], wanted["edits"])
        except EditError as error:
            return Response({"error": error.code, "message": error.message, "edit": error.edit}, status=400)
        except editing.Stale as stale:
            missed = [
                {**told, "author": edit.author.username if edit.author else ""}
                for told, edit in zip(editing.applied(stale.missed), stale.missed, strict=True)
            ]
            message = "The layer has changed since this revision; take what you missed, and send again."
            told = {"error": "stale", "message": message, "revision": stale.revision, "missed": missed}
            return Response(told, status=409)
        return Response({"revision": revision, "applied": editing.applied(edits)})


class SummarySerializer(serializers.ModelSerializer[Summary]):
    """One writing of a context summary; an empty text took it away."""

    author = serializers.CharField(source="author.username", default="", read_only=True)

    class Meta:
        model = Summary
        fields = ["revision", "text", "author", "model", "created_at"]
        read_only_fields = fields


class SummariesView(generics.ListAPIView[Summary]):
    """What the context summary before a turn has been, the newest first; writing one is an edit."""

    serializer_class = SummarySerializer

    def get_queryset(self) -> QuerySet[Summary]:
        """The writings for one turn of a layer that this person may see."""
        layer = get_object_or_404(Layer.objects.visible_to(me(self.request)), pk=self.kwargs["pk"])
        return layer.summaries.filter(turn_uid=self.kwargs["uid"]).select_related("author").order_by("-revision")


def _body(request: Request) -> tuple[dict[str, Any] | None, APIException | None]:
    """What a request asks for, or what is wrong with it: nobody is told that before the layer is theirs."""
    try:
        return EditsRequest.read(request), None
    except APIException as fault:
        return None, fault


class SubmissionView(APIView):
    """Handing a layer in."""

    scope = "annotate"

    @extend_schema(request=None, responses={200: LayerSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Give your layer to the reviewers; one that is with them already stays there."""
        layer = get_object_or_404(Layer.objects.visible_to(me(request)), pk=pk)
        if layer.owner_id != me(request).pk or layer.kind != Layer.Kind.HUMAN:
            self.permission_denied(request, message="Only its owner submits a layer.")
        layer.submit()
        layer.refresh_from_db()
        return Response(LayerSerializer(layer).data)


class ReviewStart(Strict):
    """A reviewer's verdict."""

    verdict = serializers.ChoiceField(choices=["accept", "return"])
    note = serializers.CharField(max_length=5000, default="", allow_blank=True)
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=None, allow_null=True)


class ReviewView(APIView):
    """Judging a layer that somebody else submitted."""

    scope = "annotate"

    @extend_schema(request=ReviewStart, responses={200: LayerSerializer, 400: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Accept the layer, or return it with a note; with `revision`, only as you have seen it."""
        layer = get_object_or_404(Layer.objects.visible_to(me(request)).select_related("session__project"), pk=pk)
        if layer.owner_id == me(request).pk or not me(request).has_perm("annotation.review_layer", layer):
            self.permission_denied(request)
        wanted = ReviewStart.read(request)
        if wanted["verdict"] == "return" and not wanted["note"].strip():
            message = "Say what should be done before the layer comes back."
            return Response({"error": "no-note", "message": message}, status=400)
        if not layer.review(me(request), wanted["verdict"], wanted["note"], seen=wanted["revision"]):
            message = "This layer does not wait for a review, or has changed since the revision that you have seen."
            return Response({"error": "not-submitted", "message": message}, status=400)
        return Response(LayerSerializer(layer).data)
