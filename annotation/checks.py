"""What `manage.py check` says of the settings of this room."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from annotation.drafting import Endpoint


@register()
def drafts_are_configured_or_off(**_: Any) -> list[CheckMessage]:
    """Say what is wrong with SUMMARY_DRAFTS."""
    try:
        Endpoint.read(settings.SUMMARY_DRAFTS)
    except ValueError as error:
        return [Error(f"SUMMARY_DRAFTS does not name a language model: {error}", id="annotation.E001")]
    return []
