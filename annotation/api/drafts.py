"""Drafts of a context summary: asked of the configured model, and nothing until a person accepts one."""

import uuid

from django.http import Http404, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import launch
from annotation.desk import EditError
from annotation.drafting import DraftingError, Endpoint
from annotation.models import Edit, Layer, SummaryDraft
from mixassist_site.http import me


class DraftsView(APIView):
    """The drafts for one turn of your own layer; accepting one is an edit, `summary.write` with its `draft`."""

    scope = "annotate"

    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int, uid: uuid.UUID) -> HttpResponseBase:
        """The latest draft for this turn, or null."""
        _, layer = self._found(request, pk)
        latest = SummaryDraft.objects.filter(layer=layer, turn_uid=uid).order_by("-pk").first()
        if latest is None:
            return JsonResponse(None, safe=False)  # REST framework would send an empty body
        accepted = Edit.objects.filter(layer=layer, op="summary.write", arguments__draft=latest.pk).exists()
        told = {"draft": latest.pk, "state": latest.state, "message": latest.error_message}
        return Response({**told, "model": latest.model, "text": latest.text, "accepted": accepted})

    @extend_schema(request=None, responses={202: dict, 400: dict})
    def post(self, request: Request, pk: int, uid: uuid.UUID) -> Response:
        """Ask for a draft; asking again while one is under way answers with the same."""
        endpoint, layer = self._found(request, pk)
        try:
            job = launch.start_draft(layer, uid, endpoint, me(request))
        except (EditError, DraftingError) as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response({"draft": job.pk, "state": job.state}, status=202)

    def _found(self, request: Request, pk: int) -> tuple[Endpoint, Layer]:
        endpoint = launch.drafter()
        if endpoint is None:
            raise Http404
        layer = get_object_or_404(Layer.objects.visible_to(me(request)).select_related("session__project"), pk=pk)
        if not layer.is_editable_by(me(request)):
            self.permission_denied(request, message="Only its owner asks for drafts, as long as the layer is open.")
        return endpoint, layer
