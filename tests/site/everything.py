"""One of everything that a site holds: what the addresses of its routes name."""

import gzip
import json
import uuid

from django.utils import timezone

from annotation.audio.tiles import Level, Peaks, picture_name
from annotation.bringing import keep_transcript
from annotation.models import ApiToken, Derived, Ingest, Participant, Person, Project, Release, Upload
from annotation.releases.options import Options
from evaluation import assignment
from evaluation.models import JudgeRun
from modeling import bases
from modeling.launch import start_transcription
from modeling.models import Adapter
from modeling.probes import start_probe
from tests.annotation.audio.sounds import music, write
from tests.annotation.releases.frozen import freeze
from tests.evaluation.analyses import analysis_of
from tests.evaluation.studies import study_of
from tests.factories import (
    LayerFactory,
    RecordingFactory,
    SegmentFactory,
    SessionFactory,
    SnapshotFactory,
    conversation,
    turn,
)
from tests.modeling.app.things import experiment_of, generation_of, run_of
from tests.people import member
from tests.site.routes import ACTORS

TRANSCRIPT = b'{"type": "segment", "lane": "expert", "start_ms": 0, "end_ms": 900, "text": "Hm?"}'


def one_of_everything():
    project = Project.objects.create(slug="songs", name="Songs")
    ana, rita, ada = (member(project, *who) for who in (("ana", "annotator"), ("rita", "reviewer"), ("ada", "admin")))
    sam = member(Project.objects.create(slug="elsewhere", name="Elsewhere"), "sam", "admin")
    sue = Person.objects.create_superuser(username="sue")
    session = SessionFactory(project=project)
    recording = RecordingFactory(session=session)
    facts = {"levels": [100], "tile_points": 8192, "base": 256, "factor": 4, "channels": 1, "rate": 8000}
    facts |= {"columns": [25], "ms_per_column": [128.0], "tile_columns": 1024, "bins": 128}
    facts |= {"low_hz": 30, "high_hz": 4000}
    folder = recording.derived_folder()
    folder.mkdir(parents=True)
    (folder / "level0.bin").write_bytes(bytes(200))
    pyramid = Peaks(8000, 25_600, 3200, 1, 1, (Level(256, 100),))
    (folder / "peaks.json").write_text(json.dumps(pyramid.as_dict()))
    (folder / "proxy.mp4").write_bytes(bytes(200))
    (folder / picture_name(0, 0)).write_bytes(bytes(200))
    (folder / "levels.json.gz").write_bytes(gzip.compress(b"{}"))
    for kind, path in (
        ("peaks", folder),
        ("proxy", folder / "proxy.mp4"),
        ("levels", folder / "levels.json.gz"),
        ("spectrogram", folder),
    ):
        where = str(path.relative_to(folder.parent.parent))
        Derived.objects.create(recording=recording, kind=kind, digest="abc", path=where, facts=facts)
    recording.path.parent.mkdir(parents=True)
    write(recording.path, music(0.2))
    kept = keep_transcript(session, "a.jsonl", [TRANSCRIPT], by=ada)
    imported = LayerFactory(session=session, state="submitted")
    SegmentFactory(layer=imported)
    study = study_of(project)
    snapshot = study.snapshot
    adapter = Adapter.objects.get()
    rater = study.raters.order_by("number").first()
    rater.start()
    pair = assignment.next_for(rater)
    draft = LayerFactory(session=session, owner=ana)
    counted = SnapshotFactory(project=project)
    freeze(counted.path)
    archive = {"file": "1/a.zip", "sha256": "b" * 64, "options": Options().as_dict()}
    release = Release.objects.create(project=project, snapshot=snapshot, state="succeeded", **archive)
    release.path.parent.mkdir(parents=True)
    release.path.write_bytes(b"PK")
    told = {
        "release": release.pk,
        "counted": counted.pk,
        "figure": "topics",
        "svg": "svg",
        "conversation": conversation(imported, [turn(imported, 0)]).uid,
        "drafted": conversation(draft, [turn(draft, 0)]).uid,
        "job_kind": "ingest",
        "ingest": Ingest.objects.create(project=project, recording=recording, makes="peaks").pk,
        "slug": project.slug,
        "membership": project.memberships.get(person=rita).pk,
        "token": ApiToken.issue(ana, "script", ["read"])[0].pk,
        "upload": Upload.objects.create(project=project, by=ada, name="a.wav", size=10).uid,
        "transcript": kept.uid,
        "session": session.pk,
        "participant": Participant.objects.create(project=project, code="E1").pk,
        "recording": recording.pk,
        "digest": "abc",
        "clip_digest": recording.clip_digest,
        "zero": 0,
        "turn": uuid.UUID(int=1),
        "hundred": 100,
        "imported": imported.pk,
        "draft": draft.pk,
        "handed_in": LayerFactory(session=session, owner=rita, state="submitted", submitted_at=timezone.now()).pk,
        "snapshot": snapshot.pk,
        "row": "test/c0/0",
        "run": run_of(snapshot, "waiting").pk,
        "adapter": adapter.pk,
        "experiment": experiment_of(snapshot).pk,
        "generation": generation_of(snapshot).pk,
        "probe": start_probe(project=project, base=bases.named("tiny")).pk,
        "transcription": start_transcription(recording=recording).pk,
        "study": study.pk,
        "export_form": "jsonl",
        "analysis": analysis_of(study).number,
        "pairs": "pairs",
        "pdf": "pdf",
        "judge_run": JudgeRun.objects.create(
            project=project, study=study, judge="o", template="listwise", template_digest="d", reference="hidden"
        ).pk,
        "rater_number": study.raters.order_by("number").last().number,
        "rater_token": rater.token,
        "pair_token": pair.token,
        "audio_token": pair.audio_token,
        "wrong_token": "A" * len(rater.token),
    }
    adapter.path.mkdir(parents=True, exist_ok=True)
    (adapter.path / "adapter_model.safetensors").write_bytes(b"weights")
    people = dict(zip(ACTORS[1:6], (sam, ana, rita, ada, sue), strict=True))
    return told, people, rater
