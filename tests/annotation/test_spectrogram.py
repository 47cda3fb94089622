"""A spectrogram is made once somebody asks for it, and shows what it is doing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation import execute, uploading
from annotation.launch import start_spectrogram
from annotation.models import Ingest
from annotation.playback import recordings_of
from mixassist_site.jobs import State, next_job
from tests.annotation.audio.sounds import music, write
from tests.factories import RecordingFactory


@pytest.fixture
def recording(project, tmp_path):
    path = write(tmp_path / "take.wav", music(3))
    return uploading.add_recording(path, path.name, project, None)


def ask(client, recording):
    return client.post(f"/api/v1/recordings/{recording.pk}/spectrogram/")


def told_of(recording):
    (told,) = recordings_of(recording.session)
    return told


def job_of(recording):
    return recording.ingests.filter(makes="spectrogram").latest("pk")


def test_it_is_made_when_an_annotator_asks_and_its_tiles_are_pictures(client, ana, sam, recording):
    client.force_login(ana)
    told = told_of(recording)
    assert (told["spectrogram"], told["spectrogram_state"]) == (None, "none")
    answer = client.post(told["spectrogram_url"])
    assert answer.status_code == 202
    job = job_of(recording)
    assert answer.json()["job"] == job.pk
    assert (job.created_by, job.title) == (ana, "Spectrogram of take.wav")
    assert told_of(recording)["spectrogram_state"] == State.QUEUED
    execute.ingest(recording.ingests.get(makes="peaks"))
    execute.ingest(job)
    told = told_of(recording)
    assert told["spectrogram_state"] == State.SUCCEEDED
    painted = told["spectrogram"]
    assert painted["levels"] == [
        {"columns": 141, "ms_per_column": 1024 / 48},
        {"columns": 18, "ms_per_column": 8192 / 48},
    ]
    assert {name: painted[name] for name in ("tile_columns", "bins", "low_hz", "high_hz")} == {
        "tile_columns": 1024, "bins": 128, "low_hz": 30, "high_hz": 16_000,
    }  # fmt: skip
    for level in (0, 1):
        tile = client.get(painted["url"].format(level=level, tile=0))
        assert (tile.status_code, tile["Content-Type"]) == (200, "image/png")
        assert tile["Cache-Control"] == "private, max-age=31536000, immutable"
        assert tile.content.startswith(b"\x89PNG")
    for level, tile in ((0, 1), (2, 0)):
        assert client.get(painted["url"].format(level=level, tile=tile)).status_code == 404
    client.force_login(sam)
    assert client.get(painted["url"].format(level=0, tile=0)).status_code == 404


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.SUCCEEDED])
def test_asking_again_answers_with_the_same_job(client, ana, recording, state):
    client.force_login(ana)
    first = ask(client, recording).json()
    Ingest.objects.filter(pk=first["job"]).update(state=state)
    if state == State.SUCCEEDED:
        recording.derived.create(kind="spectrogram", digest="abc", path="derived/none")
    assert ask(client, recording).json()["job"] == first["job"]
    assert recording.ingests.filter(makes="spectrogram").count() == 1


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.SUCCEEDED])
def test_what_ended_without_a_picture_is_begun_anew(client, ana, recording, state):
    client.force_login(ana)
    first = ask(client, recording).json()
    Ingest.objects.filter(pk=first["job"]).update(state=state)
    again = ask(client, recording).json()
    assert again["job"] != first["job"]
    assert told_of(recording)["spectrogram_state"] == State.QUEUED


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_job(project):
    recording = RecordingFactory(session__project=project)
    together = threading.Barrier(4)

    def start(_):
        together.wait()
        try:
            return start_spectrogram(recording, None).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1


def test_it_waits_for_the_waveform_and_nothing_waits_for_it(client, ana, recording):
    client.force_login(ana)
    ask(client, recording)
    assert not job_of(recording).claim("somebody")
    recording.ingests.filter(makes="peaks").update(state=State.SUCCEEDED)
    assert job_of(recording).claim("somebody")
    assert next_job({"cpu"}).makes == "levels"
    recording.ingests.filter(makes="levels").update(state=State.SUCCEEDED)
    assert next_job({"cpu"}).makes == "proxy"


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED, State.CANCELLED])
def test_its_state_is_not_that_of_the_recording(client, ana, recording, state):
    client.force_login(ana)
    recording.ingests.update(state=State.SUCCEEDED)
    ask(client, recording)
    recording.ingests.filter(makes="spectrogram").update(state=state)
    told = told_of(recording)
    assert (told["state"], told["spectrogram_state"]) == (State.SUCCEEDED, state)


def test_it_can_be_cancelled_by_who_runs_the_project(client, ana, ada, recording):
    client.force_login(ana)
    url = ask(client, recording).json()["url"]
    client.force_login(ada)
    client.post(f"{url}cancellation/")
    assert told_of(recording)["spectrogram_state"] == State.CANCELLED


def test_a_running_one_stops_and_leaves_nothing(recording, monkeypatch):
    recording.ingests.update(state=State.SUCCEEDED)
    job = start_spectrogram(recording, None)
    monkeypatch.setattr("mixassist_site.jobs.Lease.should_stop", lambda self: True)
    execute.ingest(job)
    assert not recording.derived.exists()
    assert list(recording.derived_folder().iterdir()) == []


def test_the_document_asks_as_often_for_one_recording_as_for_ten(project, django_assert_num_queries):
    session = RecordingFactory(session__project=project).session
    for _ in range(9):
        other = RecordingFactory(session=session)
        other.ingests.create(project=project, makes="spectrogram")
        for kind, facts in (("levels", {}), ("spectrogram", SPECTROGRAM)):
            other.derived.create(kind=kind, digest="abc", path="derived/none", facts=facts)
    with django_assert_num_queries(3):
        assert len(recordings_of(session)) == 10


SPECTROGRAM = {
    "columns": [141, 18], "ms_per_column": [21.3, 170.7], "tile_columns": 1024, "bins": 128, "low_hz": 30,
    "high_hz": 16_000,
}  # fmt: skip
