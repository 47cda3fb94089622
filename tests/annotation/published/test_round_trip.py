"""The published data set comes in, is frozen with its own split, goes out, and comes in again with equal rows."""

import io
import json

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from annotation import execute
from annotation.launch import start_snapshot
from annotation.models import Layer, MixingSession, Project, Published
from annotation.published.facts import ROWS, SPLITS, WITH_CONTENT
from mixassist_site.jobs import State
from tests.annotation.published import sets
from tests.factories import LayerFactory, SessionFactory, conversation, turn

PUBLISHED = {"split": "published"}


def bring(folder, project, *more):
    out = io.StringIO()
    call_command("import_mixassist", str(folder), project.slug, *map(str, more), "--json", stdout=out)
    return json.loads(out.getvalue())


def freeze(project, name="one", **wanted):
    snapshot = start_snapshot(project, name, {**PUBLISHED, **wanted}, by=None)
    execute.snapshot(snapshot)
    snapshot.refresh_from_db()
    assert snapshot.state == State.SUCCEEDED, snapshot.error_message
    return snapshot


def rows_in(snapshot, split):
    return pq.read_table(snapshot.path / "data" / f"{split}-00000-of-00001.parquet").to_pylist()


def by_name(rows):
    return {(row["conversation_id"], row["turn_id"]): row for row in rows}


def test_640_rows_come_back_equal_through_a_frozen_snapshot_and_its_export(project, tmp_path, monkeypatch):
    data = sets.published()
    told = bring(sets.write(tmp_path / "set", data), project)
    assert told["rows"] == ROWS
    assert told["with_content"] == WITH_CONTENT
    assert all("sha256" in sentence for sentence in told["differs"])  # made here, and so not the published files
    first = freeze(project)
    assert first.counts == ROWS
    for split in SPLITS:
        assert by_name(rows_in(first, split)) == {
            key: sets.with_silence(row) for key, row in by_name(data[split]).items()
        }
    call_command("export_snapshot", str(first.pk), str(tmp_path / "out"), "--format", "hf")
    other = Project.objects.create(slug="other", name="Other")
    again = bring(tmp_path / "out", other)
    assert again["rows"] == ROWS
    second = freeze(other)
    for split in SPLITS:
        assert rows_in(second, split) == rows_in(first, split)
    assert second.content_hash == first.content_hash
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in read.items()} == ROWS
    features = read["train"].features
    types = {name: getattr(features[name], "dtype", None) for name in features if name != "input_history"}
    assert types == {
        "conversation_id": "string", "topic": "string", "turn_id": "int64", "has_content": "bool",
        "audio_file": "string", "user": "string", "assistant": "string",
    }  # fmt: skip


def test_nobody_has_to_ask_for_the_published_split_of_what_was_published(project, tmp_path, capsys):
    bring(sets.write(tmp_path / "set", sets.small()), project)

    def split_by(*more):
        call_command("build_snapshot", project.slug, "--name", "usual", "--preflight", *more)
        return "published" in capsys.readouterr().out

    assert split_by()
    assert not split_by("--split", "session")
    session = SessionFactory(project=project, number=90)
    conversation(LayerFactory(session=session, state="accepted"), [turn(session.layers.get(), 0)])
    assert not split_by()  # something of one's own has no published split
    assert split_by("--split", "published")


@pytest.mark.parametrize("format", ["csv", "numpy", "jsonl"])
def test_copies_in_other_formats_are_the_same_data(project, tmp_path, format):
    data = sets.small()
    bring(sets.write(tmp_path / "parquet", data), project)
    other = Project.objects.create(slug="other", name="Other")
    told = bring(sets.write(tmp_path / format, data, format), other)
    assert told["lost"] == []
    digests = [
        list(Published.objects.filter(layer__session__project=each).order_by("group").values_list("group", "digest"))
        for each in (project, other)
    ]
    assert digests[0] == digests[1]


def test_the_sites_own_csv_and_jsonl_come_in_again(project, tmp_path):
    data = sets.small()
    data["train"][0]["assistant"] = "=Boost it"
    bring(sets.write(tmp_path / "set", data), project)
    snapshot = freeze(project)
    for format in ("csv", "jsonl"):
        call_command("export_snapshot", str(snapshot.pk), str(tmp_path / format), "--format", format)
        other = Project.objects.create(slug=format, name=format)
        bring(tmp_path / format, other)
        assert freeze(other).content_hash == snapshot.content_hash


def test_a_second_import_of_the_same_data_adds_nothing(project, tmp_path):
    folder = sets.write(tmp_path / "set", sets.small())
    first = bring(folder, project)
    assert first["added"] == len(first["sessions"]) > 3
    before = Layer.objects.count(), MixingSession.objects.count()
    again = bring(folder, project)
    assert again["added"] == 0
    assert [one["layer"] for one in again["sessions"]] == [one["layer"] for one in first["sessions"]]
    assert (Layer.objects.count(), MixingSession.objects.count()) == before


