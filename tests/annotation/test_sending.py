"""A layer goes out from the shell: beside, then renamed, never over a file, and it says what it leaves behind."""

import json

import pytest
from django.core.management import CommandError, call_command

from annotation.exporting import EXPORTERS
from annotation.models import Layer, Participant, Seat
from tests.annotation.exporting.layers import HARD
from tests.annotation.exporting.test_round_trips import HELD
from tests.factories import LayerFactory, RecordingFactory, SegmentFactory, SessionFactory


@pytest.fixture
def layer(project):
    session = SessionFactory(project=project, title="Evening", length_ms=60_000, license="CC0-1.0")
    RecordingFactory(session=session, name="evening take.wav")
    Seat.objects.create(
        session=session, participant=Participant.objects.create(project=project, code="E1"), role="expert"
    )
    layer = LayerFactory(session=session)
    for number, text in enumerate(HARD):
        SegmentFactory(
            layer=layer,
            lane=("amateur", "expert")[number % 2],
            start_ms=number * 500,
            end_ms=number * 500 + 900,
            text=text,
        )
    return layer


@pytest.fixture
def export(capsys):
    def export(layer, name, out, *more):
        call_command("export_layer", str(layer.pk), "--format", name, str(out), "--json", *more)
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return export


def rows(layer, name):
    return sorted((row.lane, row.start_ms, row.end_ms, HELD[name](row.text)) for row in layer.segments.all())


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_layer_goes_out_and_comes_in_again(layer, export, tmp_path, capsys, name):
    told = export(layer, name, tmp_path / "evening")
    assert (told["layer"], told["segments"], told["lanes"]) == (layer.pk, len(HARD), {"amateur": 14, "expert": 14})
    call_command("import_transcript", str(layer.session.pk), str(tmp_path / "evening"), "--json")
    back = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert back.keys() == told.keys() == {"layer", "segments", "lanes", "repaired", "lost"}
    assert (back["segments"], back["lanes"], back["lost"], back["repaired"]) == (len(HARD), told["lanes"], [], [])
    assert rows(Layer.objects.get(pk=back["layer"]), name) == rows(layer, name)
    assert [path.name for path in tmp_path.iterdir()] == ["evening"]


def test_people_go_out_by_their_codes_alone(layer, export, tmp_path):
    export(layer, "jsonl", tmp_path / "evening.jsonl")
    session = json.loads((tmp_path / "evening.jsonl").read_text().splitlines()[0])
    assert session == {
        "type": "session", "title": "Evening", "length_ms": 60_000, "expert": "E1", "license": "CC0-1.0",
    }  # fmt: skip


def test_a_file_that_is_there_stays_unless_somebody_insists(layer, export, tmp_path):
    out = tmp_path / "evening.srt"
    out.write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        export(layer, "srt", out)
    assert out.read_text() == "mine"
    export(layer, "srt", out, "--force")
    assert out.read_text().startswith("1\n00:00:00,000")


def test_what_cannot_be_is_one_sentence(layer, export, tmp_path):
    with pytest.raises(CommandError, match="no layer"):
        call_command("export_layer", "99999", "--format", "srt", str(tmp_path / "x"))
    with pytest.raises(CommandError, match="Nothing was written"):
        export(layer, "srt", tmp_path / "nowhere" / "x")
    with pytest.raises(CommandError, match="is a folder"):
        export(layer, "srt", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_what_is_there_and_makes_nothing(layer, export, tmp_path, capsys):
    out = tmp_path / "evening.srt"
    export(layer, "srt", out)
    out.write_text(out.read_text().replace("amateur:", "Ben:"))
    call_command("import_transcript", str(layer.session.pk), str(out), "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["format"], told["segments"], told["length_ms"]) == ("srt", len(HARD), 14_400)
    assert [(each["name"], each["lane"], each["segments"]) for each in told["speakers"]] == [
        ("Ben", None, 14),
        ("expert", "expert", 14),
    ]
    call_command("import_transcript", str(layer.session.pk), str(out), "--dry-run")
    assert "Ben needs --lane: 14 segments, 0:12" in capsys.readouterr().out
    assert Layer.objects.count() == 1


def test_a_speaker_is_left_out_from_the_shell(layer, export, tmp_path, capsys):
    export(layer, "csv", tmp_path / "evening.csv")
    arguments = [str(layer.session.pk), str(tmp_path / "evening.csv"), "--lane", "amateur="]
    call_command("import_transcript", *arguments, "--json")
    back = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert back["lanes"] == {"expert": 14}
    assert back["lost"] == [{"what": "14 segments left out", "where": "amateur"}]
    call_command("import_transcript", *arguments)
    assert "Lost: 14 segments left out (amateur)." in capsys.readouterr().out
