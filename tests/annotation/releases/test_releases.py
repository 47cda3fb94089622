"""A release of a frozen snapshot: the same bytes for the same options, nothing lost without a word."""

import csv
import hashlib
import itertools
import json
import os
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml

from annotation.releases.formats import FORMULA, cell
from annotation.releases.options import CHOICES, Options, ReleaseError
from annotation.releases.telling import SILENT_AMATEUR, SILENT_EXPERT, paired
from annotation.releases.write import Stopped, write
from annotation.snapshots.rows import COLUMNS
from annotation.snapshots.splits import SPLITS
from annotation.snapshots.writer import sha256_of
from tests.annotation.releases.frozen import clip_file, freeze, rows


@pytest.fixture
def snapshot(tmp_path):
    return freeze(tmp_path / "snapshot")


def released(snapshot, tmp_path, name="out", **options):
    write(snapshot, tmp_path / name, Options(**options))
    return tmp_path / name


def read(out, format="hf", config="default", split="train"):
    """The rows of a release in any format, lists in cells read again."""
    folder = {"default": "data", "turns": "turns"}[config]
    if format == "hf":
        return pq.read_table(out / folder / f"{split}-00000-of-00001.parquet").to_pylist()
    path = out / ("turns" if config == "turns" else "") / f"{split}.{format}"
    if format == "jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def everything(out):
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("format", CHOICES["format"])
def test_the_same_snapshot_and_options_give_the_same_bytes(snapshot, tmp_path, format):
    options = {"placeholders": True, "summary": "joined", "clips": "normalised", "audio": "flac", "format": format}
    one, two = (everything(released(snapshot, tmp_path, name, **options)) for name in ("one", "two"))
    assert one == two


def test_a_plain_release_has_the_rows_and_clips_that_were_frozen(snapshot, tmp_path):
    out = released(snapshot, tmp_path)
    for config, split in itertools.product(("data", "turns"), SPLITS):
        name = f"{config}/{split}-00000-of-00001.parquet"
        assert pq.read_table(out / name).equals(pq.read_table(snapshot / name))
    clips = [name for name in everything(snapshot) if name.startswith("audio/")]
    assert len(clips) == 12
    assert all((out / name).read_bytes() == (snapshot / name).read_bytes() for name in clips)


def test_jsonl_and_csv_tell_the_same_rows(snapshot, tmp_path):
    want = read(released(snapshot, tmp_path))
    assert read(released(snapshot, tmp_path, "j", format="jsonl"), "jsonl") == want
    told = read(released(snapshot, tmp_path, "c", format="csv"), "csv")
    assert [json.loads(row["input_history"]) for row in told] == [row["input_history"] for row in want]
    assert [row["user"] or None for row in told] == [row["user"] for row in want]
    assert list(told[0]) == COLUMNS.names


def test_content_only_keeps_the_earlier_turns_in_histories(tmp_path):
    first, second, *others = rows()
    second = replace(second, flags=(("has_content", "yes", ""),))
    snapshot = freeze(tmp_path / "s", [replace(first, flags=()), second, *others])
    out = released(snapshot, tmp_path, content_only=True)
    kept = {(row["conversation_id"], row["turn_id"]): row for row in read(out)}
    assert all(row["has_content"] for row in kept.values())
    history = kept["Group1-00", 2]["input_history"]
    assert len(history) == 2
    assert (out / history[0]["audio_file"]).is_file()  # its own row is not here
    assert [row["row"] for row in read(out, config="turns")] == [f"train/{c}/{t}" for c, t in sorted(kept)]


def test_clips_that_no_kept_row_names_are_left_out(tmp_path, snapshot):
    out = released(snapshot, tmp_path, content_only=True)
    assert len(list(out.rglob("*.wav"))) == 6  # of the first turns, which have no history


def test_silent_sides_are_null_or_the_published_sentences(snapshot, tmp_path):
    assert {row["user"] for row in read(released(snapshot, tmp_path)) if row["turn_id"] == 2} == {None}
    out = released(snapshot, tmp_path, "p", placeholders=True)
    told = {row["turn_id"]: row for row in read(out) if row["conversation_id"] == "Group1-00"}
    assert told[2]["user"] == SILENT_AMATEUR
    assert told[3]["assistant"] == SILENT_EXPERT
    assert [each["role"] for each in told[3]["input_history"]] == ["user", "assistant"] * 2
    assert told[3]["input_history"][2]["content"] == SILENT_AMATEUR


def test_a_history_with_placeholders_alternates():
    say = lambda role, content, audio=None: {"audio_file": audio, "content": content, "role": role}  # noqa: E731
    told = paired([say("assistant", "a"), say("user", None, "x.wav"), say("user", "b"), say("assistant", "c")])
    assert [(each["role"], each["content"]) for each in told] == [
        ("user", SILENT_AMATEUR), ("assistant", "a"),
        ("user", SILENT_AMATEUR), ("assistant", SILENT_EXPERT),
        ("user", "b"), ("assistant", "c"),
    ]  # fmt: skip
    assert told[2]["audio_file"] == "x.wav"


