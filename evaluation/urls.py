"""Addresses of studies, their reports, and the rater's world."""

from django.urls import path

from evaluation.views import metrics, rating, reports, studies

urlpatterns = [
    path("projects/<slug:slug>/studies/", studies.studies, name="studies"),
    path("projects/<slug:slug>/studies/new/", studies.new_study, name="study-new"),
    path("studies/<int:pk>/", studies.study, name="study"),
    path("studies/<int:pk>/opening/", studies.opening, name="study-opening"),
    path("studies/<int:pk>/closing/", studies.closing, name="study-closing"),
    path("studies/<int:pk>/raters/", studies.raters, name="study-raters"),
    path("studies/<int:pk>/raters/<int:number>/revocation/", studies.revocation, name="study-rater-revocation"),
    path("studies/<int:pk>/report/", reports.report, name="study-report"),
    path("studies/<int:pk>/figure.svg", reports.figure, name="study-figure"),
    path("studies/<int:pk>/metrics/", metrics.metrics, name="study-metrics"),
    path("rate/<str:token>/", rating.rate, name="rate"),
    path("rate/<str:token>/visit/", rating.visit, name="rate-visit"),
    path("rate/<str:token>/ratings/", rating.ratings, name="rate-ratings"),
    path("rate/<str:token>/audio/<str:audio_token>/", rating.audio, name="rate-audio"),
    path("rate/<str:token>/<path:rest>", rating.nowhere, name="rate-nowhere"),
]
