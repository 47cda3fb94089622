"""Addresses of studies, their reports, and the rater's world."""

from django.urls import path

from evaluation.views import joining, metrics, monitor, paper, planner, rating, reports, studies

urlpatterns = [
    path("projects/<slug:slug>/studies/", studies.studies, name="studies"),
    path("projects/<slug:slug>/studies/new/", studies.new_study, name="study-new"),
    path("studies/<int:pk>/", studies.study, name="study"),
    path("studies/<int:pk>/opening/", studies.opening, name="study-opening"),
    path("studies/<int:pk>/closing/", studies.closing, name="study-closing"),
    path("studies/<int:pk>/raters/", studies.raters, name="study-raters"),
    path("studies/<int:pk>/raters/<int:number>/revocation/", studies.revocation, name="study-rater-revocation"),
    path("studies/<int:pk>/monitor/", monitor.monitor, name="study-monitor"),
    path("studies/<int:pk>/panel/", monitor.panel, name="study-panel"),
    path("studies/<int:pk>/leaving-out/", monitor.leaving_out, name="study-leaving-out"),
    path("studies/<int:pk>/raters/<int:number>/exclusion/", monitor.exclusion, name="study-rater-exclusion"),
    path("studies/<int:pk>/export/<slug:form>/", monitor.export, name="study-export"),
    path("studies/<int:pk>/report/", reports.report, name="study-report"),
    path("studies/<int:pk>/report/changes/", reports.changes, name="study-changes"),
    path("studies/<int:pk>/report/quotes/", reports.quotes, name="study-quotes"),
    path("studies/<int:pk>/report/<int:number>/", reports.report, name="study-analysis"),
    path("studies/<int:pk>/report/<int:number>/figures/<slug:name>.<slug:kind>", reports.figure, name="study-figure"),
    path("studies/<int:pk>/report/<int:number>/tables/<slug:name>.csv", reports.table, name="study-table"),
    path("studies/<int:pk>/report/<int:number>/report.<slug:kind>", reports.file, name="study-report-file"),
    path("studies/<int:pk>/paper/", paper.tables, name="study-paper"),
    path("studies/<int:pk>/analyses/", reports.analyses, name="study-analyses"),
    path("projects/<slug:slug>/planner/", planner.planner, name="planner"),
    path("studies/<int:pk>/metrics/", metrics.metrics, name="study-metrics"),
    path("join/<str:token>/", joining.join, name="join"),
    path("rate/<str:token>/", rating.rate, name="rate"),
    path("rate/<str:token>/visit/", rating.visit, name="rate-visit"),
    path("rate/<str:token>/quiz/", rating.quiz, name="rate-quiz"),
    path("rate/<str:token>/last/", rating.last_vote, name="rate-last"),
    path("rate/<str:token>/after/", rating.afterwards, name="rate-after"),
    path("rate/<str:token>/rest/", rating.rest, name="rate-rest"),
    path("rate/<str:token>/withdrawal/", rating.withdrawal, name="rate-withdrawal"),
    path("rate/<str:token>/ratings/", rating.ratings, name="rate-ratings"),
    path("rate/<str:token>/audio/<str:audio_token>/", rating.audio, name="rate-audio"),
    path("rate/<str:token>/<path:rest>", rating.nowhere, name="rate-nowhere"),
]
