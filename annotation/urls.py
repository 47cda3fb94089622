"""Addresses of projects, sessions, layers and snapshots."""

from django.urls import path

from annotation.views import (
    layers,
    media,
    people,
    projects,
    recordings,
    sessions,
    snapshots,
    tokens,
    uploads,
    vocabulary,
)

urlpatterns = [
    path("projects/", projects.projects, name="projects"),
    path("projects/new/", projects.new_project, name="project-new"),
    path("projects/<slug:slug>/", projects.project, name="project"),
    path("projects/<slug:slug>/settings/", projects.settings, name="project-settings"),
    path("projects/<slug:slug>/vocabulary/", vocabulary.vocabulary, name="vocabulary"),
    path("projects/<slug:slug>/memberships/", projects.memberships, name="memberships"),
    path("projects/<slug:slug>/memberships/<int:pk>/", projects.membership, name="membership"),
    path("projects/<slug:slug>/uploads/", uploads.uploads, name="uploads"),
    path("projects/<slug:slug>/snapshots/", snapshots.snapshots, name="snapshots"),
    path("projects/<slug:slug>/snapshots/new/", snapshots.new_snapshot, name="snapshot-new"),
    path("uploads/<uuid:uid>/", uploads.upload, name="upload"),
    path("uploads/<uuid:uid>/completion/", uploads.completion, name="upload-completion"),
    path("sessions/<int:pk>/", sessions.session, name="session"),
    path("sessions/<int:pk>/layers/", sessions.layers, name="session-layers"),
    path("sessions/<int:pk>/transcripts/", sessions.transcripts, name="session-transcripts"),
    path("sessions/<int:pk>/removal/", sessions.removal, name="session-removal"),
    path("layers/<int:pk>/", layers.layer, name="layer"),
    path("layers/<int:pk>/submission/", layers.submission, name="layer-submission"),
    path("layers/<int:pk>/review/", layers.review, name="layer-review"),
    path("recordings/<int:pk>/placement/", recordings.placement, name="recording-placement"),
    path("recordings/<int:pk>/peaks/<slug:digest>/<int:level>/<int:tile>/", media.peaks_tile, name="peaks-tile"),
    path("recordings/<int:pk>/proxy/<slug:digest>/", media.proxy, name="proxy"),
    path("recordings/<int:pk>/levels/<slug:digest>/", media.levels, name="levels"),
    path(
        "recordings/<int:pk>/spectrogram/<slug:digest>/<int:level>/<int:tile>/",
        media.spectrogram_tile,
        name="spectrogram-tile",
    ),
    path("recordings/<int:pk>/clips/<slug:digest>/<int:start_ms>-<int:end_ms>/", media.clip, name="clip"),
    path("snapshots/<int:pk>/", snapshots.snapshot, name="snapshot"),
    path("snapshots/<int:pk>/rows/<path:row>/clip/", snapshots.clip, name="snapshot-clip"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revocation/", tokens.revocation, name="token-revocation"),
    path("people/", people.people, name="people"),
]
