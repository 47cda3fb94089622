"""Adapters for scripts."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, serializers

from mixassist_site.api_forms import chosen
from mixassist_site.http import me
from modeling.models import Adapter


class AdapterSerializer(serializers.ModelSerializer[Adapter]):
    """An adapter and what leads back from it; the file is at /adapters/<id>/file/."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        source="run.project", slug_field="slug", read_only=True
    )
    base: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        source="run.base", slug_field="key", read_only=True
    )
    snapshot = serializers.IntegerField(source="run.snapshot_id", read_only=True)

    class Meta:
        model = Adapter
        fields = ["id", "project", "run", "snapshot", "base", "name", "sha256", "facts", "state", "created_at"]
        read_only_fields = fields


class AdapterList(generics.ListAPIView[Adapter]):
    """Adapters that you may see; `?project=` by slug, `?snapshot=`."""

    serializer_class = AdapterSerializer

    def get_queryset(self) -> QuerySet[Adapter]:
        """Only what this person may see."""
        rows = Adapter.objects.visible_to(me(self.request)).select_related("run__project", "run__base")
        fields = {"project": "run__project__slug", "snapshot": "run__snapshot_id"}
        return chosen(rows, self.request, **fields).order_by("pk")


class AdapterDetail(generics.RetrieveAPIView[Adapter]):
    """One adapter."""

    serializer_class = AdapterSerializer

    def get_queryset(self) -> QuerySet[Adapter]:
        """Only what this person may see."""
        return Adapter.objects.visible_to(me(self.request)).select_related("run__project", "run__base")
