"""Published files as they should not be: a sentence, or an import that tells what it mended; never half of one."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.models import Layer, MixingSession, Published
from annotation.published import PublishedError, fold, histories, read_set
from annotation.published.facts import PLACEHOLDERS, Said
from tests.annotation.published import sets
from tests.annotation.published.test_round_trip import bring, freeze, rows_in


def row(**cells):
    return {
        "conversation_id": "c1", "topic": "drums", "turn_id": 1, "has_content": True, "input_history": [],
        "audio_file": None, "user": "Is it loud?", "assistant": "Turn it down.", **cells,
    }  # fmt: skip


def jsonl(folder, *rows, split="train"):
    folder.mkdir(exist_ok=True)
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    return folder


def whats(notes):
    return [each["what"] for each in notes.told()]


def test_what_differs_from_the_published_set_is_told_and_stops_nothing(tmp_path):
    found = read_set(sets.write(tmp_path, {"train": sets.rows_of("train", 20, 3), "test": sets.rows_of("test", 9, 9)}))
    told = " ".join(found.differs)
    assert "The train split has 20 rows; published were 340." in told
    assert "3 rows of the train split have content; published were 241." in told
    assert "no file of the validation split" in told
    assert "not the file of revision bf37575" in told


def test_the_published_counts_differ_in_nothing_but_the_hash(tmp_path):
    found = read_set(sets.write(tmp_path, sets.published()))
    assert all("sha256" in sentence for sentence in found.differs)
    assert len(found.differs) == 3
    assert len(found.topics()) == 6


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (lambda f: None, "holds no file"),
        (lambda f: (f / "train.parquet").write_bytes(b"PAR1 nothing PAR1"), "not a Parquet file"),
        (lambda f: (f / "train.parquet").write_bytes(b""), "not a Parquet file"),
        (lambda f: pq.write_table(pa.table({"a": [1]}), f / "train.parquet"), "lacks the column conversation_id"),
        (lambda f: (f / "train.csv").write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
        (lambda f: (f / "train.csv").write_text(""), "lacks the column"),
        (lambda f: (f / "train.jsonl").write_text('{"conversation_id": 1}\n'), "lacks the column topic"),
        (lambda f: (f / "train.jsonl").write_text("[" * 100_000), "Line 1 of train.jsonl"),
        (lambda f: jsonl(f, row(topic=None)), "without a single row"),
    ],
)
def test_what_cant_be_read_is_one_sentence_and_nothing_else(project, tmp_path, written, sentence):
    written(tmp_path)
    with pytest.raises(CommandError, match=sentence):
        bring(tmp_path, project)
    assert not MixingSession.objects.exists()


def test_a_folder_that_is_not_there_is_told(project, tmp_path):
    with pytest.raises(CommandError, match="no folder"):
        bring(tmp_path / "none", project)
    with pytest.raises(CommandError, match="no folder of clips"):
        bring(jsonl(tmp_path, row()), project, "--clips", tmp_path / "none")


@pytest.mark.parametrize(
    ("cells", "column", "value", "what"),
    [
        ({"user": "a\x00b\ud800"}, "user", "ab?", "characters that can't be stored"),
        ({"user": "  spaced "}, "user", "spaced", "spaces around a text"),
        ({"user": 5}, "user", None, "a text that is no text"),
        ({"user": ["a"]}, "user", None, "a text that is no text"),
        ({"user": "x" * 1_000_000}, "user", "x" * 20_000, "the end of a text of more than 20,000 characters"),
        ({"topic": "Over all!"}, "topic", "over_all", "a topic is written as a key: small letters, digits and _"),
        ({"turn_id": "7.0"}, "turn_id", 7, None),
        ({"turn_id": 3.0}, "turn_id", 3, None),
        ({"has_content": "True"}, "has_content", True, None),
        ({"has_content": 0}, "has_content", False, None),
        ({"has_content": "perhaps"}, "has_content", None, "a has_content that is neither true nor false"),
        ({"audio_file": "/home/me/audio/segments/Group3/cut_1.wav"}, "audio_file", "audio/segments/Group3/cut_1.wav",
         "a clip's path begins at the data set's folder"),
        ({"audio_file": "../../etc/passwd"}, "audio_file", None,
         "the path of a clip that leaves the data set's folder"),
        ({"audio_file": {"path": "a/Group1/cut_2.wav", "bytes": None}}, "audio_file", "a/Group1/cut_2.wav", None),
        ({"input_history": "[{'role': 'user'"}, "history", (), "a history that can't be read"),
        ({"input_history": 12}, "history", (), "a history that is no list"),
        ({"input_history": [{"role": "robot", "content": "a"}, 7]}, "history", (),
         "an utterance of a history without a role that is known"),
        ({"assistant": PLACEHOLDERS["assistant"]}, "assistant", None, None),
        ({"assistant": PLACEHOLDERS["user"]}, "assistant", PLACEHOLDERS["user"], None),
    ],
)  # fmt: skip
def test_a_cell_that_is_odd_is_mended_or_left_out_and_told(tmp_path, cells, column, value, what):
    found = read_set(jsonl(tmp_path, row(**cells)))
    assert getattr(found.rows[0], column) == value
    assert set(whats(found.repaired) + whats(found.lost)) == ({what} if what else set())


@pytest.mark.parametrize(
    "cells", [{"conversation_id": None}, {"conversation_id": "x" * 300}, {"turn_id": "one"}, {"turn_id": -1},
              {"turn_id": 1.5}, {"turn_id": True}, {"topic": "!?"}, {"topic": []}],
)  # fmt: skip
def test_a_row_without_a_name_is_lost_and_told_and_the_others_stay(tmp_path, cells):
    found = read_set(jsonl(tmp_path, row(), row(**{"conversation_id": "c2", **cells})))
    assert [each.conversation_id for each in found.rows] == ["c1"]
    assert found.lost.told()[-1]["where"] == "train, row 2"


def test_a_row_that_is_there_twice_is_there_once(tmp_path):
    found = read_set(jsonl(tmp_path, row(), row(), row(user="Another question?")))
    assert len(found.rows) == 1
    assert whats(found.repaired) == ["a row that is there twice is there once"]
    assert whats(found.lost) == ["a row whose name another row has already"]


PRINTED = [
    {"audio_file": None, "content": "it's } {'role'", "role": "user"},
    {"audio_file": "a.wav", "content": "“q” \\ \n", "role": "assistant"},
]


@pytest.mark.parametrize(
    "text",
    [
        repr(PRINTED),
        sets.printed_by_numpy(PRINTED),
        json.dumps(PRINTED),
        f"array({sets.printed_by_numpy(PRINTED)}, dtype=object)",
        sets.printed_by_numpy(PRINTED).replace("None", "nan"),
    ],
)  # fmt: skip
def test_a_history_is_read_however_it_was_printed(text):
    assert histories.parse(text) == PRINTED


@pytest.mark.parametrize(
    "text",
    [
        "[{'a': __import__('os')}]",
        "[" * 5000,
        "{'a': {'b': 'c'}}",
        "[{'a'}]",
        "['a']",
        "[{1: 2}]",
        "[{'role': 'user' ...",
    ],
)
def test_a_history_that_is_something_else_is_refused_and_nothing_runs(text):
    assert histories.parse(text) is None


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "audio_file": st.none() | st.text(),
                "content": st.none() | st.text(),
                "role": st.sampled_from(["user", "assistant"]),
            }
        ),
        max_size=4,
    )
)
@settings(max_examples=80, deadline=None)
def test_a_printed_history_is_read_as_it_was(history):
    told = [{**said, **{name: value.replace("\x00", "") for name, value in said.items() if value}} for said in history]
    assert histories.parse(repr(told)) == told
    assert histories.parse(sets.printed_by_numpy(told)) == told


@given(st.text(alphabet="[]{}(),:'\"\\ \nanNoe1", max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_cell_makes_the_history_reader_fail(text):
    found = histories.parse(text)
    assert found is None or all(isinstance(item, dict) for item in found)


def said(role, content, audio=None):
    return {"audio_file": audio, "content": content, "role": role}


def test_a_turn_that_only_a_history_tells_is_a_turn_and_no_row(project, tmp_path):
    earlier = [
        said("user", "The very first question?", "audio/segments/Group1/cut_1.wav"),
        said("assistant", "The first answer."),
    ]
    bring(jsonl(tmp_path, row(turn_id=4, input_history=earlier)), project)
    layer = Layer.objects.get()
    assert layer.turns.count() == 2
    snapshot = freeze(project)
    (only,) = rows_in(snapshot, "train")
    assert only["turn_id"] == 4
    assert only["input_history"] == earlier
    assert [each["kind"] for each in snapshot.excluded] == ["history-only"]


def test_a_history_that_tells_another_conversation_stays_in_its_row_and_is_told(project, tmp_path):
    foreign = [said("user", "A question of quite some length?"), said("assistant", "An answer of quite some length.")]
    other = row(conversation_id="c2", user=foreign[0]["content"], assistant=foreign[1]["content"])
    told = bring(jsonl(tmp_path, row(input_history=foreign), other), project)
    assert any("another conversation" in each["what"] for each in told["repaired"])
    assert Layer.objects.get().turns.count() == 2
    rows = {each["conversation_id"]: each for each in rows_in(freeze(project), "train")}
    assert rows["c1"]["input_history"] == foreign


def test_a_history_that_was_cut_short_is_written_as_it_was(project, tmp_path):
    first, second = row(turn_id=1), row(turn_id=2, user="And now?", assistant="Better.")
    third = row(turn_id=3, user="Done?", input_history=[said("user", "And now?"), said("assistant", "Better.")])
    second["input_history"] = [said("user", first["user"]), said("assistant", first["assistant"])]
    bring(jsonl(tmp_path, first, second, third), project)
    rows = {each["turn_id"]: each["input_history"] for each in rows_in(freeze(project), "train")}
    assert rows == {each["turn_id"]: each["input_history"] for each in (first, second, third)}


def test_a_name_that_two_splits_use_is_two_conversations_and_never_two_rows_of_one_name(project, tmp_path):
    jsonl(tmp_path, row(), row(turn_id=2))
    jsonl(tmp_path, row(user="Another?", assistant="Yes."), split="test")
    bring(tmp_path, project)
    assert Layer.objects.get().conversations.count() == 2
    published = freeze(project)
    assert [len(rows_in(published, split)) for split in ("train", "test")] == [2, 1]
    assert rows_in(published, "test")[0]["conversation_id"] == "c1"
    mixed = freeze(project, "mixed", split="session")
    names = [
        (each["conversation_id"], each["turn_id"])
        for s in ("train", "validation", "test")
        for each in rows_in(mixed, s)
    ]
    assert sorted(names) == [("c1", 1), ("c1", 2), ("c1-2", 1)]


def test_a_conversation_that_goes_on_in_another_split_is_one(tmp_path):
    jsonl(tmp_path, row())
    jsonl(tmp_path, row(turn_id=2), split="test")
    folded = fold(read_set(tmp_path).rows)
    (conversation,) = folded.groups[None]
    assert [turn.row.split for turn in conversation.turns] == ["train", "test"]


def test_a_row_in_which_nobody_speaks_and_nothing_plays_is_still_a_row(project, tmp_path):
    silent = row(
        user=PLACEHOLDERS["user"], assistant=PLACEHOLDERS["assistant"], audio_file="audio/segments/Group1/cut_1.wav"
    )
    bring(jsonl(tmp_path, silent), project)
    (only,) = rows_in(freeze(project), "train")
    assert (only["user"], only["assistant"], only["audio_file"]) == (None, None, silent["audio_file"])


def test_an_unending_conversation_is_refused(tmp_path):
    rows = [row(turn_id=number) for number in range(1_001)]
    with pytest.raises(PublishedError, match="at most 1,000 turns"):
        fold(read_set(jsonl(tmp_path, *rows)).rows)


def test_a_clip_that_is_broken_or_too_short_leaves_its_row_as_text(project, tmp_path):
    names = [f"audio/segments/Group1/cut_{n}.wav" for n in range(3)]
    jsonl(tmp_path / "set", *(row(turn_id=n, audio_file=name) for n, name in enumerate(names)))
    clips = tmp_path / "clips"
    sets.clip(clips / names[0], 1000)
    (clips / names[1]).write_bytes(b"RIFF broken")
    kept = sets.clip(clips / names[2], 4001)
    told = bring(tmp_path / "set", project, "--clips", clips)
    assert (told["clips"], told["clips_missing"]) == (1, 2)
    report = Layer.objects.get().report
    assert any("shorter than 100 ms" in each["what"] for each in report["lost"])
    assert any("whole millisecond" in each["what"] for each in report["repaired"])
    snapshot = freeze(project)
    cut = sets.samples_of(snapshot.path / names[2])
    assert (cut[:4001] == kept).all()
    assert not cut[4001:].any()


def test_a_clip_outside_the_folder_is_never_read(project, tmp_path):
    sets.clip(tmp_path / "secret" / "cut_1.wav", 16_000)
    clips = tmp_path / "clips" / "audio" / "segments"
    clips.mkdir(parents=True)
    (clips / "Group1").symlink_to(tmp_path / "secret")
    folder = jsonl(tmp_path / "set", row(audio_file="audio/segments/Group1/cut_1.wav"))
    assert bring(folder, project, "--clips", tmp_path / "clips")["clips"] == 0


def test_an_import_that_breaks_off_leaves_nothing(project, tmp_path, monkeypatch, home):
    data = sets.small()
    folder, clips = sets.write(tmp_path / "set", data), sets.clips_of(data, tmp_path / "clips")

    def broken(**fields):
        raise OSError("the disk is full")

    monkeypatch.setattr(Published.objects, "create", broken)
    with pytest.raises(OSError, match="disk"):
        bring(folder, project, "--clips", clips)
    assert not MixingSession.objects.exists()
    assert not list((home / "media").rglob("*.wav"))


def test_topics_and_the_flag_that_the_project_lacks_are_a_version_of_its_vocabulary(project, tmp_path):
    project.flags = []
    project.save()
    told = bring(jsonl(tmp_path, row(topic="strings")), project)
    project.refresh_from_db()
    assert "strings" in {topic["key"] for topic in project.topics}
    assert [flag["key"] for flag in project.flags] == ["has_content"]
    assert project.vocabulary_number == 2
    assert any("beyond the six" in sentence for sentence in told["differs"])


def test_histories_are_told_as_rows_tell_them(tmp_path):
    found = read_set(sets.write(tmp_path, sets.small()))
    second = next(each for each in found.rows if each.turn_id == 1)
    assert isinstance(second.history[0], Said)
