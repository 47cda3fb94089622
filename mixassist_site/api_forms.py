"""What a script may send: known keys alone, and filters from a closed list."""

from typing import Any, TypeVar

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

M = TypeVar("M", bound=models.Model)


class Strict(serializers.Serializer[Any]):
    """A body whose every key is known; others are refused rather than ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown keys with their names."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            told = (key.encode(errors="replace").decode() for key in unknown)  # half a character can't be sent back
            raise serializers.ValidationError({key: ["This key is not known here."] for key in told})
        return super().to_internal_value(data)

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The body of a request, checked; 400 with a sentence per key otherwise."""
        body = cls(data=request.data)
        body.is_valid(raise_exception=True)
        checked: dict[str, Any] = body.validated_data
        return checked


def chosen(rows: models.QuerySet[M], request: Request, **fields: str) -> models.QuerySet[M]:
    """Filter by the query parameters that are listed here; any other but the pages' own is a 400."""
    unknown = sorted(set(request.query_params) - {*fields, "page", "page_size"})
    if unknown:
        raise ValidationError({key: ["This filter is not known here."] for key in unknown})
    for name, field in fields.items():
        if (value := request.query_params.get(name)) is not None:
            if field.endswith("_id") and not (value.isdecimal() and len(value) < 19):
                raise ValidationError({name: ["Give the number of one that exists."]})
            if "\x00" in value:
                raise ValidationError({name: ["This value holds a character that can't be asked for."]})
            rows = rows.filter(**{field: value})
    return rows
