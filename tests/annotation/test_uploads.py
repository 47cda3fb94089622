"""Recordings come in chunk by chunk; a bad one leaves a sentence and nothing else."""

import io
import struct
import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.db import connection

from annotation import execute, uploading
from annotation.audio.errors import AudioError
from annotation.models import Ingest, MixingSession, Recording, Upload
from annotation.uploading import UploadError
from mixassist_site.jobs import Lease, LeaseLost, next_job
from tests.factories import LayerFactory


def wav_bytes(seconds=2.0, rate=8000, channels=1):
    """A short tone."""
    t = np.arange(int(seconds * rate)) / rate
    tone = (np.sin(2 * np.pi * 220 * t) * 12000).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone, channels).tobytes())
    return buffer.getvalue()


def begin(client, project, name, size, fingerprint="take-one"):
    told = {"name": name, "size": size, "title": "Take one", "fingerprint": fingerprint}
    return client.post(f"/projects/{project.slug}/uploads/", told)


def put(client, url, offset, chunk):
    return client.put(url, chunk, content_type="application/octet-stream", headers={"Upload-Offset": str(offset)})


def whole(client, project, data, name="take.wav"):
    """Upload in one chunk, and complete."""
    told = begin(client, project, name, len(data)).json()
    put(client, told["url"], 0, data)
    return client.post(told["completion_url"])


def files(home: Path):
    return sorted(path for path in home.rglob("*") if path.is_file())


def test_a_recording_comes_in_chunk_by_chunk(client, ada, project, home):
    client.force_login(ada)
    data = wav_bytes()
    told = begin(client, project, "take.wav", len(data)).json()
    for offset in range(0, len(data), 10_000):
        answer = put(client, told["url"], offset, data[offset : offset + 10_000])
        assert answer.status_code == 200
    answer = client.post(told["completion_url"])
    assert answer.status_code == 201
    recording = Recording.objects.get()
    assert recording.path.read_bytes() == data
    assert (recording.sample_rate, recording.channels, recording.length_ms) == (8000, 1, 2000)
    assert recording.session.title == "Take one"
    assert recording.session.length_ms == 2000
    assert sorted(Ingest.objects.values_list("makes", flat=True)) == ["levels", "peaks", "proxy"]
    assert not Upload.objects.unfinished().exists()
    assert len(files(home)) == 1


def test_an_upload_goes_on_where_it_stopped(client, ada, project):
    client.force_login(ada)
    data = wav_bytes()
    told = begin(client, project, "take.wav", len(data)).json()
    put(client, told["url"], 0, data[:5000])
    again = begin(client, project, "take.wav", len(data)).json()
    assert (again["uid"], again["received"]) == (told["uid"], 5000)
    put(client, told["url"], 5000, data[5000:])
    assert client.post(told["completion_url"]).status_code == 201
    assert Recording.objects.get().path.read_bytes() == data


@pytest.mark.parametrize("fingerprint", ["take-two", ""])
def test_another_take_of_the_same_name_and_length_is_another_upload(client, ada, project, fingerprint):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000, fingerprint and "take-one").json()
    put(client, told["url"], 0, b"a" * 500)
    other = begin(client, project, "take.wav", 1000, fingerprint).json()
    assert other["uid"] != told["uid"]
    assert other["received"] == 0


def test_completing_again_answers_the_same(client, ada, project):
    """The first answer was lost on its way."""
    client.force_login(ada)
    data = wav_bytes()
    told = begin(client, project, "take.wav", len(data)).json()
    put(client, told["url"], 0, data)
    first, again = (client.post(told["completion_url"]) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Recording.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_completions_at_once_make_one_recording(ada, project, home):
    data = wav_bytes()
    upload = uploading.begin(project, ada, "take.wav", len(data))
    uploading.append(upload, 0, len(data), io.BytesIO(data))
    together = threading.Barrier(4)

    def complete(_):
        together.wait()
        try:
            return uploading.finish(Upload.objects.get(pk=upload.pk)).pk
        except UploadError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(complete, range(4)))
    recording = Recording.objects.get()
    assert set(answers) <= {recording.pk, "being-completed"}
    assert recording.pk in answers
    assert recording.path.read_bytes() == data
    assert len(files(home)) == 1


