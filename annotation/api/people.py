"""What a person keeps for themselves: the keys of the workbench."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mixassist_site.api_forms import Strict
from mixassist_site.http import me

MOST_ACTIONS = 200
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Keys(Strict):
    """A profile, and the keys of the actions that differ from it: `{"split": ["X"]}`."""

    profile = serializers.RegexField(NAME, max_length=20, default="default")
    keys = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=32, trim_whitespace=False), max_length=4),
        default=dict,
    )

    def validate_keys(self, keys: dict[str, list[str]]) -> dict[str, list[str]]:
        """Not more than a workbench has, under names that an action can have."""
        if len(keys) > MOST_ACTIONS:
            raise serializers.ValidationError(f"Keys of at most {MOST_ACTIONS} actions are kept.")
        check = serializers.RegexField(NAME, max_length=40)
        for name in keys:
            try:
                check.run_validation(name)
            except serializers.ValidationError:
                raise serializers.ValidationError("An action is named in small letters, digits and dashes.") from None
        return keys


class MyKeysView(APIView):
    """The keys of the workbench that you chose."""

    scope = "annotate"

    @extend_schema(responses={200: Keys})
    def get(self, request: Request) -> Response:
        """Your profile and what you changed of it."""
        return Response(told(me(request).keys))

    @extend_schema(request=Keys, responses={200: Keys, 400: dict})
    def put(self, request: Request) -> Response:
        """Keep these keys instead."""
        person = me(request)
        person.keys = dict(Keys.read(request))
        person.save(update_fields=["keys"])
        return Response(told(person.keys))


def told(kept: dict[str, Any]) -> dict[str, Any]:
    """Kept keys, or those of somebody who chose none."""
    return {"profile": "default", "keys": {}, **kept}
