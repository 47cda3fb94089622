"""The tiny base learns by heart, and a run gives one adapter, stopped and resumed or not."""

import json

import pytest

from modeling.backbones.errors import TrainingError
from modeling.training.config import TrainingConfig
from modeling.training.provenance import code
from tests.modeling.cores.miniature import rows_of, write_snapshot

pytestmark = pytest.mark.torch
SHORT = {"max_steps": 7, "examples_per_step": 5, "checkpoint_every": 3, "dropout": 0.1}


@pytest.fixture
def train(tiny_base, snapshot, tmp_path):
    from modeling.backbones import audio_lm
    from modeling.training import loop

    def trainer(name="run", *, of=snapshot, config=SHORT, stop_at=None, resume_from=()):
        events = []

        def should_stop():
            return stop_at == 0 or ("step", stop_at) in [(event["event"], event.get("step")) for event in events]

        out = tmp_path / name
        out.mkdir(exist_ok=True)
        run = loop.Run(
            base_key="tiny", snapshot=of, config=TrainingConfig.from_dict(config, base_kind="tiny"), out=out,
            resume_from=resume_from,
        )  # fmt: skip
        lm = audio_lm.load(tiny_base, device="cpu")
        return loop.train(run, lm, report=events.append, should_stop=should_stop), events

    return trainer


def test_the_tiny_base_learns_its_answers_by_heart(learnt):
    record, out = learnt
    assert record["last_loss"] < 0.1 < record["first_loss"] / 2
    assert record["first_loss"] == record["losses"][0]
    assert json.loads((out / "training.json").read_text()) == record
    assert record["code"] == code()


def test_the_result_names_no_place(learnt, tiny_base):
    _, out = learnt
    for path in [*(out / "adapter").iterdir(), out / "training.json"]:
        assert str(tiny_base.parent).encode() not in path.read_bytes()
        assert str(out.parent).encode() not in path.read_bytes()
    settings = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "tiny"


def test_the_adapter_holds_nothing_but_lora_weights_of_the_decoder(learnt):
    from safetensors import safe_open

    _, out = learnt
    with safe_open(out / "adapter" / "adapter_model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert all(".lora_A." in name or ".lora_B." in name for name in names)
    assert not [name for name in names if "audio_tower" in name or "projector" in name]


def test_two_runs_give_the_same_bytes(train, tmp_path):
    first, events = train("first")
    second, _ = train("second")
    assert first["adapter_sha256"] == second["adapter_sha256"]
    assert first == second
    for name in ("adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert [event["step"] for event in events if event["event"] == "step"] == list(range(1, 8))
    assert train("third", config=SHORT | {"seed": 1})[0]["adapter_sha256"] != first["adapter_sha256"]


@pytest.mark.parametrize("stop_at", [2, 3])
def test_a_stopped_run_goes_on_to_the_same_adapter(train, tmp_path, stop_at):
    from modeling.training.loop import Stopped

    undisturbed, _ = train("undisturbed")
    with pytest.raises(Stopped) as stopped:
        train("one", stop_at=stop_at)
    assert stopped.value.step == stop_at
    resumed, events = train("two", resume_from=(tmp_path / "one",))
    assert [event["step"] for event in events if event["event"] == "resumed"] == [stop_at]
    assert resumed == undisturbed


def test_a_run_that_is_stopped_before_its_first_step_goes_on_as_well(train):
    from modeling.training.loop import Stopped

    with pytest.raises(Stopped) as stopped:
        train(stop_at=0)
    assert stopped.value.step == 0
    record, events = train()
    assert record["steps"] == 7
    assert "resumed" in [event["event"] for event in events]


def test_memory_decides_the_microbatch_and_not_the_loss(train):
    plain = {"max_steps": 3, "examples_per_step": 5}
    alone, _ = train("alone", config=plain | {"tokens_per_microbatch": 1})
    together, _ = train("together", config=plain | {"tokens_per_microbatch": 100_000})
    assert alone["losses"] == pytest.approx(together["losses"], rel=1e-4)


def test_validation_is_weighted_by_tokens_and_leaves_the_weights_alone(train):
    watched, events = train(config=SHORT | {"eval_every": 2})
    assert [event["step"] for event in events if event["event"] == "eval"] == [2, 4, 6, 7]
    assert watched["eval_loss"] == watched["evals"]["7"]
    assert train("seldom", config=SHORT)[0]["losses"] == watched["losses"]


def test_nothing_to_learn_from_is_said(train, tmp_path):
    rows = rows_of("train", 3)
    for row in rows[:2]:
        row["assistant"] = None
    rows[2]["has_content"] = None
    silent = write_snapshot(tmp_path / "silent", {"train": rows})
    with pytest.raises(TrainingError) as refused:
        train(of=silent, config=SHORT | {"has_content_only": True})
    assert refused.value.code == "nothing-to-train-on"
    assert "1 not flagged as content, 2 without an expert's answer" in refused.value.sentence


def test_a_loss_that_is_no_number_is_said(train):
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(config=SHORT | {"learning_rate": 1e18, "clip": 1e18})