def test_a_completion_that_died_can_be_made_again(client, ada, project, monkeypatch):
    data = wav_bytes()
    upload = uploading.begin(project, ada, "take.wav", len(data))
    uploading.append(upload, 0, len(data), io.BytesIO(data))
    monkeypatch.setattr(uploading, "start_ingest", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        uploading.finish(upload)
    assert not Recording.objects.exists()
    assert upload.path.read_bytes() == data
    monkeypatch.undo()
    assert uploading.finish(upload).path.read_bytes() == data


def test_a_chunk_that_does_not_follow_is_refused_with_the_byte_that_does(client, ada, project):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    put(client, told["url"], 0, b"a" * 100)
    for offset, chunk in ((0, b"b" * 100), (200, b"b" * 100), (100, b"b" * 901)):
        answer = put(client, told["url"], offset, chunk)
        assert (answer.status_code, answer.json()["received"]) == (409, 100)
    assert Upload.objects.get().path.read_bytes() == b"a" * 100


def test_completing_too_early_loses_nothing(client, ada, project):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    put(client, told["url"], 0, b"a" * 100)
    answer = client.post(told["completion_url"])
    assert (answer.status_code, answer.json()["error"]) == (409, "incomplete")
    assert Upload.objects.get().received == 100


def test_giving_up_leaves_nothing(client, ada, project, home):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    put(client, told["url"], 0, b"a" * 100)
    assert client.delete(told["url"]).status_code == 204
    assert not Upload.objects.exists()
    assert files(home) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "take.wav"},
        {"name": "take.wav", "size": "1" * 400},
        {"name": "take.wav", "size": "1" * 5000},
        {"name": "take.wav", "size": "-5"},
        {"name": "take.wav", "size": "0"},
        {"name": "take.wav", "size": "many"},
        {"name": "take.wav", "size": "1000", "title": "a\x00b"},
        {"name": "take.wav", "size": "1000", "title": "t" * 300},
        {"name": "take.wav", "size": "1000", "session": "1" * 30},
        {"name": "take.wav", "size": "1000", "session": "1" * 5000},
        {"name": "take.wav", "size": "1000", "fingerprint": "f" * 300},
    ],
)
def test_a_form_that_makes_no_sense_gets_a_sentence(client, ada, project, fields):
    client.force_login(ada)
    answer = client.post(f"/projects/{project.slug}/uploads/", fields, headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not Upload.objects.exists()


def test_a_chunk_that_does_not_say_where_it_begins_is_refused(client, ada, project):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    for offset in ("", "x", "-1", "9" * 5000):
        assert client.put(told["url"], b"a", headers={"Upload-Offset": offset}).status_code == 400


def test_an_upload_that_is_given_up_while_a_chunk_comes_leaves_nothing(ada, project, home):
    upload = uploading.begin(project, ada, "take.wav", 1000)

    class Slow(io.BytesIO):
        def read(self, size=-1):
            uploading.discard(Upload.objects.get(pk=upload.pk)) if self.tell() == 0 else None
            return super().read(size)

    with pytest.raises(UploadError) as error:
        uploading.append(upload, 0, 100, Slow(b"a" * 100))
    assert error.value.code == "given-up"
    assert files(home) == []


@pytest.mark.parametrize(("code", "stays"), [("too-hungry", True), ("too-slow", True), ("text-file", False)])
def test_a_machine_in_trouble_costs_nobody_an_upload(ada, project, monkeypatch, code, stays):
    data = wav_bytes()
    upload = uploading.begin(project, ada, "take.wav", len(data))
    uploading.append(upload, 0, len(data), io.BytesIO(data))

    def trouble(*_):
        raise AudioError(code, "It did not work.")

    monkeypatch.setattr(uploading.child, "run", trouble)
    with pytest.raises(UploadError):
        uploading.finish(upload)
    assert upload.path.exists() is stays
    assert Upload.objects.exists() is stays
    monkeypatch.undo()
    if stays:
        assert uploading.finish(upload).path.read_bytes() == data


def test_a_full_disk_keeps_what_came(client, ada, project, monkeypatch):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    put(client, told["url"], 0, b"a" * 100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploading, "_write", full)
    for address in (told["url"], f"/api/v1/uploads/{told['uid']}/"):
        answer = put(client, address, 100, b"a" * 100)
        assert (answer.status_code, answer.json()["error"]) == (507, "disk-full")
    assert Upload.objects.get().received == 100


def test_the_session_is_as_long_as_its_longest_recording_whoever_comes_last(ada, project, tmp_path):
    (tmp_path / "long.wav").write_bytes(wav_bytes(3.0))
    (tmp_path / "short.wav").write_bytes(wav_bytes(1.0))
    session = uploading.add_recording(tmp_path / "short.wav", "short.wav", project, ada).session
    stale = MixingSession.objects.get(pk=session.pk)
    uploading.add_recording(tmp_path / "long.wav", "long.wav", project, ada, session=session)
    uploading.add_recording(tmp_path / "short.wav", "short.wav", project, ada, session=stale)
    assert MixingSession.objects.get().length_ms == 3000


def test_a_session_that_somebody_has_begun_to_annotate_stays(client, ada, ana, project, tmp_path, home):
    (tmp_path / "take.wav").write_bytes(wav_bytes(1.0))
    session = uploading.add_recording(tmp_path / "take.wav", "take.wav", project, ada).session
    layer = LayerFactory(owner=ana, session=session)
    client.force_login(ada)
    answer = client.post(f"/sessions/{session.pk}/removal/", follow=True)
    assert "Somebody has annotated this session" in answer.content.decode()
    layer.delete()
    client.post(f"/sessions/{session.pk}/removal/")
    assert not MixingSession.objects.exists()
    assert files(home) == []


def test_peaks_of_a_worker_that_was_killed_or_overtaken_are_taken_away(project, tmp_path, monkeypatch):
    (tmp_path / "take.wav").write_bytes(wav_bytes(1.0))
    recording = uploading.add_recording(tmp_path / "take.wav", "take.wav", project, None)
    job = recording.ingests.get(makes="peaks")
    (recording.derived_folder() / "peaks-0").mkdir(parents=True)  # what a kill left

    def overtaken(self, **_):
        raise LeaseLost

    with monkeypatch.context() as patch:
        patch.setattr(Lease, "publication", overtaken)
        execute.ingest(job)
    assert [path.name for path in recording.derived_folder().iterdir()] == ["peaks-0"]
    Ingest.objects.filter(pk=job.pk).update(state="queued")
    execute.ingest(Ingest.objects.get(pk=job.pk))
    made = recording.derived.get()
    assert list(recording.derived_folder().iterdir()) == [made.full_path]


def test_what_is_played_waits_for_what_is_drawn(project, tmp_path):
    """Two threads of a worker took both at once, and the waveform came twice as late."""
    (tmp_path / "take.wav").write_bytes(wav_bytes(1.0))
    recording = uploading.add_recording(tmp_path / "take.wav", "take.wav", project, None)
    peaks, proxy = (recording.ingests.get(makes=makes) for makes in ("peaks", "proxy"))
    assert next_job({"cpu"}) == peaks
    assert not proxy.claim("somebody")
    assert peaks.claim("somebody")
    assert next_job({"cpu"}) is None
    assert not proxy.claim("somebody else")
    Ingest.objects.filter(pk=peaks.pk).update(state="failed")
    Ingest.objects.filter(makes="levels").update(state="succeeded")
    assert next_job({"cpu"}) == proxy
    assert proxy.claim("somebody else")


def truncated_flac():
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).standard_normal(160_000) * 0.1
    soundfile.write(buffer, noise, 16_000, format="FLAC")
    return buffer.getvalue()[:100_000]


