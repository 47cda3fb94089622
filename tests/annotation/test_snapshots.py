"""A snapshot freezes reviewed layers: the published columns, clips, a hash that means the content."""

import json
import wave
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from django.core.management import CommandError, call_command

from annotation import execute
from annotation.launch import start_snapshot
from annotation.models import Layer, Snapshot, Summary
from annotation.snapshots import splits, writer
from annotation.snapshots.rows import COLUMNS
from annotation.uploading import add_recording
from mixassist_site.jobs import State
from tests.factories import LayerFactory, conversation, turn

EVERYTHING = {"has_content": False, "topics": [], "submitted": False, "fraction": 1.0}
TOPICS = ("drums", "bass", "keys", "guitars")


def record(tmp_path: Path, project, number=1, seconds=40):
    """A session with a stereo recording whose channels differ."""
    rng = np.random.default_rng(number)
    path = tmp_path / f"take{number}.wav"
    soundfile.write(path, rng.standard_normal((44_100 * seconds, 2)) * 0.1, 44_100, subtype="PCM_16")
    return add_recording(path, path.name, project, None).session


def accepted(session, conversations=4):
    """An accepted layer with conversations of two turns."""
    layer = LayerFactory(session=session, state=Layer.State.ACCEPTED)
    for number in range(conversations):
        at = number * 10_000
        turns = [
            turn(layer, at, amateur=f"Question {number}?", expert=f"Advice {number}.", flag="yes"),
            turn(layer, at + 5000, amateur=None, expert=f"More {number}.", flag="no"),
        ]
        conversation(layer, turns, TOPICS[number % 4])
    return layer


def build(project, name="one", **wanted):
    snapshot = start_snapshot(project, name, {**EVERYTHING, **wanted}, by=None)
    execute.snapshot(snapshot)
    snapshot.refresh_from_db()
    assert snapshot.state == State.SUCCEEDED, snapshot.error_message
    return snapshot


@pytest.fixture
def layer(project, tmp_path):
    return accepted(record(tmp_path, project))


def table(snapshot, split="train", config="data"):
    return pq.read_table(snapshot.path / config / f"{split}-00000-of-00001.parquet")


def all_rows(snapshot):
    return [row for split in splits.SPLITS for row in table(snapshot, split).to_pylist()]


def test_the_eight_published_columns_stand_in_their_order(project, layer):
    schema = table(build(project)).schema
    names = ["conversation_id", "topic", "turn_id", "has_content", "input_history", "audio_file", "user", "assistant"]
    assert schema.names == names
    assert schema.equals(COLUMNS)
    assert [field.name for field in schema.field("input_history").type.value_type] == ["audio_file", "content", "role"]


def test_history_holds_the_earlier_turns_and_a_missing_side_is_null(project, layer):
    rows = {(row["conversation_id"], row["turn_id"]): row for row in all_rows(build(project))}
    first, second = rows["Group1-01", 1], rows["Group1-01", 2]
    assert first["input_history"] == []
    assert (first["user"], first["assistant"]) == ("Question 0?", "Advice 0.")
    assert second["user"] is None
    assert second["input_history"] == [
        {"audio_file": first["audio_file"], "content": "Question 0?", "role": "user"},
        {"audio_file": None, "content": "Advice 0.", "role": "assistant"},
    ]


def test_every_clip_that_a_row_names_is_there_as_16_khz_mono(project, layer):
    snapshot = build(project)
    named = {row["audio_file"] for row in all_rows(snapshot)}
    named |= {turn["audio_file"] for row in all_rows(snapshot) for turn in row["input_history"]}
    for name in named - {None}:
        with wave.open(str(snapshot.path / name)) as clip:
            assert (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) == (16_000, 1, 2)
            assert clip.getnframes() == 32_000
    assert len(named - {None}) == 8


def test_the_data_sets_library_reads_the_export(project, layer, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    snapshot = build(project)
    call_command("export_snapshot", str(snapshot.pk), str(tmp_path / "out"), "--format", "hf")
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in read.items()} == snapshot.counts
    assert read["train"].column_names == COLUMNS.names
    turns = datasets.load_dataset(str(tmp_path / "out"), "turns", cache_dir=str(tmp_path / "cache"))
    assert len(turns["train"]) == snapshot.counts["train"]


