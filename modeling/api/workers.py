"""Workers for scripts."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, serializers
from rest_framework.request import Request

from mixassist_site.api_forms import chosen
from mixassist_site.http import me
from modeling import workers
from modeling.models import Worker


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A worker as it last told of itself; a silent one has missed its beats."""

    is_silent = serializers.BooleanField(read_only=True)

    class Meta:
        model = Worker
        fields = ["id", "name", "queues", "gpus", "keeps", "started_at", "seen_at", "is_silent"]
        read_only_fields = fields


class WorkerList(generics.ListAPIView[Worker]):
    """Workers, for administrators of a project and whoever keeps the site."""

    serializer_class = WorkerSerializer

    def get_queryset(self) -> QuerySet[Worker]:
        """All of them: they belong to no project."""
        return chosen(Worker.objects.all(), self.request).order_by("name")

    def check_permissions(self, request: Request) -> None:
        """Refuse people who administer nothing."""
        super().check_permissions(request)
        person: Any = me(request)
        if not workers.may_look(person):
            self.permission_denied(request)