def test_a_summary_stands_apart_or_in_front_of_the_users_words(snapshot, tmp_path):
    for how, first in (("apart", "Question"), ("joined", "We have worked on the drums.\n\nQuestion")):
        out = released(snapshot, tmp_path, how, summary=how)
        told = {row["turn_id"]: row for row in read(out)}
        assert told[1]["user"].startswith(first)
        assert told[3]["user"].startswith("Question")
        assert read(out, config="turns")[0]["summary"] == "We have worked on the drums."


@pytest.mark.parametrize("audio", ["wav", "flac"])
def test_normalised_clips_peak_at_full_scale_and_tell_their_gain(snapshot, tmp_path, audio):
    out = released(snapshot, tmp_path, clips="normalised", audio=audio)
    for row in read(out, config="turns"):
        for clip in row["clips"]:
            assert clip["audio_file"].endswith(f".{audio}")
            samples, rate = soundfile.read(out / clip["audio_file"], dtype="int16")
            before, _ = soundfile.read(snapshot / clip["audio_file"].replace(".flac", ".wav"), dtype="int16")
            assert (rate, np.abs(samples.astype(int)).max()) == (16_000, 32_767)
            assert np.abs(samples - before * 10 ** (clip["gain_db"] / 20)).max() <= 0.51
            assert clip["gain_db"] > 10


def test_flac_holds_the_samples_and_rows_name_it(snapshot, tmp_path):
    out = released(snapshot, tmp_path, audio="flac")
    name = clip_file(1, 1)
    assert (soundfile.read(out / name.replace("wav", "flac"))[0] == soundfile.read(snapshot / name)[0]).all()
    row = {(r["conversation_id"], r["turn_id"]): r for r in read(out)}["Group1-00", 3]
    assert row["audio_file"].endswith("cut_3.flac")
    assert row["input_history"][0]["audio_file"].endswith("cut_1.flac")
    assert not list(out.rglob("*.wav"))


def test_rows_whose_clip_is_not_here_are_counted_and_keep_their_name(tmp_path):
    snapshot = freeze(tmp_path / "s", without=clip_file(1, 1))
    out = released(snapshot, tmp_path, audio="flac")
    assert "Rows that name a clip which is not included: 1." in (out / "README.md").read_text()
    assert read(out)[0]["audio_file"] == clip_file(1, 1)
    assert json.loads((out / "manifest.json").read_text())["clips_missing"] == [clip_file(1, 1)]


def test_a_clip_whose_name_leads_elsewhere_is_not_carried(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"keep out")
    of = rows(1)
    clip = replace(of[0].clip, file="../secret.wav")
    snapshot = freeze(tmp_path / "s", [replace(of[0], clip=clip, clips=(clip,))], without="../secret.wav")
    out = released(snapshot, tmp_path / "deep" / "er")
    assert secret.read_bytes() == b"keep out"
    assert list((tmp_path / "deep").rglob("*.wav")) == []
    assert "not included: 1." in (out / "README.md").read_text()


@pytest.mark.parametrize("format", CHOICES["format"])
def test_every_file_has_its_checksum(snapshot, tmp_path, format):
    out = released(snapshot, tmp_path, format=format)
    told = dict(line.split("  ")[::-1] for line in (out / "checksums.sha256").read_text().splitlines())
    assert set(told) == set(everything(out)) - {"checksums.sha256"}
    assert all(sha256_of(out / name) == digest for name, digest in told.items())


def test_a_folder_that_is_there_is_left_alone(snapshot, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(ReleaseError, match="name a folder that isn't"):
        write(snapshot, out, Options())
    assert everything(out) == {"mine": b"mine"}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_release_that_is_stopped_or_fails_leaves_nothing(snapshot, tmp_path):
    asked = iter([False] * 8 + [True] * 99)
    with pytest.raises(Stopped):
        write(snapshot, tmp_path / "out", Options(), should_stop=lambda: next(asked))
    (snapshot / clip_file(1, 1)).write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="not what was frozen"):
        write(snapshot, tmp_path / "out", Options())
    assert [p.name for p in tmp_path.iterdir()] == ["snapshot"]


def test_a_clip_that_is_no_audio_is_named(tmp_path):
    snapshot = freeze(tmp_path / "s", rows(1)[:1], without=clip_file(1, 1))
    target = snapshot / clip_file(1, 1)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"not audio at all")
    manifest = json.loads((snapshot / "manifest.json").read_text())
    manifest["files"][clip_file(1, 1)] = hashlib.sha256(b"not audio at all").hexdigest()
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match=r"Group1/cut_1\.wav can't be read"):
        write(snapshot, tmp_path / "out", Options(audio="flac"))
    assert not (tmp_path / "out").exists()


