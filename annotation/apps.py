"""Recording to snapshot."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    """Sessions, layers and frozen data sets."""

    name = "annotation"

    def ready(self) -> None:
        """Let the schema know how tokens are sent, and the checks what is configured."""
        from annotation import checks  # noqa: F401 – importing it registers it
        from annotation.api import schema  # noqa: F401 – importing it registers it
