"""Recording to snapshot."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    """Sessions, layers and frozen data sets."""

    name = "annotation"
