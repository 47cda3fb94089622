"""Addresses of runs, adapters and generations."""

from django.urls import path

from modeling.views import adapters, generations, runs, transcriptions

urlpatterns = [
    path("projects/<slug:slug>/runs/", runs.runs, name="runs"),
    path("projects/<slug:slug>/runs/new/", runs.new_run, name="run-new"),
    path("projects/<slug:slug>/generations/", generations.generations, name="generations"),
    path("projects/<slug:slug>/generations/new/", generations.new_generation, name="generation-new"),
    path("sessions/<int:pk>/transcriptions/", transcriptions.transcriptions, name="transcriptions"),
    path("projects/<slug:slug>/generations/imports/", generations.imports, name="generation-imports"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/curve/", runs.curve, name="run-curve"),
    path("adapters/<int:pk>/", adapters.adapter, name="adapter"),
    path("adapters/<int:pk>/file/", adapters.adapter_file, name="adapter-file"),
    path("generations/<int:pk>/", generations.generation, name="generation"),
]
