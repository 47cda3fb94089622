"""Work a transcription: a child hears the recording, this makes a layer of what it heard."""

import json
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.audio.facts import clock
from annotation.filling import fill_layer
from annotation.importing.rows import MAX_TEXT, LayerRows, Repair, uid_at
from annotation.models import Layer
from annotation.words import LONGEST, MOST
from mixassist_site.child import Event, run_child
from mixassist_site.jobs import Lease, works
from modeling.execute.files import earlier_attempts, written
from modeling.models import Transcription


@works(Transcription)
def transcribe(job: Transcription, lease: Lease) -> None:
    """Let a child transcribe a recording, on from the last window that any attempt has heard; make a layer of it."""
    attempt = job.folder / str(lease.fence)
    request = {
        "audio": str(job.recording.path),
        "out": str(attempt / "transcript.json"),
        "model": job.model,
        "tiny": str(Path(settings.MODELS_ROOT) / "tiny-whisper"),
        "revision": job.revision or None,
        "language": job.language,
        "resume_from": [str(folder) for folder in earlier_attempts(job, lease)],
    }
    for folder in earlier_attempts(job, lease):
        (folder / "transcript.wav").unlink(missing_ok=True)  # of a child that was killed
    lease.report(0, 0, "Decodes the recording", at_once=True)
    run_child("modeling.transcribing", written(attempt / "request.json", request), lease, partial(_hear, lease))
    told = json.loads((attempt / "transcript.json").read_text())
    rows, lost = rows_of(told["segments"], job)
    recording = job.recording
    source = {"recording": recording.name, "recording_sha256": recording.sha256}
    report = {"lost": lost, "doubtful": told["doubtful"], "lanes": {job.lane: len(rows.segments)}}
    with lease.publication(note=""):
        layer = Layer.objects.create(
            session=job.session,
            kind=Layer.Kind.MODEL,
            title=f"{recording.name} by {job.model_name}"[:200],
            state=Layer.State.SUBMITTED,
            report=report,
            provenance=told["made_by"] | source,
        )
        fill_layer(layer, rows, by=None)
        Transcription.objects.filter(pk=job.pk).update(layer=layer)
    shutil.rmtree(job.folder, ignore_errors=True)


def _hear(lease: Lease, event: Event) -> None:
    """Keep what a transcribing child tells as progress."""
    match event.get("event"):
        case "decoding":
            lease.report(0, 0, f"Decodes the recording, {event['share']:.0%}")
        case "decoded":
            lease.report(0, 0, "Opens the model", at_once=True)
        case "window":
            if not event["resumed"]:
                lease.progressed()
            note = f"Has heard {clock(event['at_ms'] / 1000)}"
            lease.report(event["done"], event["windows"], note)


def rows_of(segments: Iterable[dict[str, Any]], job: Transcription) -> tuple[LayerRows, list[Repair]]:
    """Put a model's segments, told in seconds of the recording, on the session's time line; say what lies off it."""
    rows, lost = LayerRows(), []
    length_ms, offset_ms = job.session.length_ms, job.recording.offset_ms

    def at(seconds: float) -> int:
        moment = max(0, round(seconds * 1000) + offset_ms)
        return min(moment, length_ms) if length_ms else moment

    for number, said in enumerate(segments):
        start, end = at(said["start"]), at(said["end"])
        if start >= end:
            what = f"“{said['text'][:80]}”, which lies outside the session"
            lost.append(Repair(what=what, where=f"{said['start']} s"))
            continue
        row = {"uid": uid_at("segment", number, said["text"]), "lane": job.lane, "start_ms": start, "end_ms": end}
        words = [[at(each["start"]), at(each["end"]), each["word"][:LONGEST]] for each in said.get("words", [])][:MOST]
        rows.segments.append({**row, "text": said["text"][:MAX_TEXT], **({"words": words} if words else {})})
    return rows, lost
