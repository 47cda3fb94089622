"""Transcripts for scripts: a file comes in, its speakers get lanes, it becomes a layer; and a layer goes out."""

from dataclasses import asdict
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import bringing
from annotation.api.layers import LayerSerializer
from annotation.exporting import EXPORTERS
from annotation.forms import TranscriptForm
from annotation.importing import TranscriptError
from annotation.models import Lane, Layer, MixingSession, Transcript
from annotation.sending import file_of, offers_for
from mixassist_site.api_forms import Strict
from mixassist_site.http import Pages, me

FIRST = 50  # of what is mended and lost, in an answer that tells how much there is


class TranscriptStart(Strict):
    """A file, and its format where the content does not tell it."""

    file = serializers.FileField()
    format = serializers.CharField(required=False, default="", allow_blank=True)


class LayerOrder(Strict):
    """The lane of each speaker, "" to leave one out; who is not named gets the lane that was proposed."""

    lanes = serializers.DictField(child=serializers.ChoiceField(["", *Lane.values]), default=dict)


class TranscriptList(APIView):
    """Where transcripts come in."""

    scope = "annotate"
    parser_classes = [MultiPartParser]

    @extend_schema(request={"multipart/form-data": TranscriptStart}, responses={201: dict, 400: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Keep a file for a week, and tell what would come of it; nothing is made yet."""
        session = get_object_or_404(MixingSession.objects.visible_to(me(request)).select_related("project"), pk=pk)
        if not me(request).has_perm("annotation.add_session", session):
            self.permission_denied(request)
        form = TranscriptForm(request.data, request.FILES)
        if not form.is_valid():
            return _refused("bad-form", str(next(iter(form.errors.values()))[0]))
        file, format = form.cleaned_data["file"], form.cleaned_data["format"] or None
        try:
            kept = bringing.keep_transcript(session, file.name or "", file.chunks(), format=format, by=me(request))
            return Response(told(kept, bringing.outlook(kept)), status=201)
        except TranscriptError as error:
            return _refused(error.code, error.message)


class TranscriptDetail(APIView):
    """One transcript of yours."""

    scope = "annotate"

    @extend_schema(responses={200: dict, 400: dict})
    def get(self, request: Request, uid: str) -> Response:
        """What would come of it."""
        kept = _kept(self, request, uid)
        try:
            return Response(told(kept, None if kept.layer else bringing.outlook(kept)))
        except TranscriptError as error:
            return _refused(error.code, error.message)

    @extend_schema(responses={204: None, 409: dict})
    def delete(self, request: Request, uid: str) -> Response:
        """Forget it, as long as it is no layer."""
        if not bringing.drop_transcript(_kept(self, request, uid)):
            return _refused("is-a-layer", "This transcript is a layer already; it stays.", status=409)
        return Response(status=204)


class TranscriptLayer(APIView):
    """The layer that a transcript becomes."""

    scope = "annotate"

    @extend_schema(request=LayerOrder, responses={201: LayerSerializer, 400: dict})
    def post(self, request: Request, uid: str) -> Response:
        """Make the layer; asked again, the same one answers."""
        kept = _kept(self, request, uid)
        wanted = LayerOrder.read(request)["lanes"]
        try:
            layer = kept.layer or _made(kept, wanted, request)
        except TranscriptError as error:
            return _refused(error.code, error.message)
        return Response(LayerSerializer(layer).data, status=201)


class LayerReport(APIView):
    """What was mended and lost when a layer came about."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int) -> Response:
        """The report of an import or of a model's layer, page by page, with where the layer comes from."""
        layer = get_object_or_404(Layer.objects.visible_to(me(request)), pk=pk)
        rows = [
            {"kind": kind, **each} for kind in ("repaired", "lost", "doubtful") for each in layer.report.get(kind, [])
        ]
        pages = Pages()
        page = pages.paginate_queryset(rows, request, view=self)
        answer = pages.get_paginated_response(page)
        answer.data |= {"lanes": layer.report.get("lanes", {}), "provenance": layer.provenance}
        return answer


class LayerExport(APIView):
    """A layer in another tool's format."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Leave `?format=` to the layer: the answer without one is JSON in any case."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=list(EXPORTERS), description="Left out: what there is.")],
        responses={(200, "application/octet-stream"): bytes, 200: dict, 400: dict},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The file in a format; without one, the formats, each with what it can't hold of this layer."""
        visible = Layer.objects.visible_to(me(request)).select_related("session__project", "owner")
        layer = get_object_or_404(visible, pk=pk)
        format = request.query_params.get("format")
        if format is None:
            return Response({"formats": [asdict(offer) for offer in offers_for(layer)]})
        if format not in EXPORTERS:
            return _refused("unknown-format", f"Formats that can be written: {', '.join(EXPORTERS)}.")
        return file_of(layer, format)


def _made(kept: Transcript, wanted: dict[str, str], request: Request) -> Layer:
    proposed = bringing.outlook(kept).lanes
    if unknown := sorted(set(wanted) - set(proposed)):
        raise TranscriptError("unknown-speaker", f"Nobody in this transcript is called “{unknown[0][:80]}”.")
    return bringing.make_layer(kept, proposed | wanted, by=me(request))


def _kept(view: APIView, request: Request, uid: str) -> Transcript:
    visible = Transcript.objects.visible_to(me(request)).select_related("session__project", "layer__owner")
    kept = get_object_or_404(visible, uid=uid)
    if not me(request).has_perm("annotation.add_session", kept):
        view.permission_denied(request)
    return kept


def told(kept: Transcript, outlook: bringing.Outlook | None) -> dict[str, Any]:
    """A transcript as the API tells it; lists are told from their beginning, with their full count."""
    head = {"uid": str(kept.uid), "session": kept.session_id, "name": kept.name, "sha256": kept.sha256}
    head |= {"format": kept.format, "layer": kept.layer_id}
    if outlook is None:
        return head
    survey, imported = outlook.survey, outlook.imported
    speakers = [
        {"name": one.name, "lane": outlook.lanes[one.name], "is_proposed": one.lane is None, "segments": one.segments,
         "speech_ms": one.speech_ms, "sample": one.sample}
        for one in survey.speakers
    ]  # fmt: skip
    trouble = outlook.trouble
    return head | {
        "speakers": speakers,
        "segments": survey.segments,
        "turns": survey.turns,
        "conversations": survey.conversations,
        "length_ms": survey.length_ms,
        "lanes": imported.lanes(),
        "counts": {"repaired": len(imported.repaired), "lost": len(imported.lost)},
        "repaired": imported.repaired[:FIRST],
        "lost": imported.lost[:FIRST],
        "trouble": {"error": trouble.code, "message": trouble.message} if trouble else None,
    }


def _refused(code: str, message: str, *, status: int = 400) -> Response:
    return Response({"error": code, "message": message}, status=status)
