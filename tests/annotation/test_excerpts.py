"""A moment of a recording comes as WAV while one waits, to who may see its session."""

import io
import tempfile
import threading
import wave

import numpy as np
import pytest

from annotation import excerpts, execute, uploading
from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.playback import recordings_of
from tests.annotation.audio.sounds import music, write

CLIP = "/recordings/{}/clips/{}/{}-{}/"


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """The only place for temporary files, so that one that stays is seen."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def recording(project, tmp_path):
    path = write(tmp_path / "take.wav", music(3, 44_100), 44_100)
    return uploading.add_recording(path, path.name, project, None)


def ask(client, recording, start, end, digest=None):
    return client.get(CLIP.format(recording.pk, digest or recording.sha256[:16], start, end))


def samples_of(answer):
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        return file.getframerate(), np.frombuffer(answer.content[44:], "<i2").reshape(-1, file.getnchannels())


@pytest.mark.parametrize(("start", "end"), [(0, 1000), (15, 16), (1234, 2567), (2000, 3000)])
def test_it_is_the_frames_between_two_times(client, ana, recording, start, end):
    client.force_login(ana)
    answer = ask(client, recording, start, end)
    rate, samples = samples_of(answer)
    first, last = ((ms * 44_100 + 500) // 1000 for ms in (start, end))
    assert rate == 44_100
    assert np.array_equal(samples, np.concatenate(list(open_master(recording.path).blocks()))[first:last])
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_end_beyond_the_recording_is_its_end(client, ana, recording):
    client.force_login(ana)
    assert len(samples_of(ask(client, recording, 2500, 20_000))[1]) == 3 * 44_100 - 110_250


@pytest.mark.parametrize(("start", "end"), [(3000, 3001), (90_000, 91_000), (10**40, 10**40 + 5)])
def test_beyond_the_recording_there_is_nothing(client, ana, recording, start, end):
    client.force_login(ana)
    assert ask(client, recording, start, end).status_code == 404


@pytest.mark.parametrize(("start", "end"), [(0, 30_001), (500, 500), (600, 500), (0, 10**40)])
def test_a_span_that_makes_no_sense_gets_a_sentence(client, ana, recording, start, end):
    client.force_login(ana)
    answer = ask(client, recording, start, end)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Ask for a clip that starts before it ends and lasts 30 seconds at most."


def test_another_digest_is_another_recording(client, ana, recording):
    client.force_login(ana)
    assert ask(client, recording, 0, 100, "0" * 16).status_code == 404
    assert ask(client, recording, 0, 100, recording.sha256).status_code == 404


def test_a_stranger_knows_of_none(client, sam, recording):
    client.force_login(sam)
    assert ask(client, recording, 0, 100).status_code == 404


def test_the_document_says_where_clips_are(recording):
    (told,) = recordings_of(recording.session)
    digest = recording.sha256[:16]
    assert told["clips"] == {"url": f"/recordings/{recording.pk}/clips/{digest}/{{start}}-{{end}}/", "exact": True}


def test_an_mp3_is_cut_from_its_proxy_once_there_is_one(client, ana, project, tmp_path):
    client.force_login(ana)
    path = write(tmp_path / "take.mp3", music(3))
    recording = uploading.add_recording(path, path.name, project, None)
    assert recordings_of(recording.session)[0]["clips"] is None
    answer = ask(client, recording, 0, 100)
    assert (answer.status_code, answer.json()["error"]) == (404, "no-proxy")
    for job in recording.ingests.order_by("pk"):
        execute.ingest(job)
    assert recordings_of(recording.session)[0]["clips"]["exact"] is False
    _, samples = samples_of(ask(client, recording, 1000, 2000))
    source = np.concatenate(list(open_master(recording.path).blocks()))[48_000:96_000]
    assert samples.shape == (48_000, 2)
    assert np.corrcoef(source.mean(axis=1), samples.mean(axis=1))[0, 1] > 0.97


def test_a_master_that_is_gone_or_damaged_gets_a_sentence(client, ana, recording):
    client.force_login(ana)
    content = recording.path.read_bytes()
    recording.path.write_bytes(b"RIFF" + content[4:60])
    answer = ask(client, recording, 0, 100)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(".")
    assert "Cache-Control" not in answer
    recording.path.unlink()
    assert ask(client, recording, 0, 100).status_code == 404


def test_who_would_wait_too_long_is_told_to_come_again(client, ana, recording, monkeypatch):
    client.force_login(ana)
    monkeypatch.setattr(excerpts, "PATIENCE_S", 0.05)
    monkeypatch.setattr(excerpts, "_turns", threading.BoundedSemaphore(1))
    with excerpts._turns:
        answer = ask(client, recording, 0, 100)
        assert (answer.status_code, answer.json()["error"]) == (503, "busy")
        assert int(answer["Retry-After"]) >= 1
    assert ask(client, recording, 0, 100).status_code == 200


def test_a_child_that_fails_gives_its_turn_back(recording, monkeypatch):
    monkeypatch.setattr(excerpts, "_turns", threading.BoundedSemaphore(1))
    recording.path.unlink()
    for _ in range(2):
        with pytest.raises(AudioError):
            excerpts.cut(recording, 0, 100)
    assert excerpts._turns.acquire(blocking=False)
