"""What a config chooses of the examples reaches the run: turns, history, losses, windows, validation, early stops."""

import json

import pytest

from modeling.backbones.errors import TrainingError
from modeling.backbones.example import PLACEHOLDERS, Example
from modeling.training.config import TrainingConfig
from modeling.training.examples import read_split, select, share
from tests.modeling.cores.miniature import rows_of, write_snapshot

pytestmark = pytest.mark.torch
SHORT = {"max_steps": 2, "examples_per_step": 6, "rank": 2}


@pytest.fixture(scope="module")
def opened(tiny_base):
    from modeling.backbones import audio_lm

    return audio_lm.load(tiny_base, device="cpu")


@pytest.fixture
def train(opened, snapshot, tmp_path):
    from modeling.training import loop

    def trainer(name="run", *, of=snapshot, **config):
        events = []
        out = tmp_path / name
        out.mkdir(exist_ok=True)
        chosen = TrainingConfig.from_dict({**SHORT, **config}, base_kind="tiny")
        run = loop.Run(base_key="tiny", snapshot=of, config=chosen, out=out)
        record = loop.train(run, opened, report=events.append)
        return record, {event["event"]: event for event in events}

    return trainer


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"variant": "pissa", "quantization": "4bit"}, "pissa takes a base's weights apart"),
        ({"scope": "decoder+head", "quantization": "4bit"}, "choose the scope decoder"),
        ({"device": "cpu", "quantization": "4bit"}, "needs a GPU"),
        ({"min_delta": 0.1}, "set patience"),
        ({"loraplus_ratio": 4}, "belongs to the variant loraplus"),
        ({"loss_on": "all", "max_turns": 0}, "change one"),
        ({"over_long": "middle"}, "tail, head, windows"),
        ({"variant": "lola"}, "lora, rslora, dora, pissa, loraplus"),
        ({"fraction": 0}, "above 0"),
        ({"max_turns": -1}, "from 0"),
    ],
)
def test_what_does_not_go_together_is_named(values, told):
    with pytest.raises(TrainingError, match=told):
        TrainingConfig.from_dict(values)


def test_a_smaller_share_lies_in_a_larger_one_and_takes_of_every_conversation():
    examples = [Example(f"train/c{at // 20}/{at % 20}", user="Hm?", answer="Yes.") for at in range(100)]
    taken = [{one.row for one in share(examples, fraction, 3)} for fraction in (0.25, 0.5, 0.75, 1.0)]
    assert [len(rows) for rows in taken] == [25, 50, 75, 100]
    assert taken[0] < taken[1] < taken[2] < taken[3]
    for conversation in range(5):
        assert 9 <= sum(row.startswith(f"train/c{conversation}/") for row in taken[1]) <= 11
    assert {one.row for one in share(examples, 0.5, 4)} != taken[1]
    assert [one.row for one in share(examples, 0.5, 3)] == [one.row for one in examples if one.row in taken[1]]


def test_the_loss_on_all_of_the_experts_turns_looks_at_more_tokens_and_validates_on_the_last(train):
    last, told = train("last")
    everything, more = train("all", loss_on="all")
    assert more["cached"]["answer_tokens"] > told["cached"]["answer_tokens"]
    assert more["cached"]["tokens"] == told["cached"]["tokens"]
    assert everything["validation_hash"] == last["validation_hash"]
    assert everything["config"]["loss_on"] == "all"
    assert everything["adapter_sha256"] != last["adapter_sha256"]


def test_the_history_is_cut_to_its_last_turns(train):
    _, whole = train("whole")
    record, short = train("short", max_turns=1)
    _, none = train("none", max_turns=0)
    assert none["cached"]["tokens"] < short["cached"]["tokens"] < whole["cached"]["tokens"]
    assert whole["cached"]["history_cut"] == 0 < short["cached"]["history_cut"]
    assert record["config"]["max_turns"] == 1


def test_long_clips_are_heard_in_windows_where_that_is_chosen(train):
    _, tail = train("tail", max_audio_seconds=1.0)
    record, windows = train("windows", max_audio_seconds=1.0, over_long="windows")
    assert (tail["cached"]["audio_windows"], windows["cached"]["audio_cut"]) == (0, 0)
    assert windows["cached"]["audio_windows"] == tail["cached"]["audio_cut"] > 0
    assert windows["cached"]["tokens"] > tail["cached"]["tokens"]
    assert record["config"]["over_long"] == "windows"


def test_placeholders_are_never_learnt(tmp_path):
    rows = rows_of("train", 6)
    rows[1]["assistant"], rows[2]["user"] = PLACEHOLDERS["assistant"], PLACEHOLDERS["user"]
    read = read_split(write_snapshot(tmp_path / "s", {"train": rows}), "train")
    kept, skipped = select(read, has_content_only=False)
    assert skipped == {"without an expert's answer": 1}
    shown = [message.text for example in kept for message in example.messages()] + [one.answer for one in kept]
    assert not set(shown) & set(PLACEHOLDERS.values())


