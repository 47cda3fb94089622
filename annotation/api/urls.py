"""API addresses of sessions, layers and snapshots."""

from django.urls import path

from annotation.api import (
    browsing,
    drafts,
    layers,
    participants,
    people,
    releases,
    sessions,
    snapshots,
    transcripts,
    uploads,
)

urlpatterns = [
    path("projects/", sessions.ProjectList.as_view(), name="api-projects"),
    path("projects/<slug:slug>/", sessions.ProjectDetail.as_view(), name="api-project"),
    path("sessions/", sessions.SessionList.as_view(), name="api-sessions"),
    path("sessions/<int:pk>/", sessions.SessionDetail.as_view(), name="api-session"),
    path("sessions/<int:pk>/playback/", sessions.PlaybackView.as_view(), name="api-session-playback"),
    path("sessions/<int:pk>/transcripts/", transcripts.TranscriptList.as_view(), name="api-session-transcripts"),
    path("transcripts/<uuid:uid>/", transcripts.TranscriptDetail.as_view(), name="api-transcript"),
    path("transcripts/<uuid:uid>/layer/", transcripts.TranscriptLayer.as_view(), name="api-transcript-layer"),
    path("recordings/", sessions.RecordingList.as_view(), name="api-recordings"),
    path("recordings/<int:pk>/", sessions.RecordingDetail.as_view(), name="api-recording"),
    path("recordings/<int:pk>/spectrogram/", sessions.SpectrogramView.as_view(), name="api-recording-spectrogram"),
    path("me/keys/", people.MyKeysView.as_view(), name="api-my-keys"),
    path("layers/", layers.LayerList.as_view(), name="api-layers"),
    path("layers/<int:pk>/", layers.LayerDetail.as_view(), name="api-layer"),
    path("layers/<int:pk>/document/", layers.DocumentView.as_view(), name="api-layer-document"),
    path("layers/<int:pk>/edits/", layers.EditsView.as_view(), name="api-layer-edits"),
    path(
        "layers/<int:pk>/turns/<uuid:uid>/summaries/", layers.SummariesView.as_view(), name="api-layer-turn-summaries"
    ),
    path("layers/<int:pk>/turns/<uuid:uid>/drafts/", drafts.DraftsView.as_view(), name="api-layer-turn-drafts"),
    path("layers/<int:pk>/submission/", layers.SubmissionView.as_view(), name="api-layer-submission"),
    path("layers/<int:pk>/review/", layers.ReviewView.as_view(), name="api-layer-review"),
    path("layers/<int:pk>/export/", transcripts.LayerExport.as_view(), name="api-layer-export"),
    path("layers/<int:pk>/report/", transcripts.LayerReport.as_view(), name="api-layer-report"),
    path("layers/<int:pk>/conversations/", browsing.ConversationList.as_view(), name="api-layer-conversations"),
    path(
        "layers/<int:pk>/conversations/<uuid:uid>/",
        browsing.ConversationDetail.as_view(),
        name="api-layer-conversation",
    ),
    path("turns/", browsing.TurnList.as_view(), name="api-turns"),
    path("uploads/", uploads.UploadList.as_view(), name="api-uploads"),
    path("uploads/<uuid:uid>/", uploads.UploadDetail.as_view(), name="api-upload"),
    path("uploads/<uuid:uid>/completion/", uploads.UploadCompletion.as_view(), name="api-upload-completion"),
    path("participants/", participants.ParticipantList.as_view(), name="api-participants"),
    path(
        "participants/<int:pk>/withdrawal/",
        participants.WithdrawalView.as_view(),
        name="api-participant-withdrawal",
    ),
    path("sessions/<int:pk>/tracks/", sessions.TrackList.as_view(), name="api-session-tracks"),
    path("snapshots/", snapshots.SnapshotList.as_view(), name="api-snapshots"),
    path("snapshots/preflight/", snapshots.PreflightView.as_view(), name="api-snapshot-preflight"),
    path("snapshots/<int:pk>/", snapshots.SnapshotDetail.as_view(), name="api-snapshot"),
    path("snapshots/<int:pk>/differences/", snapshots.DifferencesView.as_view(), name="api-snapshot-differences"),
    path("releases/", releases.ReleaseList.as_view(), name="api-releases"),
    path("releases/<int:pk>/", releases.ReleaseDetail.as_view(), name="api-release"),
    path("releases/<int:pk>/file/", releases.ReleaseFile.as_view(), name="api-release-file"),
]
