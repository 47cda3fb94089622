"""Addresses of runs, adapters and generations."""

from django.urls import path

from modeling.views import adapters, comparisons, experiments, generations, probes, runs, transcriptions, workers

urlpatterns = [
    path("projects/<slug:slug>/runs/", runs.runs, name="runs"),
    path("projects/<slug:slug>/runs/new/", runs.new_run, name="run-new"),
    path("projects/<slug:slug>/generations/", generations.generations, name="generations"),
    path("projects/<slug:slug>/generations/new/", generations.new_generation, name="generation-new"),
    path("sessions/<int:pk>/transcriptions/", transcriptions.transcriptions, name="transcriptions"),
    path("projects/<slug:slug>/generations/imports/", generations.imports, name="generation-imports"),
    path("projects/<slug:slug>/runs/comparison/", comparisons.comparison, name="run-comparison"),
    path("projects/<slug:slug>/runs/comparison/table/", comparisons.comparison_table, name="run-comparison-table"),
    path("projects/<slug:slug>/experiments/", experiments.experiments, name="experiments"),
    path("projects/<slug:slug>/experiments/new/", experiments.new_experiment, name="experiment-new"),
    path("experiments/<int:pk>/", experiments.experiment, name="experiment"),
    path("experiments/<int:pk>/table/", experiments.experiment_table, name="experiment-table"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/curve/", runs.curve, name="run-curve"),
    path("adapters/<int:pk>/", adapters.adapter, name="adapter"),
    path("adapters/<int:pk>/file/", adapters.adapter_file, name="adapter-file"),
    path("adapters/<int:pk>/folder/", adapters.adapter_folder, name="adapter-folder"),
    path("adapters/<int:pk>/approval/", adapters.approval, name="adapter-approval"),
    path("adapters/<int:pk>/retirement/", adapters.retirement, name="adapter-retirement"),
    path("projects/<slug:slug>/probes/", probes.probe_list, name="probes"),
    path("workers/", workers.worker_list, name="workers"),
    path("probes/<int:pk>/", probes.probe, name="probe"),
    path("generations/<int:pk>/", generations.generation, name="generation"),
]