def test_other_data_of_a_group_is_another_layer_of_its_session(project, tmp_path):
    data = sets.small()
    bring(sets.write(tmp_path / "set", data), project)
    data["train"][0]["assistant"] = "Something else."
    told = bring(sets.write(tmp_path / "other", data), project)
    assert told["added"] == 1
    assert MixingSession.objects.count() == len(told["sessions"])


def test_a_session_is_a_group_and_a_conversation_is_in_one_session(project, tmp_path):
    bring(sets.write(tmp_path / "set", sets.published()), project)
    titles = list(project.sessions.order_by("number").values_list("title", "number"))
    assert titles == [*((f"Group {group}", group) for group in range(1, 8)), ("No group", 8)]
    homes = {}
    for published in Published.objects.select_related("layer__session"):
        for name in published.facts["conversations"].values():
            homes.setdefault(name, set()).add(published.layer.session.number)
    assert all(len(found) == 1 for found in homes.values())


def test_silence_is_missing_on_both_sides_and_in_histories(project, tmp_path):
    told = bring(sets.write(tmp_path / "set", sets.small()), project)
    assert set(told["placeholders"]) == {"user", "assistant", "input_history"}
    snapshot = freeze(project)
    text = json.dumps([rows_in(snapshot, split) for split in SPLITS])
    assert "Please analyze" not in text
    assert "I need more information" not in text


def test_clips_lie_end_to_end_and_a_cut_gives_back_their_samples(project, tmp_path):
    data = sets.small()
    gone = data["train"][0]["audio_file"]
    assert gone
    folder = sets.write(tmp_path / "set", data)
    clips = sets.clips_of(data, tmp_path / "clips", missing=(gone,))
    told = bring(folder, project, "--clips", clips)
    assert told["clips_missing"] == 1
    snapshot = freeze(project)
    named = [row["audio_file"] for split in SPLITS for row in rows_in(snapshot, split) if row["audio_file"]]
    assert gone in named
    for name in set(named) - {gone}:
        assert (sets.samples_of(snapshot.path / name) == sets.samples_of(clips / name)).all(), name
    assert not (snapshot.path / gone).exists()
    manifest = json.loads((snapshot.path / "manifest.json").read_text())
    assert manifest["absent_clips"] == [gone]
    assert "not included: 1" in (snapshot.path / "README.md").read_text()
    sizes = {r.session.number: r.frames for r in project_recordings(project)}
    assert sum(sizes.values()) > sum(len(sets.samples_of(clips / name)) for name in set(named) - {gone})
    call_command("export_snapshot", str(snapshot.pk), str(tmp_path / "out"), "--format", "hf")
    other = Project.objects.create(slug="other", name="Other")
    bring(tmp_path / "out", other, "--clips", tmp_path / "out")
    assert freeze(other).content_hash == snapshot.content_hash


def project_recordings(project):
    return [recording for session in project.sessions.all() for recording in session.recordings.all()]


def test_training_reads_a_row_without_its_clip_as_text(project, tmp_path):
    from modeling.training.examples import read_split

    data = sets.small()
    bring(sets.write(tmp_path / "set", data), project)
    snapshot = freeze(project)
    examples = read_split(snapshot.path, "train")
    assert len(examples) == 20
    assert all(example.audio is None for example in examples)


def test_clips_given_later_make_another_layer_that_sounds(project, tmp_path):
    data = sets.small()
    folder = sets.write(tmp_path / "set", data)
    bring(folder, project)
    clips = sets.clips_of(data, tmp_path / "clips")
    told = bring(folder, project, "--clips", clips)
    assert told["clips"] > 0
    assert bring(folder, project, "--clips", clips)["added"] == 0
    assert bring(folder, project)["added"] == 0
    absent = json.loads((freeze(project).path / "manifest.json").read_text())["absent_clips"]
    assert absent == []


def test_a_persons_copy_keeps_names_numbers_and_split(project, ana, rita, tmp_path):
    from annotation import editing

    bring(sets.write(tmp_path / "set", sets.small()), project)
    before = freeze(project, "before")
    for layer in list(Layer.objects.filter(kind="import")):
        mine = editing.start_layer(layer.session, ana, layer)
        mine.submit()
        mine.review(rita, "accept")
    after = freeze(project, "after")
    for split in SPLITS:
        assert rows_in(after, split) == rows_in(before, split)


def test_a_number_that_another_session_has_is_told(project, tmp_path):
    MixingSession.open(project, "Ours", None)
    folder = sets.write(tmp_path / "set", sets.small())
    with pytest.raises(Exception, match="project of its own"):
        bring(folder, project)
    assert Published.objects.count() == 0
    assert project.sessions.count() == 1
