"""Track settings of MixParams come in, read safely, and stand beside the session of their song."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.models import MixTrack, Project
from annotation.published.mixparams import parse, read_tracks
from tests.factories import SessionFactory

PARAMETERS = {
    "gain": -2.5,
    "pan": [0.0],
    "eq": [{"type": "bell", "value": {"freq": 300, "q": 1.2, "gain": -3}}],
    "gate": None,
}


def track(number=0, **cells):
    return {
        "mix_name": f"PXL-L{number // 30}", "song_name": "Lead Me", "artist_name": "The DoneFors", "genre": "country",
        "track_name": f"Track {number:03}", "track_type": "audio", "track_instrument_subtype": "snare",
        "track_instrument_type": "drums", "channel_mode": "mono", "track_audio_path": f"a/{number}.wav",
        "track_audio_sample_rate": 44100, "track_audio_lufs": -23.5, "parameters": repr(PARAMETERS), **cells,
    }  # fmt: skip


def bring(path, project):
    out = io.StringIO()
    call_command("import_mixparams", str(path), project.slug, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def file(tmp_path):
    pq.write_table(pa.Table.from_pylist([track(n) for n in range(60)]), tmp_path / "train.parquet")
    return tmp_path / "train.parquet"


def test_tracks_come_in_once_however_often_they_are_brought(project, file):
    told = bring(file, project)
    assert (told["tracks"], told["added"], told["mixes"], told["songs"]) == (60, 60, 2, 1)
    assert bring(file, project)["added"] == 0
    assert MixTrack.objects.first().parameters == PARAMETERS
    other = Project.objects.create(slug="other", name="Other")
    assert bring(file, other)["added"] == 60


def test_copies_in_other_formats_are_the_same_tracks(project, file, tmp_path):
    bring(file, project)
    rows = [track(n) for n in range(60)]
    with (tmp_path / "all.csv").open("w", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert bring(tmp_path / "all.csv", project)["added"] == 0
    assert bring(tmp_path / "all.jsonl", project)["added"] == 0
    assert bring(tmp_path, project)["added"] == 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (json.dumps(PARAMETERS), PARAMETERS),
        ("{'gain': __import__('os').system('true')}", {"text": "{'gain': __import__('os').system('true')}"}),
        ("[" * 30_000, {"text": "[" * 200}),
        ("{'a': 1e999}", {"a": "inf"}),
        ("{'a': 'x\\x00y', 1: (2,)}", {"a": "xy", "1": [2]}),
        ("{'a': {1, 2}}", {"a": "{1, 2}"}),
        ("", {}),
        (None, {}),
        ("{" + "'a': {" * 20 + "}" * 20 + "}", None),
    ],
)
def test_parameters_are_read_as_literals_and_nothing_else(tmp_path, text, kept):
    pq.write_table(pa.Table.from_pylist([track(parameters=text)]), tmp_path / "a.parquet")
    found = read_tracks(tmp_path / "a.parquet").rows[0]["parameters"]
    assert kept is None or found == kept
    json.dumps(found, allow_nan=False)


@given(st.text(alphabet="{}[]()'\":,.-+ 0123eNoneTrue\\", max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_reader_of_parameters_fail(text):
    parse(text)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.parquet", b"PAR1", "can't be read"),
        ("a.csv", b"mix_name,song_name\n1,2\n", "lacks the column track_name"),
        ("a.jsonl", b"{]\n", "can't be read"),
        ("a.jsonl", b"[1]\n", "lacks the column"),
        ("a.txt", b"", "no file or folder"),
    ],
)
def test_a_file_that_is_something_else_is_one_sentence(project, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        bring(tmp_path / name, project)
    assert not MixTrack.objects.exists()


def test_they_stand_beside_the_session_of_their_song_page_by_page(client, ada, ana, sam, project, file, tmp_path):
    session = SessionFactory(project=project, title="lead me!")
    other = SessionFactory(project=project, title="Evening two")
    client.force_login(ana)
    assert "How others mixed" not in client.get(session.get_absolute_url()).content.decode()
    bring(file, project)
    page = client.get(session.get_absolute_url()).content.decode()
    assert "Track 000" in page
    assert "type bell, value freq 300, gain -3, q 1.2" in page
    assert "Track 030" not in page
    assert "Track 030" in client.get(f"{session.get_absolute_url()}?tracks=2").content.decode()
    assert "No track settings of “Evening two”" in client.get(other.get_absolute_url()).content.decode()
    assert client.post(f"/sessions/{other.pk}/song/", {"song": "Lead Me"}).status_code == 403
    told = client.get(f"/api/v1/sessions/{session.pk}/tracks/?page_size=10").json()
    assert (told["count"], len(told["results"])) == (60, 10)
    client.force_login(sam)
    assert client.get(f"/api/v1/sessions/{session.pk}/tracks/").status_code == 404
    client.force_login(ada)
    client.post(f"/sessions/{other.pk}/song/", {"song": "Lead Me"})
    assert "Track 000" in client.get(other.get_absolute_url()).content.decode()
    client.post(f"/sessions/{other.pk}/song/", {"song": "Nothing"})
    other.refresh_from_db()
    assert other.song == "Lead Me"
