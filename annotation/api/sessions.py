"""Projects, sessions and recordings for scripts."""

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import launch, playback
from annotation.models import MixingSession, MixTrack, Project, Recording
from mixassist_site.api_forms import chosen
from mixassist_site.http import me


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project and its vocabularies."""

    class Meta:
        model = Project
        fields = ["slug", "name", "guidelines", "topics", "flags", "created_at"]
        read_only_fields = fields


class ProjectList(generics.ListAPIView[Project]):
    """Projects that you are in."""

    serializer_class = ProjectSerializer

    def get_queryset(self) -> QuerySet[Project]:
        """Only what this person may see."""
        return chosen(Project.objects.visible_to(me(self.request)), self.request).order_by("pk")


class ProjectDetail(generics.RetrieveAPIView[Project]):
    """One project."""

    serializer_class = ProjectSerializer
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Project]:
        """Only what this person may see."""
        return Project.objects.visible_to(me(self.request))


class SessionSerializer(serializers.ModelSerializer[MixingSession]):
    """A session."""

    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = MixingSession
        fields = ["id", "project", "number", "title", "length_ms", "license", "song", "created_at"]
        read_only_fields = fields


class SessionList(generics.ListAPIView[MixingSession]):
    """Sessions that you may see; `?project=` by slug."""

    serializer_class = SessionSerializer

    def get_queryset(self) -> QuerySet[MixingSession]:
        """Only what this person may see."""
        rows = MixingSession.objects.visible_to(me(self.request)).select_related("project")
        return chosen(rows, self.request, project="project__slug").order_by("pk")


class SessionDetail(generics.RetrieveAPIView[MixingSession]):
    """One session."""

    serializer_class = SessionSerializer

    def get_queryset(self) -> QuerySet[MixingSession]:
        """Only what this person may see."""
        return MixingSession.objects.visible_to(me(self.request)).select_related("project")


class TrackSerializer(serializers.ModelSerializer[MixTrack]):
    """How a track of a mix of the session's song was set."""

    class Meta:
        model = MixTrack
        fields = [
            "id", "mix_name", "song_name", "artist_name", "genre", "track_name", "track_type", "instrument",
            "channel_mode", "lufs", "parameters",
        ]  # fmt: skip
        read_only_fields = fields


class TrackList(generics.ListAPIView[MixTrack]):
    """Track settings of the session's song, from MixParams."""

    serializer_class = TrackSerializer

    def get_queryset(self) -> QuerySet[MixTrack]:
        """Of a session that this person may see."""
        if getattr(self, "swagger_fake_view", False):  # the schema has no session
            return MixTrack.objects.none()
        session = get_object_or_404(MixingSession.objects.visible_to(me(self.request)), pk=self.kwargs["pk"])
        return chosen(MixTrack.objects.beside(session), self.request)


class PlaybackView(APIView):
    """What can be drawn and heard of a session by now."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int) -> Response:
        """The recordings with their tiles and proxies, and how far the work on them is."""
        session = get_object_or_404(MixingSession.objects.visible_to(me(request)), pk=pk)
        return Response({"recordings": playback.recordings_of(session)}, headers={"Cache-Control": "no-store"})


class RecordingSerializer(serializers.ModelSerializer[Recording]):
    """A recording's facts; its bytes stay on the site."""

    class Meta:
        model = Recording
        fields = [
            "id", "session", "kind", "name", "sha256", "size", "container", "codec", "sample_rate", "channels",
            "frames", "length_ms", "offset_ms", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class RecordingList(generics.ListAPIView[Recording]):
    """Recordings that you may see; `?session=`."""

    serializer_class = RecordingSerializer

    def get_queryset(self) -> QuerySet[Recording]:
        """Only what this person may see."""
        return chosen(Recording.objects.visible_to(me(self.request)), self.request, session="session_id").order_by("pk")


class RecordingDetail(generics.RetrieveAPIView[Recording]):
    """One recording."""

    serializer_class = RecordingSerializer

    def get_queryset(self) -> QuerySet[Recording]:
        """Only what this person may see."""
        return Recording.objects.visible_to(me(self.request))


class SpectrogramView(APIView):
    """The spectrogram of a recording, which is made when somebody asks for it."""

    scope = "annotate"

    @extend_schema(request=None, responses={202: dict})
    def post(self, request: Request, pk: int) -> Response:
        """Have it made; asking again answers with the same job."""
        visible = Recording.objects.visible_to(me(request)).select_related("session__project")
        recording = get_object_or_404(visible, pk=pk)
        if not me(request).has_perm("annotation.annotate", recording):
            raise PermissionDenied
        job = launch.start_spectrogram(recording, me(request))
        told = {"job": job.pk, "state": job.state, "url": reverse("job", args=[job.kind, job.pk])}
        return Response(told, status=202)
