"""Candidates to report."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    """Studies, ratings and reports."""

    name = "evaluation"