def test_no_conversation_is_in_two_splits_and_no_split_is_empty(project, layer):
    snapshot = build(project)
    homes = {}
    for split in splits.SPLITS:
        for row in table(snapshot, split).to_pylist():
            homes.setdefault(row["conversation_id"], set()).add(split)
    assert all(len(found) == 1 for found in homes.values())
    assert all(snapshot.counts.values())


def test_with_three_sessions_whole_sessions_stay_together(project, tmp_path):
    for number in range(1, 5):
        accepted(record(tmp_path, project, number))
    snapshot = build(project)
    homes = {}
    for split in splits.SPLITS:
        for row in table(snapshot, split, "turns").to_pylist():
            homes.setdefault(row["group"], set()).add(split)
    assert len(homes) == 4
    assert all(len(found) == 1 for found in homes.values())


def test_the_same_rows_give_the_same_hash_and_other_rows_another(project, layer):
    one, two = build(project, "one"), build(project, "two")
    assert one.content_hash == two.content_hash
    segment = layer.segments.filter(lane="expert").first()
    segment.text += " Really."
    segment.save()
    assert build(project, "three").content_hash != one.content_hash


def test_the_hash_does_not_depend_on_the_order_in_which_rows_were_made(project, layer, home):
    """A re-import gives other keys in another order; the data is the same."""
    one = build(project, "one")
    session = layer.session
    layer.delete()
    again = LayerFactory(session=session, state=Layer.State.ACCEPTED)
    for number in reversed(range(4)):
        at = number * 10_000
        late = turn(again, at + 5000, amateur=None, expert=f"More {number}.", flag="no")
        early = turn(again, at, amateur=f"Question {number}?", expert=f"Advice {number}.", flag="yes")
        conversation(again, [late, early], TOPICS[number % 4])
    assert build(project, "two").content_hash == one.content_hash


