"""Recordings come in chunk by chunk; a bad one leaves a sentence and nothing else."""

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from annotation.models import Ingest, MixingSession, Recording, Upload


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


def begin(client, project, name, size):
    return client.post(f"/projects/{project.slug}/uploads/", {"name": name, "size": size, "title": "Take one"})


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
    assert sorted(Ingest.objects.values_list("makes", flat=True)) == ["peaks", "proxy"]
    assert not Upload.objects.exists()
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