def test_progress_is_told(snapshot, tmp_path):
    heard = []
    write(snapshot, tmp_path / "out", Options(), report=lambda done, total, note: heard.append((done, total, note)))
    assert ("clips" in heard[0][2]) and heard[-1][2] == "rows of test"
    assert all(done <= total for done, total, _ in heard)


def test_an_option_that_is_not_known_is_refused():
    with pytest.raises(ReleaseError, match="Choose audio from wav, flac"):
        Options(audio="mp3")


@pytest.mark.parametrize("start", FORMULA)
def test_no_cell_is_run_as_a_formula(start):
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert (cell("plain"), cell(-3), cell(None), cell([])) == ("plain", -3, None, "[]")


def test_the_card_tells_what_is_known_and_leaves_no_blank(tmp_path):
    facts = {
        "name": 'Odd\n"name": x',
        "consent": {"Group1": "signed 2024"},
        "filter": {"has_content": True},
        "vocabulary": 3,
    }
    out = released(freeze(tmp_path / "s", **facts), tmp_path, clips="normalised", placeholders=True)
    text = (out / "README.md").read_text()
    head, body = text.split("---\n")[1], text.split("---\n", 2)[2]
    told = yaml.safe_load(head)
    assert told["pretty_name"] == 'Odd\n"name": x'
    assert told["license"] == "cc-by-4.0"
    assert {each["config_name"] for each in told["configs"]} == {"default", "turns"}
    digest = json.loads((out / "manifest.json").read_text())["snapshot"]["content_hash"]
    for words in (
        "| drums | 3 | 3 | 0 |", "| train | 9 | 3 | 3 | 3 |", "Consent: Group1: signed 2024.", "P1", digest,
        "has_content true", "version 3 of", "amateur in 6 rows, expert in 6", "Agreement: not measured", "gain_db",
        "seed 3",
    ):  # fmt: skip
        assert words in body, words
    assert "TODO" not in text
    assert "None" not in text


def test_the_card_says_how_rows_were_split_as_the_snapshot_says_it(tmp_path):
    note = "The published split, which keeps no session whole."
    for name, facts, said in (("a", {}, "no session is in two splits"), ("b", {"split_note": note}, note)):
        out = released(freeze(tmp_path / name, **facts), tmp_path, f"out-{name}")
        assert said in (out / "README.md").read_text()


def test_croissant_metadata_names_every_table_and_column_with_types_and_hashes(snapshot, tmp_path):
    out = released(snapshot, tmp_path)
    told = json.loads((out / "croissant.json").read_text())
    assert told["@type"] == "sc:Dataset"
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    for needed in ("name", "description", "license", "url", "creator", "datePublished", "version"):
        assert told[needed], needed
    objects = {each["@id"]: each for each in told["distribution"]}
    assert all(sha256_of(out / each["contentUrl"]) == each["sha256"] for each in objects.values())
    records = {each["@id"]: each["field"] for each in told["recordSet"]}
    assert set(records) == {f"{config}-{split}" for config in ("default", "turns") for split in SPLITS}
    assert [each["name"].split("/")[-1] for each in records["default-train"]] == COLUMNS.names
    history = records["default-train"][4]
    assert history["repeated"] is True
    assert [each["name"].split("/")[-1] for each in history["subField"]] == ["audio_file", "content", "role"]
    for fields in records.values():
        for field in fields:
            for each in field.get("subField", [field]):
                assert each["source"]["fileObject"]["@id"] in objects
                assert each["dataType"] in ("sc:Text", "sc:Integer", "sc:Boolean", "sc:Float")


@pytest.mark.parametrize("format", CHOICES["format"])
def test_the_data_sets_library_reads_the_published_types(tmp_path, monkeypatch, format):
    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    snapshot = freeze(tmp_path / "s")
    out = released(snapshot, tmp_path, format=format)
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(loaded[split]) for split in loaded} == {"train": 9, "validation": 3, "test": 6}
    features = loaded["train"].features
    assert list(features) == COLUMNS.names
    plain = {name: each.dtype for name, each in features.items() if hasattr(each, "dtype") and name != "input_history"}
    assert plain == {
        "conversation_id": "string", "topic": "string", "turn_id": "int64", "has_content": "bool",
        "audio_file": "string", "user": "string", "assistant": "string",
    }  # fmt: skip
    if format != "csv":
        assert {name: v.dtype for name, v in features["input_history"].feature.items()} == dict.fromkeys(
            ("audio_file", "content", "role"), "string"
        )
        assert loaded["train"].to_list() == read(out, format)
    turns = datasets.load_dataset(str(out), "turns", cache_dir=str(tmp_path / "cache"))
    assert len(turns["train"]) == 9