def test_a_frozen_snapshot_is_verified_before_it_is_exported(project, layer, tmp_path):
    snapshot = build(project)
    clip = next((snapshot.path / "audio").rglob("*.wav"))
    clip.write_bytes(clip.read_bytes()[:-2] + b"\x01\x02")
    with pytest.raises(CommandError, match="not what was frozen"):
        call_command("export_snapshot", str(snapshot.pk), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_the_manifest_names_every_file_with_its_hash(project, layer):
    snapshot = build(project)
    manifest = json.loads((snapshot.path / "manifest.json").read_text())
    assert manifest["content_hash"] == snapshot.content_hash
    assert set(manifest["files"]) == {str(p.relative_to(snapshot.path)) for p in writer.files_in(snapshot.path)}
    assert writer.verify(snapshot.path) == manifest


def test_only_turns_with_content_are_rows_but_the_others_stay_in_history(project, layer):
    snapshot = build(project, has_content=True)
    rows = all_rows(snapshot)
    assert len(rows) == 4
    assert {row["turn_id"] for row in rows} == {1}
    flipped = layer.turns.order_by("pk")[1]
    flipped.flags.update(value="yes")
    rows = {(row["conversation_id"], row["turn_id"]): row for row in all_rows(build(project, "two", has_content=True))}
    assert len(rows["Group1-01", 2]["input_history"]) == 2


def test_what_is_left_out_is_listed_with_its_reason(project, layer):
    loose = turn(layer, 38_000 - 5000, music=False)
    short = turn(layer, 30_000 + 9000, music=False, amateur=None)
    conversation(layer, [short], "bass")
    music = layer.segments.create(lane="music", start_ms=39_900, end_ms=39_950)
    short.members.create(segment=music, position=9)
    snapshot = build(project)
    reasons = " ".join(row["why"] for row in snapshot.excluded)
    assert len(snapshot.excluded) == 2
    assert "in no conversation" in reasons
    assert "50 ms long" in reasons
    assert loose.pk


def test_an_unset_flag_is_null_and_not_no(project, layer):
    layer.turns.first().flags.all().delete()
    rows = {(row["conversation_id"], row["turn_id"]): row["has_content"] for row in all_rows(build(project))}
    assert rows["Group1-01", 1] is None
    assert rows["Group1-01", 2] is False


def test_a_summary_is_in_the_second_config_with_its_author(project, layer, ana):
    first = layer.turns.order_by("pk").first()
    Summary.objects.create(layer=layer, turn_uid=first.uid, revision=1, text="So far: drums.", author=ana)
    snapshot = build(project)
    rows = [row for split in splits.SPLITS for row in table(snapshot, split, "turns").to_pylist()]
    told = {row["row"].split("/", 1)[1]: (row["summary"], row["summary_author"]) for row in rows}
    assert told["Group1-01/1"] == ("So far: drums.", "person")


def test_smaller_fractions_are_subsets_and_leave_validation_and_test_alone(project, layer):
    half, full = build(project, "half", fraction=0.5), build(project, "full")
    keys = lambda snapshot, split: {r["row"] for r in table(snapshot, split, "turns").to_pylist()}  # noqa: E731
    assert keys(half, "train") < keys(full, "train")
    assert keys(half, "test") == keys(full, "test")


def test_nothing_accepted_fails_with_a_sentence_and_no_files(project, layer, home):
    layer.state = Layer.State.SUBMITTED
    layer.save()
    with pytest.raises(CommandError, match="accept a layer"):
        call_command("build_snapshot", project.slug, "--name", "none")
    assert not Snapshot.objects.exists()
    assert not list((home / "snapshots").rglob("*.parquet"))
    call_command("build_snapshot", project.slug, "--name", "none", "--submitted")
    assert Snapshot.objects.get().rows == 8


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_other_formats_hold_the_same_rows(project, layer, tmp_path, format):
    snapshot = build(project)
    out = tmp_path / "out"
    call_command("export_snapshot", snapshot.name, str(out), "--format", format)
    lines = (out / f"train.{format}").read_text().splitlines()
    assert len(lines) == snapshot.counts["train"] + (format == "csv")
    if format == "jsonl":
        assert [json.loads(line) for line in lines] == table(snapshot).to_pylist()
    for line in (out / "checksums.sha256").read_text().splitlines():
        digest, name = line.split("  ")
        assert writer.sha256_of(out / name) == digest


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_an_export_has_a_card_from_which_it_can_be_loaded(project, layer, tmp_path, monkeypatch, format):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    snapshot = build(project)
    out = tmp_path / "out"
    call_command("export_snapshot", snapshot.name, str(out), "--format", format)
    card = (out / "README.md").read_text()
    assert snapshot.content_hash in card
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(loaded[split]) for split in loaded} == snapshot.counts


@pytest.mark.parametrize("attempt", range(4))  # uids are random, so a tie would fall either way
def test_of_turns_that_share_a_clip_the_question_comes_before_the_next(project, tmp_path, attempt):
    layer = LayerFactory(session=record(tmp_path, project), state=Layer.State.ACCEPTED)
    first, second = turn(layer, 0, amateur="What is it?", expert="The snare."), turn(layer, 9000, expert="Less of it.")
    clip = first.members.get(segment__lane="music").segment
    second.members.filter(segment__lane="music").update(segment=clip)
    conversation(layer, [second, first], "drums")
    rows = sorted(all_rows(build(project)), key=lambda row: row["turn_id"])
    assert [row["assistant"] for row in rows] == ["The snare.", "Less of it."]
    assert rows[0]["input_history"] == []
    assert len({build(project, name).content_hash for name in ("two", "three")}) == 1


def test_a_clip_is_cut_from_the_recording_that_holds_it(project, tmp_path):
    session = record(tmp_path, project, seconds=4)
    path = tmp_path / "longer.wav"
    soundfile.write(path, np.random.default_rng(5).standard_normal(8000 * 40) * 0.1, 8000, subtype="PCM_16")
    longer = add_recording(path, path.name, project, None, session=session)
    accepted(session)
    snapshot = build(project)
    masters = {
        row["clips"][0]["start_ms"]: row["master_sha256"]
        for s in splits.SPLITS
        for row in table(snapshot, s, "turns").to_pylist()
    }
    assert masters[0] == session.recordings.order_by("pk").first().sha256
    assert masters[10_000] == longer.sha256


