"""API addresses of runs, adapters and candidates."""

from django.urls import path

from modeling.api import adapters, experiments, generations, probes, runs, transcriptions, workers

urlpatterns = [
    path("runs/", runs.RunList.as_view(), name="api-runs"),
    path("runs/<int:pk>/", runs.RunDetail.as_view(), name="api-run"),
    path("runs/<int:pk>/metrics/", runs.MetricList.as_view(), name="api-run-metrics"),
    path("runs/<int:pk>/cancellation/", runs.RunCancellation.as_view(), name="api-run-cancellation"),
    path("runs/<int:pk>/retry/", runs.RunRetry.as_view(), name="api-run-retry"),
    path("experiments/", experiments.ExperimentList.as_view(), name="api-experiments"),
    path("experiments/<int:pk>/", experiments.ExperimentDetail.as_view(), name="api-experiment"),
    path(
        "experiments/<int:pk>/cancellation/",
        experiments.ExperimentCancellation.as_view(),
        name="api-experiment-cancellation",
    ),
    path("experiments/<int:pk>/retry/", experiments.ExperimentRetry.as_view(), name="api-experiment-retry"),
    path("adapters/", adapters.AdapterList.as_view(), name="api-adapters"),
    path("adapters/<int:pk>/", adapters.AdapterDetail.as_view(), name="api-adapter"),
    path("generations/", generations.GenerationList.as_view(), name="api-generations"),
    path("generations/imports/", generations.GenerationImports.as_view(), name="api-generation-imports"),
    path("generations/<int:pk>/", generations.GenerationDetail.as_view(), name="api-generation"),
    path(
        "generations/<int:pk>/cancellation/",
        generations.GenerationCancellation.as_view(),
        name="api-generation-cancellation",
    ),
    path("generations/<int:pk>/retry/", generations.GenerationRetry.as_view(), name="api-generation-retry"),
    path("workers/", workers.WorkerList.as_view(), name="api-workers"),
    path("probes/", probes.ProbeList.as_view(), name="api-probes"),
    path("probes/<int:pk>/", probes.ProbeDetail.as_view(), name="api-probe"),
    path("transcriptions/", transcriptions.TranscriptionList.as_view(), name="api-transcriptions"),
    path("transcriptions/<int:pk>/", transcriptions.TranscriptionDetail.as_view(), name="api-transcription"),
    path(
        "transcriptions/<int:pk>/cancellation/",
        transcriptions.TranscriptionCancellation.as_view(),
        name="api-transcription-cancellation",
    ),
    path("transcriptions/<int:pk>/retry/", transcriptions.TranscriptionRetry.as_view(), name="api-transcription-retry"),
    path("candidates/", generations.CandidateList.as_view(), name="api-candidates"),
]
