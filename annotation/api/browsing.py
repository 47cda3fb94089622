"""Turns and conversations for scripts: found, grouped, paged."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import finding, reading
from annotation.models import Conversation, Layer, Project, TurnText
from mixassist_site.api_forms import Strict, chosen
from mixassist_site.http import me

PAGES = ("page", "page_size")


class TurnQuery(Strict):
    """What is looked for; a parameter that is not known is refused."""

    q = serializers.CharField(max_length=200, default="", allow_blank=True)
    side = serializers.ChoiceField(choices=finding.SIDES, default="", allow_blank=True)
    topic = serializers.CharField(max_length=40, default="", allow_blank=True)
    flag = serializers.SlugField(max_length=40, default="", allow_blank=True)
    value = serializers.ChoiceField(choices=finding.VALUES, default="", allow_blank=True)
    session = serializers.IntegerField(min_value=0, max_value=2**62, default=None)
    layer = serializers.IntegerField(min_value=0, max_value=2**62, default=None)
    state = serializers.ChoiceField(choices=Layer.State.choices, default="", allow_blank=True)
    project = serializers.SlugField(default="", allow_blank=True)


class TurnTextSerializer(serializers.ModelSerializer[TurnText]):
    """A turn as it is found; a side that says nothing is null."""

    id = serializers.UUIDField(source="turn_uid", read_only=True)
    conversation = serializers.UUIDField(source="conversation_uid", read_only=True)
    session = serializers.IntegerField(source="layer.session_id", read_only=True)
    project = serializers.CharField(source="layer.session.project.slug", read_only=True)
    state = serializers.CharField(source="layer.state", read_only=True)
    amateur = serializers.SerializerMethodField()
    expert = serializers.SerializerMethodField()
    flags = serializers.SerializerMethodField()

    class Meta:
        model = TurnText
        fields = [
            "id", "project", "session", "layer", "state", "conversation", "topic", "start_ms", "end_ms", "amateur",
            "expert", "flags",
        ]  # fmt: skip

    def get_amateur(self, row: TurnText) -> str | None:
        """What the amateur says."""
        return row.amateur or None

    def get_expert(self, row: TurnText) -> str | None:
        """What the expert says."""
        return row.expert or None

    def get_flags(self, row: TurnText) -> dict[str, str]:
        """Flags that are set: yes or no."""
        return dict(flag.split("=") for flag in row.flags.strip("|").split("|") if flag)


class TurnList(generics.ListAPIView[TurnText]):
    """Turns of the layers that you may read, which match all that is asked: `?q=` words and “phrases”, `?side=`."""

    serializer_class = TurnTextSerializer

    def get_queryset(self) -> QuerySet[TurnText]:
        """Only what this person may see."""
        if getattr(self, "swagger_fake_view", False):
            return TurnText.objects.none()
        query = TurnQuery(data={key: value for key, value in self.request.query_params.items() if key not in PAGES})
        query.is_valid(raise_exception=True)
        wanted: dict[str, Any] = dict(query.validated_data)
        slug = wanted.pop("project")
        visible = Project.objects.visible_to(me(self.request))
        project = get_object_or_404(visible, slug=slug) if slug else None
        return finding.find(me(self.request), finding.Wanted(**wanted), project=project)

    @extend_schema(parameters=[TurnQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fifty turns a page, layer by layer in order of time."""
        return super().get(request, *args, **kwargs)


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    """A conversation without its turns."""

    id = serializers.UUIDField(source="uid", read_only=True)
    turns = serializers.IntegerField(source="turn_count", read_only=True)

    class Meta:
        model = Conversation
        fields = ["id", "layer", "topic", "turns"]


def _layer(request: Request, pk: int) -> Layer:
    return get_object_or_404(Layer.objects.visible_to(me(request)).select_related("session__project"), pk=pk)


class ConversationList(generics.ListAPIView[Conversation]):
    """The conversations of a layer, with how many turns each has; `?topic=`."""

    serializer_class = ConversationSerializer

    def get_queryset(self) -> QuerySet[Conversation]:
        """Only those of a layer that this person may see."""
        if getattr(self, "swagger_fake_view", False):
            return Conversation.objects.none()
        rows = Conversation.objects.filter(layer=_layer(self.request, self.kwargs["pk"]))
        return chosen(reading.counted(rows), self.request, topic="topic")


class ConversationDetail(APIView):
    """One conversation."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request, pk: int, uid: uuid.UUID) -> Response:
        """Its turns in order, with texts, summaries, flags, and the addresses of their clips' sound."""
        layer = _layer(request, pk)
        found = reading.conversation(layer, uid)
        if found is None:
            raise NotFound
        told = {"id": found.uid, "layer": layer.pk, "topic": found.topic, "number": found.number, "of": found.of}
        return Response({**told, "earlier": found.earlier, "later": found.later, "turns": found.turns})