def test_a_clip_that_no_recording_holds_is_named(project, tmp_path):
    session = record(tmp_path, project, seconds=4)
    accepted(session)
    snapshot = start_snapshot(project, "one", EVERYTHING, by=None)
    execute.snapshot(snapshot)
    snapshot.refresh_from_db()
    assert (snapshot.state, snapshot.error_code) == (State.FAILED, "no-recording")
    assert "Group1" in snapshot.error_message


def test_the_layer_that_was_accepted_last_stands_for_its_session(project, rita, ana, ada, tmp_path):
    session = record(tmp_path, project)
    layers = [LayerFactory(session=session, owner=owner, state=Layer.State.SUBMITTED) for owner in (ana, ada)]
    for layer, words in zip(layers, ("By Ana.", "By Ada."), strict=True):
        conversation(layer, [turn(layer, 0, expert=words)], "drums")
    imported = LayerFactory(session=session, state=Layer.State.SUBMITTED)
    conversation(imported, [turn(imported, 0, expert="By a machine.")], "drums")
    assert [row["assistant"] for row in all_rows(build(project, "before", submitted=True))] == ["By Ada."]
    assert layers[1].review(rita, "accept")
    assert layers[0].review(rita, "accept")
    assert [row["assistant"] for row in all_rows(build(project, "after"))] == ["By Ana."]


def test_what_a_killed_attempt_left_is_taken_away_by_the_next_snapshot(project, layer, home):
    left = home / "snapshots" / "77" / "1"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    one = build(project)
    two = build(project, "two")
    assert not left.exists()
    assert writer.verify(one.path)
    assert writer.verify(two.path)


def test_a_spreadsheet_runs_no_cell_as_a_formula(project, layer, tmp_path):
    layer.turns.update(expert_text="=HYPERLINK(1)")
    snapshot = build(project)
    call_command("export_snapshot", snapshot.name, str(tmp_path / "out"), "--format", "csv")
    text = (tmp_path / "out" / "train.csv").read_text()
    assert ",'=HYPERLINK(1)" in text
    assert ",=HYPERLINK" not in text


def test_the_same_form_sent_twice_is_one_snapshot(client, ada, project, layer):
    client.force_login(ada)
    form = {"name": "one", "fraction": "1.0", "seed": "0", "key": "8d3f7d3c-7d5e-4f0e-9f7e-2b0f5f9b1c11"}
    for _ in range(2):
        assert client.post(f"/projects/{project.slug}/snapshots/new/", form).status_code == 302
    assert Snapshot.objects.count() == 1


def test_a_look_before_building_says_what_would_be_in_it(client, ada, project, layer):
    client.force_login(ada)
    form = {"name": "one", "fraction": "1.0", "seed": "0", "key": "8d3f7d3c-7d5e-4f0e-9f7e-2b0f5f9b1c11", "look": "1"}
    page = client.post(f"/projects/{project.slug}/snapshots/new/", form).content.decode()
    assert "8 rows" in page
    assert not Snapshot.objects.exists()


def test_its_page_shows_rows_and_plays_clips(client, ana, project, layer):
    snapshot = build(project)
    client.force_login(ana)
    row = table(snapshot).to_pylist()[0]
    page = client.get(snapshot.get_absolute_url()).content.decode()
    assert row["assistant"] in page
    key = f"train/{row['conversation_id']}/{row['turn_id']}"
    clip = client.get(f"/snapshots/{snapshot.pk}/rows/{key}/clip/")
    assert b"".join(clip)[:4] == b"RIFF"
    for bad in ("train/none/1", "train/../../etc/1", "test/x/y"):
        assert client.get(f"/snapshots/{snapshot.pk}/rows/{bad}/clip/").status_code == 404


def test_units_are_split_by_share_and_seed_alone():
    units = [splits.Unit(f"s{n}", {"drums": 5 + n % 3, "bass": n % 2}) for n in range(20)]
    one = splits.assign(units, seed=1)
    assert one == splits.assign(list(reversed(units)), seed=1)
    assert one != splits.assign(units, seed=2)
    rows = {s: sum(u.rows for u in units if one[u.key] == s) for s in splits.SPLITS}
    total = sum(rows.values())
    assert all(abs(rows[s] / total - share) < 0.06 for s, share in splits.SHARES.items())