def lying_wav():
    data = bytearray(wav_bytes())
    struct.pack_into("<I", data, 40, 50_000_000)
    struct.pack_into("<I", data, 4, 50_000_036)
    return bytes(data)


def ten_hours():
    """Ten hours of silence, which FLAC holds in few bytes."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        hour = np.zeros(8000 * 3600, "int16")
        for _ in range(10):
            file.write(hour)
    return buffer.getvalue()


BAD = {
    "text.wav": lambda: b"this is not a recording at all\n" * 50,
    "truncated.flac": truncated_flac,
    "lying.wav": lying_wav,
    "ten-hours.flac": ten_hours,
    "zip.wav": lambda: b"PK\x03\x04" + b"\x00" * 500,
    "page.mp3": lambda: b"<html><script>alert(1)</script></html>",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_sentence_and_leaves_no_trace(client, ada, project, home, name):
    client.force_login(ada)
    answer = whole(client, project, BAD[name](), name)
    told = answer.json()
    assert answer.status_code == 400
    assert told["error"]
    assert told["message"].endswith(".")
    assert str(home) not in told["message"]
    assert not Upload.objects.exists()
    assert not MixingSession.objects.exists()
    assert not Recording.objects.exists()
    assert files(home) == []


def test_an_empty_file_is_refused_before_a_byte_is_sent(client, ada, project, home):
    client.force_login(ada)
    answer = client.post(
        f"/projects/{project.slug}/uploads/", {"name": "e.wav", "size": 0}, HTTP_ACCEPT="application/json"
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "empty-file")
    assert not Upload.objects.exists()


def test_without_javascript_one_form_brings_the_whole_file(client, ada, project):
    client.force_login(ada)
    file = io.BytesIO(wav_bytes())
    file.name = "take.wav"
    answer = client.post(f"/projects/{project.slug}/uploads/", {"file": file, "title": ""}, follow=True)
    assert answer.status_code == 200
    assert Recording.objects.get().session.title == "take"


def test_the_master_is_under_no_address(client, ada, project):
    """What a browser may fetch of a session are tiles and the proxy; no page names the master."""
    client.force_login(ada)
    whole(client, project, wav_bytes())
    recording = Recording.objects.get()
    page = client.get(recording.session.get_absolute_url()).content.decode()
    assert recording.master not in page
    assert client.get(f"/media/{recording.master}").status_code == 404
    assert client.get(f"/{recording.master}").status_code == 404


def test_an_uploaded_name_is_never_a_path(client, ada, project, home):
    client.force_login(ada)
    for name in ("../../etc/passwd.wav", "a\u202eb.wav", "C:\\x.wav", "n" * 400 + ".wav"):
        assert whole(client, project, wav_bytes(0.5), name).status_code == 201
    assert {path.parent.name for path in files(home)} == {"masters"}


def test_another_persons_upload_is_not_there(client, ada, sue, project):
    client.force_login(ada)
    told = begin(client, project, "take.wav", 1000).json()
    client.force_login(sue)
    assert client.get(told["url"]).status_code == 404
    assert put(client, told["url"], 0, b"a").status_code == 404
