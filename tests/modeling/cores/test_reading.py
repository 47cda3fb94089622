"""A split is read in order, with its summaries, and a broken one says what is wrong."""

import json

import pytest

from modeling.backbones.errors import TrainingError
from modeling.training.examples import content_hash, read_split, select
from tests.modeling.cores.miniature import rows_of, write_snapshot


def test_a_split_is_ordered_by_conversation_and_turn(tmp_path):
    rows = rows_of("train", 12)
    snapshot = write_snapshot(tmp_path / "s", {"train": rows[::-1]})
    keys = [example.row for example in read_split(snapshot, "train")]
    assert keys == [f"train/train-c{c}/{t}" for c in range(3) for t in range(4)]


def test_summaries_come_from_the_turns(snapshot):
    first, second = read_split(snapshot, "train")[:2]
    assert first.summary == "We have been balancing the drums."
    assert second.summary is None
    assert second.history[0].text == first.user


def test_a_split_that_the_snapshot_does_not_have_is_empty(uneven):
    assert read_split(uneven, "validation") == []


def test_only_rows_with_an_answer_are_learnt_from(tmp_path):
    rows = rows_of("train", 6)
    rows[0]["assistant"] = None
    rows[1]["assistant"] = "  "
    kept, skipped = select(read_split(write_snapshot(tmp_path / "s", {"train": rows}), "train"), has_content_only=True)
    assert len(kept) == 2  # of the other four, two are not flagged
    assert skipped == {"not flagged as content": 2, "without an expert's answer": 2}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audio_file": "../../secret.wav"}, "clip-outside"),
        ({"audio_file": "/etc/hostname"}, "clip-outside"),
        ({"audio_file": "audio/segments/Group1/gone.wav"}, "clip-missing"),
        ({"turn_id": 1}, "doubled-row"),
    ],
)
def test_a_broken_row_is_named(tmp_path, change, code):
    snapshot = write_snapshot(tmp_path / "s", {"train": rows_of("train", 2)})
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = snapshot / "data" / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0] |= change
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    with pytest.raises(TrainingError) as refused:
        read_split(snapshot, "train")
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000-of-00001.parquet").write_text("no")
    with pytest.raises(TrainingError, match="not a Parquet file"):
        read_split(tmp_path, "train")


def test_the_content_hash_is_the_manifests(tmp_path, snapshot):
    assert content_hash(snapshot) == "miniature"
    (tmp_path / "manifest.json").write_text(json.dumps([]))
    with pytest.raises(TrainingError, match="no readable manifest"):
        content_hash(tmp_path)


def test_a_row_whose_clip_was_never_there_is_text_alone(tmp_path):
    snapshot = write_snapshot(tmp_path / "s", {"train": rows_of("train", 3)})
    gone = ["audio/segments/Group1/cut_train0.wav", "audio/segments/Group1/cut_train1.wav"]
    for name in gone:
        (snapshot / name).unlink()
    manifest = {"content_hash": "miniature", "absent_clips": gone[:1]}
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TrainingError, match=r"cut_train1\.wav"):  # nobody said that this one is absent
        read_split(snapshot, "train")
    (snapshot / "manifest.json").write_text(json.dumps({**manifest, "absent_clips": gone}))
    assert [example.audio is not None for example in read_split(snapshot, "train")] == [False, False, True]


def test_a_placeholder_is_silence(tmp_path):
    """The published sentences are what a data set says for nothing: no answer, no question, no history."""
    said, asked = (
        "I need more information before I can respond. Please elaborate.",
        "Please analyze this audio segment.",
    )
    rows = rows_of("train", 3)
    rows[1] |= {"assistant": said, "user": asked}
    told = [
        {"audio_file": None, "content": text, "role": role} for text, role in ((asked, "user"), (said, "assistant"))
    ]
    rows[2]["input_history"] = [*told, {"audio_file": None, "content": asked, "role": "assistant"}]
    examples = read_split(write_snapshot(tmp_path / "s", {"train": rows}), "train")
    assert (examples[1].answer, examples[1].user) == (None, None)
    assert [message.text for message in examples[2].history] == [asked]  # said by the other side, it is said
    kept, skipped = select(examples, has_content_only=False)
    assert (len(kept), skipped) == (2, {"without an expert's answer": 1})
