"""Before a run starts, its page says what it may take, on what that rests, and that it is an estimate."""

import json

import pytest

from mixassist_site.jobs import State
from modeling.bases import add, named
from modeling.foretelling import foretell
from modeling.training.config import TrainingConfig
from modeling.training.estimate import Rate, Shape, estimate
from tests.modeling.app.things import frozen, run_of

RATE = Rate(
    "spring", tokens_per_second=1000, tokens_per_example=500, beside_seconds=30, memory_bytes=18 << 30, examples=100
)
REAL = {
    "model_type": "qwen2_audio",
    "text_config": {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 11008, "vocab_size": 156032},
}


def config(**values) -> TrainingConfig:
    return TrainingConfig.from_dict(values)


def test_time_follows_from_the_measured_rate():
    """100 turns of 500 tokens once: 50 s of learning, and 30 s to open and hear."""
    assert estimate(config(), 100, shape=None, rate=RATE).seconds == pytest.approx(80, rel=0.01)
    assert estimate(config(epochs=3), 100, shape=None, rate=RATE).seconds == pytest.approx(180, rel=0.01)
    assert estimate(config(fraction=0.5), 100, shape=None, rate=RATE).seconds == pytest.approx(40, rel=0.05)
    assert estimate(config(variant="dora"), 100, shape=None, rate=RATE).seconds > 100
    assert "spring" in estimate(config(), 100, shape=None, rate=RATE).why


def test_a_large_base_that_was_never_trained_is_told_by_its_size():
    """The 7B model in two bytes a weight: its 16.8 GB and something over it; 241 turns are minutes on a large card."""
    shape = Shape.of(REAL, 16_800_000_000)
    assert 6e9 < shape.parameters < 9e9
    told = estimate(config(), 241, shape=shape, rate=None)
    assert told.steps == 31
    assert 16.8e9 < told.memory_bytes < 40e9
    assert 20 < told.seconds < 300
    assert estimate(config(quantization="4bit"), 241, shape=shape, rate=None).memory_bytes < told.memory_bytes - 12e9
    assert estimate(config(), 241, shape=None, rate=None).seconds is None


@pytest.mark.django_db
def test_the_last_whole_run_on_the_base_is_asked(project, tmp_path):
    snapshot = frozen(project)
    measured = {"steps": 3, "tokens": 12_000, "tokens_per_second": 600.0, "seconds": 25.0, "learning_seconds": 20.0,
                "memory_bytes": 10**9}  # fmt: skip
    record = {"measured": measured, "steps": 3, "examples": 12, "config": config().to_dict(), "device": "cpu"}
    run_of(snapshot, "whole", state=State.SUCCEEDED, record=record)
    run_of(snapshot, "resumed", state=State.SUCCEEDED, record={**record, "measured": {**measured, "steps": 1}})
    told = foretell(snapshot, named("tiny"), config(device="auto"))
    assert "whole" in told.why
    assert told.memory_bytes == 10**9
    (tmp_path / "config.json").write_text(json.dumps(REAL))
    add("big", str(tmp_path))
    assert "nothing has been trained" in foretell(snapshot, named("big"), config()).why


@pytest.mark.django_db
def test_the_form_says_it_and_asks_again_without_a_script(ada, project, client):
    snapshot = frozen(project)
    client.force_login(ada)
    door = "/projects/songs/runs/new/"
    page = client.get(door).content.decode()
    assert "An estimate:" in page
    assert "80 steps" in page  # the toy's preset
    asked = {"snapshot": snapshot.pk, "base": "tiny", "max_steps": 7, "fraction": "0.5"}
    assert "7 steps" in client.get(door, asked).content.decode()
    assert "once the options are right" in client.get(door, {**asked, "max_steps": "many"}).content.decode()
    clash = client.get(door, {**asked, "variant": "pissa", "quantization": "4bit"}).content.decode()
    assert "4-bit" in clash
