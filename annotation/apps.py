"""Recording to snapshot."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    """Sessions, layers and frozen data sets."""

    name = "annotation"

    def ready(self) -> None:
        """Let the schema know how tokens are sent, the checks what is configured, and snapshots who is deleted."""
        from annotation import checks, withdrawing  # noqa: F401 – importing them registers them
        from annotation.api import schema  # noqa: F401 – importing it registers it
