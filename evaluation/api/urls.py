"""API addresses of studies, reports and votes."""

from django.urls import path

from evaluation.api import judges, results, studies

urlpatterns = [
    path("studies/", studies.StudyList.as_view(), name="api-studies"),
    path("studies/<int:pk>/", studies.StudyDetail.as_view(), name="api-study"),
    path("studies/<int:pk>/opening/", studies.OpeningView.as_view(), name="api-study-opening"),
    path("studies/<int:pk>/closing/", studies.ClosingView.as_view(), name="api-study-closing"),
    path("studies/<int:pk>/report/", results.ReportView.as_view(), name="api-study-report"),
    path("studies/<int:pk>/ratings/", studies.RatingList.as_view(), name="api-study-ratings"),
    path("studies/<int:pk>/judges/panel/", judges.PanelView.as_view(), name="api-study-judge-panel"),
    path("judge-runs/", judges.JudgeRunList.as_view(), name="api-judge-runs"),
    path("judge-runs/<int:pk>/", judges.JudgeRunDetail.as_view(), name="api-judge-run"),
    path("judge-runs/<int:pk>/verdicts/", judges.VerdictList.as_view(), name="api-judge-run-verdicts"),
    path("judge-runs/<int:pk>/cancellation/", judges.JudgeRunCancellation.as_view(), name="api-judge-run-cancellation"),
    path("judge-runs/<int:pk>/retry/", judges.JudgeRunRetry.as_view(), name="api-judge-run-retry"),
    path("studies/<int:pk>/metrics/", results.MetricsView.as_view(), name="api-study-metrics"),
]
