"""What a browser may draw and play of a session: addresses of tiles and proxies, never the master."""

from typing import Any

from django.urls import reverse

from annotation.audio.errors import AudioError
from annotation.audio.outline import outline
from annotation.models import Derived, Ingest, MixingSession, Recording
from mixassist_site.jobs import State


def recordings_of(session: MixingSession) -> list[dict[str, Any]]:
    """The recordings of a session as the workbench reads them; three queries whatever their number."""
    rows = session.recordings.prefetch_related("derived", "ingests")
    return [_recording(row) for row in rows]


def outline_of(session: MixingSession) -> str:
    """The overview's waveform, of the first recording that has one, as it comes with the page; empty without one."""
    rows = Derived.objects.filter(recording__session=session, kind=Derived.Kind.PEAKS).select_related("recording")
    drawn = rows.order_by("recording__pk").first()
    if drawn is None:
        return ""
    try:
        return outline(drawn.full_path, offset_ms=drawn.recording.offset_ms, length_ms=session.length_ms)
    except (AudioError, OSError):
        return ""  # the workbench says so where it asks for tiles


def _recording(recording: Recording) -> dict[str, Any]:
    made = {derived.kind: derived for derived in recording.derived.all()}
    jobs = {job.makes: job for job in sorted(recording.ingests.all(), key=lambda job: job.pk)}  # the last for each
    state, message = _state_of(jobs)
    return {
        "id": recording.pk,
        "kind": recording.kind,
        "name": recording.name,
        "offset_ms": recording.offset_ms,
        "length_ms": recording.length_ms,
        "rate": recording.sample_rate,
        "channels": recording.channels,
        "peaks": _peaks(recording, made.get(Derived.Kind.PEAKS)),
        "proxy": _proxy(recording, made.get(Derived.Kind.PROXY)),
        "levels": _levels(recording, made.get(Derived.Kind.LEVELS)),
        "spectrogram": _spectrogram(recording, made.get(Derived.Kind.SPECTROGRAM)),
        "spectrogram_state": jobs[Derived.Kind.SPECTROGRAM].state if Derived.Kind.SPECTROGRAM in jobs else "none",
        "spectrogram_url": reverse("api-recording-spectrogram", args=[recording.pk]),
        "clips": _clips(recording, made.get(Derived.Kind.PROXY)),
        "state": state,
        "message": message,
    }


def _peaks(recording: Recording, peaks: Derived | None) -> dict[str, Any] | None:
    if peaks is None:
        return None
    # The page fills in level and tile; 0/0 is always there, so it stands for both in the address.
    address = reverse("peaks-tile", args=[recording.pk, peaks.digest, 0, 0])
    return {**peaks.facts, "url": address.removesuffix("0/0/") + "{level}/{tile}/"}


def _proxy(recording: Recording, proxy: Derived | None) -> dict[str, str] | None:
    if proxy is None:
        return None
    return {"url": reverse("proxy", args=[recording.pk, proxy.digest]), "type": "audio/mp4"}


def _levels(recording: Recording, levels: Derived | None) -> dict[str, str] | None:
    if levels is None:
        return None
    return {"url": reverse("levels", args=[recording.pk, levels.digest])}


def _spectrogram(recording: Recording, painted: Derived | None) -> dict[str, Any] | None:
    if painted is None:
        return None
    facts = painted.facts
    address = reverse("spectrogram-tile", args=[recording.pk, painted.digest, 0, 0])
    columns = zip(facts["columns"], facts["ms_per_column"], strict=True)
    return {
        "url": address.removesuffix("0/0/") + "{level}/{tile}/",
        "levels": [{"columns": count, "ms_per_column": each} for count, each in columns],
        **{name: facts[name] for name in ("tile_columns", "bins", "low_hz", "high_hz")},
    }


def _clips(recording: Recording, proxy: Derived | None) -> dict[str, Any] | None:
    """Where moments of a recording are cut; from its proxy, and then not `exact`, when the master can't be sought."""
    if proxy is None and not recording.is_sought:
        return None
    address = reverse("clip", args=[recording.pk, recording.clip_digest, 0, 0])
    return {"url": address.removesuffix("0-0/") + "{start}-{end}/", "exact": recording.is_sought}


def _state_of(jobs: dict[str, Ingest]) -> tuple[str, str]:
    """The worst state of the jobs that make what must be drawn and played, and its sentence."""
    needed = [jobs[makes] for makes in (Derived.Kind.PEAKS, Derived.Kind.PROXY) if makes in jobs]
    for state in (State.FAILED, State.RUNNING, State.QUEUED, State.CANCELLED):
        for job in needed:
            if job.state == state:
                return state, job.error_message
    return State.SUCCEEDED, ""
