"""Recordings in, for scripts: open an upload, send its chunks, complete it."""

from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import uploading
from annotation.models import MixingSession, Project, Upload
from annotation.uploading import STATUS, UploadError
from mixassist_site.api_forms import Strict
from mixassist_site.http import me


class UploadStart(Strict):
    """A file that is about to come."""

    project = serializers.SlugField()
    name = serializers.CharField(max_length=255)
    size = serializers.IntegerField(min_value=0, max_value=2**62)
    title = serializers.CharField(max_length=200, default="", allow_blank=True)
    fingerprint = serializers.CharField(max_length=80, default="", allow_blank=True)
    session = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=2**62)


class UploadList(APIView):
    """Where uploads begin."""

    scope = "annotate"

    @extend_schema(request=UploadStart, responses={201: dict, 400: dict})
    def post(self, request: Request) -> Response:
        """Open an upload; an unfinished one of the same name, size and fingerprint goes on where it stopped."""
        wanted = UploadStart.read(request)
        project = get_object_or_404(Project.objects.visible_to(me(request)), slug=wanted["project"])
        if not me(request).has_perm("annotation.add_session", project):
            self.permission_denied(request)
        session = None
        if wanted["session"] is not None:
            session = get_object_or_404(MixingSession, project=project, pk=wanted["session"])
        try:
            upload = uploading.begin(
                project,
                me(request),
                wanted["name"],
                wanted["size"],
                title=wanted["title"],
                session=session,
                fingerprint=wanted["fingerprint"],
            )
        except UploadError as error:
            return refusal(error)
        return Response(told(upload), status=201)


class UploadDetail(APIView):
    """One upload on its way."""

    scope = "annotate"

    @extend_schema(responses={200: dict})
    def get(self, request: Request, uid: str) -> Response:
        """How many bytes are here."""
        return Response(told(self._found(request, uid)))

    @extend_schema(request={"application/octet-stream": bytes}, responses={200: dict, 409: dict})
    def put(self, request: Request, uid: str) -> Response:
        """Add the body at the byte that `Upload-Offset` names; 409 with the byte that is next."""
        upload = self._found(request, uid)
        try:  # the raw request, since a parser would read the chunk into memory
            added = uploading.append(upload, *uploading.place_of(request.headers), request._request)
        except UploadError as error:
            return refusal(error)
        return Response(told(upload), status=200 if added else 409)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uid: str) -> Response:
        """Give the upload up."""
        uploading.discard(self._found(request, uid))
        return Response(status=204)

    def _found(self, request: Request, uid: str) -> Upload:
        return get_object_or_404(Upload.objects.visible_to(me(request)), uid=uid)


class UploadCompletion(APIView):
    """The end of an upload."""

    scope = "annotate"

    @extend_schema(request=None, responses={201: dict, 400: dict})
    def post(self, request: Request, uid: str) -> Response:
        """Make the bytes a recording, or say why they can't be one; a bad file leaves no trace."""
        upload = get_object_or_404(Upload.objects.visible_to(me(request)), uid=uid)
        if not me(request).has_perm("annotation.add_session", upload.project):
            self.permission_denied(request)
        try:
            recording = uploading.finish(upload)
        except UploadError as error:
            return refusal(error)
        return Response({"session": recording.session_id, "recording": recording.pk}, status=201)


def told(upload: Upload) -> dict[str, Any]:
    """An upload as the API tells it."""
    limit = settings.UPLOAD_CHUNK_BYTES
    return {"uid": str(upload.uid), "received": upload.received, "size": upload.size, "chunk_bytes": limit}


def refusal(error: UploadError) -> Response:
    """Why a file can't come in."""
    return Response({"error": error.code, "message": error.message}, status=STATUS.get(error.code, 400))
