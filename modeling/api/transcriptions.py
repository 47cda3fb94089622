"""Transcriptions for scripts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Lane, Recording
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me
from modeling import launch
from modeling.api.steering import Cancellation, Retry
from modeling.models import Transcription


class TranscriptionSerializer(serializers.ModelSerializer[Transcription]):
    """A transcription with its progress and, once it is over, its layer."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model = serializers.CharField(source="model_name", read_only=True)

    class Meta:
        model = Transcription
        fields = [
            "id", "project", "session", "recording", "model", "revision", "language", "lane", "state", "done", "total",
            "note", "error_code", "error_message", "layer", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class TranscriptionStart(Strict):
    """What is transcribed; without a language the model tells it."""

    recording = serializers.IntegerField(min_value=1)
    language = serializers.CharField(max_length=12, default="", allow_blank=True)
    lane = serializers.ChoiceField(Lane.choices, default=Lane.NOTE)
    key = serializers.UUIDField(required=False, default=None)


class TranscriptionList(generics.ListAPIView[Transcription]):
    """Transcriptions that you may see; `?project=` by slug, `?session=`, `?state=`. POST queues one."""

    scope = "manage"
    serializer_class = TranscriptionSerializer

    def get_queryset(self) -> QuerySet[Transcription]:
        """Only what this person may see."""
        fields = {"project": "project__slug", "session": "session_id", "state": "state"}
        return chosen(visible(self.request), self.request, **fields).order_by("pk")

    @extend_schema(request=TranscriptionStart, responses={201: TranscriptionSerializer})
    def post(self, request: Request) -> Response:
        """Queue a transcription; the same `key` twice is one."""
        wanted: dict[str, Any] = TranscriptionStart.read(request)
        seen = Recording.objects.visible_to(me(request)).select_related("session__project")
        recording = get_object_or_404(seen, pk=wanted.pop("recording"))
        if not request.user.has_perm("modeling.transcribe", recording):
            self.permission_denied(request)
        try:
            job = launch.start_transcription(recording=recording, by=me(request), **wanted)
        except launch.LaunchError as error:
            return Response({"error": error.code, "message": error.message}, status=400)
        return Response(TranscriptionSerializer(job).data, status=201)


class TranscriptionDetail(generics.RetrieveAPIView[Transcription]):
    """One transcription."""

    serializer_class = TranscriptionSerializer

    def get_queryset(self) -> QuerySet[Transcription]:
        """Only what this person may see."""
        return visible(self.request)


class TranscriptionCancellation(Cancellation):
    """Stop a transcription; the windows that it has heard stay for a retry."""

    shown_by = TranscriptionSerializer

    def get_queryset(self) -> QuerySet[Transcription]:
        """Only what this person may see."""
        return visible(self.request)


class TranscriptionRetry(Retry):
    """Go on after the last window that was heard."""

    shown_by = TranscriptionSerializer

    def get_queryset(self) -> QuerySet[Transcription]:
        """Only what this person may see."""
        return visible(self.request)


def visible(request: Request) -> QuerySet[Transcription]:
    """Transcriptions of this person's projects."""
    return Transcription.objects.visible_to(me(request)).select_related("project")
