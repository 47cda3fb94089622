"""A recording is transcribed in a child of the worker, and what comes of it is a model's layer."""

import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Layer
from mixassist_site import jobs
from mixassist_site.jobs import State
from modeling import execute
from modeling.execute import transcribing
from modeling.launch import start_transcription
from modeling.models import Transcription
from tests.annotation.audio.sounds import write
from tests.factories import LayerFactory, RecordingFactory, SessionFactory


@pytest.fixture
def recording(project):
    """Forty seconds of noise, which begin two seconds before the session does."""
    session = SessionFactory(project=project, length_ms=36_000)
    made = RecordingFactory(session=session, length_ms=40_000, offset_ms=-2_000, sha256="a" * 64, name="desk.wav")
    made.path.parent.mkdir(parents=True)
    noise = np.random.default_rng(0).standard_normal((40 * 16_000, 1)) * 3000
    write(made.path, noise.astype(np.int16), 16_000)
    return made


@pytest.mark.torch
@pytest.mark.django_db(transaction=True)
def test_it_becomes_a_models_layer_on_the_sessions_own_time(recording, ana, ada, client):
    own = LayerFactory(owner=ana, session=recording.session)
    job = start_transcription(recording=recording, language="en", lane="expert", by=ada)
    assert jobs.next_job({"gpu"}) == job
    assert execute.transcribe(job)
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == (State.SUCCEEDED, 2, 2), job.error_message
    layer = job.layer
    assert (layer.kind, layer.state, layer.owner) == ("model", "submitted", None)
    made = layer.provenance
    assert (made["model"], made["language"], made["recording_sha256"]) == ("tiny", "en", "a" * 64)
    assert len(made["weights_sha256"]) == 64
    segments = list(layer.segments.all())
    assert segments
    assert all(0 <= each.start_ms < each.end_ms <= 36_000 and each.lane == "expert" for each in segments)
    assert all(0 <= a <= b <= 36_000 for each in segments for a, b, _ in each.words)
    assert not job.folder.exists()
    assert not own.segments.exists()
    client.force_login(ana)
    page = client.get(f"/layers/{layer.pk}/report/").content.decode()
    assert made["weights_sha256"] in page
    assert str(layer) in client.get(f"/sessions/{recording.session.pk}/transcriptions/").content.decode()
    assert client.get(f"/api/v1/transcriptions/{job.pk}/").json()["layer"] == layer.pk


@pytest.mark.django_db
def test_times_move_to_the_sessions_clock_and_what_lies_off_it_is_told(recording):
    job = start_transcription(recording=recording, lane="amateur")
    words = [{"word": "Hm,", "start": 1.5, "end": 2.25}, {"word": "yes.", "start": 2.25, "end": 3.0}]
    told = [
        {"start": 0.2, "end": 1.9, "text": "Before."},
        {"start": 1.5, "end": 3.0, "text": "Hm, yes.", "words": words},
        {"start": 37.0, "end": 39.5, "text": "To the end."},
        {"start": 38.0, "end": 39.5, "text": "After."},
    ]
    rows, lost = transcribing.rows_of(told, job)
    assert [(row["start_ms"], row["end_ms"], row["text"]) for row in rows.segments] == [
        (0, 1000, "Hm, yes."), (35_000, 36_000, "To the end.")
    ]  # fmt: skip
    assert rows.segments[0]["words"] == [[0, 250, "Hm,"], [250, 1000, "yes."]]
    assert ["Before." in lost[0]["what"], "After." in lost[1]["what"]] == [True, True]


def child_that(monkeypatch, *events, then=None):
    """A child that tells these events, and then does something."""

    def run(module, request, lease, on_event):
        for event in events:
            on_event(event)
        if then:
            then(json.loads(Path(request).read_text()), lease)

    monkeypatch.setattr(transcribing, "run_child", run)


@pytest.mark.django_db
def test_cancelled_it_stops_and_tried_again_it_goes_on_from_what_was_heard(recording, monkeypatch):
    asked = []

    def stop(request, lease):
        asked.append(request["resume_from"])
        raise jobs.JobStopped

    job = start_transcription(recording=recording)
    heard = {"event": "window", "done": 1, "windows": 2, "at_ms": 30_000, "resumed": False}
    child_that(monkeypatch, {"event": "decoding", "share": 0.5}, heard, then=stop)
    Transcription.objects.update(cancel_requested=False)
    execute.transcribe(job)
    job.refresh_from_db()
    assert job.state == State.QUEUED  # the worker ends, the job does not
    job.request_cancel()
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert job.retry()
    execute.transcribe(Transcription.objects.get())
    assert asked == [[], [str(job.folder / "1")]]
    assert not Layer.objects.exists()


@pytest.mark.django_db
def test_the_childs_own_sentence_is_the_jobs(recording, monkeypatch):
    def refuse(request, lease):
        raise jobs.JobError("hub-offline", "The model would come from the hub.")

    child_that(monkeypatch, then=refuse)
    job = start_transcription(recording=recording)
    execute.transcribe(job)
    job.refresh_from_db()
    assert (job.state, job.error_message) == (State.FAILED, "The model would come from the hub.")
    assert not Layer.objects.exists()


@pytest.mark.django_db
def test_an_administrator_starts_one_by_the_page_once(recording, ada, ana, sam, client):
    address = f"/sessions/{recording.session.pk}/transcriptions/"
    form = {"recording": recording.pk, "language": "en", "lane": "note", "key": str(uuid.uuid4())}
    for person, status in ((sam, 404), (ana, 403)):
        client.force_login(person)
        assert client.post(address, form).status_code == status
    assert "Transcribe a recording" not in client.get(address).content.decode()
    client.force_login(ada)
    assert "Transcribe a recording" in client.get(address).content.decode()
    assert [client.post(address, form).url for _ in range(2)] == [address] * 2
    assert Transcription.objects.count() == 1
    for wrong in ({"language": "English"}, {"lane": "drums"}, {"recording": 999_999}):
        assert client.post(address, form | wrong).status_code == 400
    assert "Transcript of desk.wav" in client.get("/jobs/").content.decode()
    assert address in client.get(f"/sessions/{recording.session.pk}/").content.decode()


@pytest.mark.django_db
def test_without_a_model_it_says_who_can_name_one(recording, ada, client, settings):
    settings.TRANSCRIBE_MODEL = ""
    client.force_login(ada)
    address = f"/sessions/{recording.session.pk}/transcriptions/"
    assert "TRANSCRIBE_MODEL" in client.get(address).content.decode()
    answer = client.post("/api/v1/transcriptions/", {"recording": recording.pk}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "off")


@pytest.mark.django_db
def test_the_list_is_paged_and_asks_as_often_for_many(recording, ada, client):
    client.force_login(ada)
    address = f"/sessions/{recording.session.pk}/transcriptions/"

    def asked(count):
        for _ in range(count):
            start_transcription(recording=recording)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    assert asked(1) == asked(59) <= 9
    assert client.get(address).content.decode().count("desk.wav</td>") == 50
