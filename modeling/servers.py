"""The servers that may be asked for answers, by the keys of the setting ANSWER_ENDPOINTS."""

from django.conf import settings

from modeling.generation.endpoint import Endpoint
from modeling.launch import LaunchError, require_a_name


def known() -> list[str]:
    """The keys that the setting names."""
    said = settings.ANSWER_ENDPOINTS
    return sorted(map(str, said)) if isinstance(said, dict) else []


def named(key: str) -> Endpoint:
    """The server with this key; LaunchError for one that isn't there or isn't clear."""
    if key not in known():
        there = ", ".join(known()) or "none is configured: whoever keeps the site names them in ANSWER_ENDPOINTS"
        raise LaunchError("unknown-server", f"There is no server {key}; there: {there}.")
    require_a_name(key)
    try:
        return Endpoint.from_dict(settings.ANSWER_ENDPOINTS[key])
    except ValueError as error:
        raise LaunchError("bad-server", f"The setting ANSWER_ENDPOINTS is unclear about {key}: {error}") from None
