"""Levels are made between what is drawn and what is played, and are served compressed to who may see the session."""

import gzip
import json

import pytest

from annotation import execute, uploading
from annotation.launch import start_ingest
from annotation.models import Derived, Ingest
from annotation.playback import recordings_of
from mixassist_site.jobs import State, next_job
from tests.annotation.audio.sounds import music, write


@pytest.fixture
def recording(project, tmp_path):
    path = write(tmp_path / "take.wav", music(3))
    return uploading.add_recording(path, path.name, project, None)


def work(recording, *makes):
    for kind in makes:
        execute.ingest(recording.ingests.filter(makes=kind, state=State.QUEUED).get())


def test_they_are_made_after_the_waveform_and_before_the_playback_audio(recording):
    made = []
    while job := next_job({"cpu"}):
        made.append(job.makes)
        Ingest.objects.filter(pk=job.pk).update(state=State.RUNNING)
        assert next_job({"cpu"}) is None
        Ingest.objects.filter(pk=job.pk).update(state=State.FAILED)
    assert made == ["peaks", "levels", "proxy"]


def test_they_come_as_json_compressed_where_that_is_understood(client, ana, sam, recording):
    assert recordings_of(recording.session)[0]["levels"] is None
    work(recording, "peaks", "levels")
    url = recordings_of(recording.session)[0]["levels"]["url"]
    client.force_login(ana)
    plain, packed = client.get(url), client.get(url, headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    told = json.loads(plain.content)
    assert len(told["loudness"]) == 30
    for answer in (plain, packed):
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
        assert "Accept-Encoding" in answer["Vary"]
    assert client.get(url.replace(recording.derived.get(kind="levels").digest, "abc")).status_code == 404
    client.force_login(sam)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(("kind", "playback", "speech"), [("dialogue", False, True), ("daw", True, False)])
def test_what_a_recording_holds_is_minded(project, tmp_path, kind, playback, speech):
    path = write(tmp_path / "take.wav", music(3))
    recording = uploading.add_recording(path, path.name, project, None, kind=kind)
    work(recording, "peaks", "levels")
    made = recording.derived.get(kind="levels")
    told = json.loads(gzip.decompress(made.full_path.read_bytes()))
    assert (bool(told["playback"]), bool(told["speech"])) == (playback, speech)


def test_levels_that_are_lost_are_not_there(client, ana, recording):
    work(recording, "peaks", "levels")
    url = recordings_of(recording.session)[0]["levels"]["url"]
    recording.derived.get(kind="levels").full_path.unlink()
    client.force_login(ana)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED, State.CANCELLED])
def test_the_state_of_a_recording_is_that_of_what_is_drawn_and_played(recording, state):
    work(recording, "peaks", "levels", "proxy")
    recording.ingests.filter(makes="levels").update(state=state, error_message="It broke.")
    (told,) = recordings_of(recording.session)
    assert (told["state"], told["message"]) == (State.SUCCEEDED, "")
    recording.ingests.filter(makes="proxy").update(state=state, error_message="It broke.")
    (told,) = recordings_of(recording.session)
    assert (told["state"], told["message"]) == (state, "It broke.")


def test_starting_again_makes_what_an_older_site_did_not(recording):
    recording.ingests.filter(makes="levels").delete()
    recording.ingests.filter(makes="peaks").update(state=State.FAILED, error_message="It broke.")
    recording.ingests.filter(makes="proxy").update(state=State.CANCELLED)
    start_ingest(recording, None)
    work(recording, "peaks", "levels", "proxy")
    assert sorted(recording.derived.values_list("kind", flat=True)) == ["levels", "peaks", "proxy"]
    (told,) = recordings_of(recording.session)
    assert told["levels"]
    assert told["state"] == State.SUCCEEDED  # what failed the first time has been made since


def test_the_old_file_goes_when_they_are_made_again(recording):
    for _ in range(2):
        work(recording, "peaks", "levels", "proxy")
        start_ingest(recording, None)
        recording.ingests.filter(makes="levels", state=State.QUEUED).update(fence=5)
    made = [each.full_path for each in Derived.objects.all()]
    assert sorted(recording.derived_folder().iterdir()) == sorted(made)


def test_what_is_made_again_fails_without_a_loss(client, ana, recording, monkeypatch):
    work(recording, "peaks", "levels", "proxy")
    told = recordings_of(recording.session)[0]
    start_ingest(recording, None)
    recording.path.unlink()
    work(recording, "peaks", "levels", "proxy")
    assert set(recording.ingests.filter(state=State.FAILED).values_list("makes", flat=True)) == {
        "peaks", "levels", "proxy",
    }  # fmt: skip
    client.force_login(ana)
    tile = told["peaks"]["url"].format(level=0, tile=0)
    for url in (tile, told["levels"]["url"], told["proxy"]["url"]):
        assert client.get(url).status_code == 200


def test_of_two_jobs_for_the_same_thing_the_last_that_was_asked_for_stays(recording):
    recording.ingests.exclude(makes="levels").update(state=State.SUCCEEDED)
    first = recording.ingests.get(makes="levels")
    again = Ingest.objects.create(project=first.project, recording=recording, makes="levels")
    assert not again.claim("somebody")
    assert first.claim("somebody")
    assert not again.claim("somebody else")
    Ingest.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    assert again.claim("somebody else")
