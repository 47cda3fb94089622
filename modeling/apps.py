"""Snapshot to candidates."""

from django.apps import AppConfig


class ModelingConfig(AppConfig):
    """Training runs, adapters and their answers."""

    name = "modeling"