def test_runs_that_learn_from_other_turns_can_watch_the_same(train):
    content, few = train("content", has_content_only=True, validate_on="all")
    everything, all_ = train("all", has_content_only=False, validate_on="all")
    half, _ = train("half", fraction=0.5, validate_on="all")
    assert few["cached"]["examples"] < all_["cached"]["examples"]
    assert content["validation_hash"] == everything["validation_hash"] == half["validation_hash"]
    assert half["examples"] == round(everything["examples"] / 2)
    assert train("same", has_content_only=True)[0]["validation_hash"] != everything["validation_hash"]


def test_a_run_ends_early_with_its_best_weights(train):
    """The rate is so high that validation soon rises: the weights are those of the best look."""
    harsh = {"max_steps": 12, "eval_every": 1, "learning_rate": 0.1, "schedule": "constant"}
    record, _ = train("early", patience=2, **harsh)
    evals = {int(step): loss for step, loss in record["evals"].items()}
    assert record["stopped_early"]
    assert record["steps"] == record["best_step"] + 2 < 12
    assert record["eval_loss"] == min(evals.values()) == evals[record["best_step"]]
    plain, _ = train("plain", **{**harsh, "max_steps": record["best_step"]})  # as far as that, and no further
    assert plain["adapter_sha256"] == record["adapter_sha256"]


def test_an_early_stop_without_a_validation_split_is_refused(train, tmp_path):
    only = write_snapshot(tmp_path / "only", {"train": rows_of("train", 6)})
    with pytest.raises(TrainingError, match="set patience to 0"):
        train(of=only, patience=1)


def test_memory_that_runs_out_once_halves_the_microbatch_and_not_the_result(train, opened, monkeypatch):
    import torch

    own, most = type(opened).loss_sum, []

    def narrow(self, batch):
        size, result = batch.labels.numel(), own(self, batch)
        if torch.is_grad_enabled() and size > 600:
            raise torch.OutOfMemoryError("CUDA out of memory")  # after dropout has drawn
        most.append(size)
        return result

    halved, whole = {"tokens_per_microbatch": 600}, {"tokens_per_microbatch": 1200}
    plain, _ = train("plain", dropout=0.1, **halved)
    with monkeypatch.context() as tight:
        tight.setattr(type(opened), "loss_sum", narrow)
        record, told = train("narrow", dropout=0.1, **whole)
    assert told["memory"]["tokens_per_microbatch"] == record["tokens_per_microbatch"] == 600
    assert max(most) <= 600
    assert record["losses"] == plain["losses"]  # luck of the step that broke off was drawn again
    monkeypatch.setattr(type(opened), "loss_sum", lambda self, batch: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(torch.OutOfMemoryError):  # once is all
        train("none")


def test_what_a_clip_sounds_like_is_kept_for_the_next_run(tiny_base, snapshot, tmp_path):
    from modeling.backbones import audio_lm, clips, keeping

    example = next(one for one in read_split(snapshot, "train") if one.audio)
    first = audio_lm.load(tiny_base, device="cpu")
    first.keep_rows_in(tmp_path / "rows")
    rows = first.hear(first.encode(example))
    second = audio_lm.load(tiny_base, device="cpu")
    second.keep_rows_in(tmp_path / "rows")
    encoded = second.encode(example)
    second.model.model.audio_tower = None  # nobody may listen again
    assert second.hear(encoded).equal(rows)
    other = clips.AudioPolicy(max_seconds=1.0)
    assert second.rows.path(second.encode(example, policy=other).clip_key) != second.rows.path(encoded.clip_key)
    kept = first.rows.path(encoded.clip_key)
    kept.write_bytes(b"torn")
    assert second.rows.read(encoded.clip_key, count=len(rows)) is None
    assert keeping.prune(tmp_path / "rows", 0) == 1
    assert not kept.exists()


def test_a_folder_with_a_request_is_trained_without_a_database(start, tiny_base, snapshot, tmp_path):
    from tests.modeling.cores.conftest import Child

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "base").symlink_to(tiny_base)
    base = {"kind": "tiny", "key": "tiny", "path": "base"}
    (folder / "request.json").write_text(json.dumps({"base": base, "snapshot": str(snapshot), "config": SHORT}))
    code, events = Child("modeling.training", folder).finish()
    assert (code, events[-1]["event"]) == (0, "saved"), events
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    assert events[-1]["adapter_sha256"] == json.loads((folder / "training.json").read_text())["adapter_sha256"]
