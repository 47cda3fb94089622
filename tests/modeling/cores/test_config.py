"""A training config is checked when it is made, and its hash names it."""

import pytest

from modeling.backbones.errors import TrainingError
from modeling.training.config import TrainingConfig


def test_the_default_is_the_papers_one_pass():
    config = TrainingConfig.from_dict({})
    assert (config.epochs, config.rank, config.alpha, config.learning_rate) == (1, 16, 32, 1e-4)
    assert config.has_content_only


def test_values_lie_over_the_preset_of_the_base():
    config = TrainingConfig.from_dict({"max_steps": 5}, base_kind="tiny")
    assert (config.max_steps, config.device, config.scope) == (5, "cpu", "decoder+head")


def test_it_comes_back_from_its_dict_with_the_same_hash():
    config = TrainingConfig.from_dict({"seed": 3}, base_kind="tiny")
    assert TrainingConfig.from_dict(config.to_dict()).hash() == config.hash()
    assert TrainingConfig.from_dict({"seed": 4}, base_kind="tiny").hash() != config.hash()


def test_a_whole_number_is_as_good_as_a_float():
    assert TrainingConfig.from_dict({"clip": 2}).hash() == TrainingConfig.from_dict({"clip": 2.0}).hash()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"learning_rat": 1e-4}, "unknown-config-key"),
        ({"learning_rate": 0}, "bad-config-value"),
        ({"learning_rate": "fast"}, "bad-config-value"),
        ({"epochs": 1.5}, "bad-config-value"),
        ({"epochs": True}, "bad-config-value"),
        ({"rank": 0}, "bad-config-value"),
        ({"scope": "all-linear"}, "bad-config-value"),
        ({"max_steps": 0}, "bad-config-value"),
        ({"system": 7}, "bad-config-value"),
        ({"system": "a\x00b"}, "bad-config-value"),
        ({"system": "\ud800"}, "bad-config-value"),
        ({"learning_rate": 10**400}, "bad-config-value"),
        ({"max_audio_seconds": 10**400}, "bad-config-value"),
        ({"clip": float("inf")}, "bad-config-value"),
        ({"weight_decay": float("nan")}, "bad-config-value"),
        ({"seed": -1}, "bad-config-value"),
        ({"seed": 2**70}, "bad-config-value"),
        ({"rank": 10**9}, "bad-config-value"),
        ({"max_steps": 10**12}, "bad-config-value"),
        ({"device": "nonsense"}, "bad-config-value"),
        ({"device": "cuda:0; rm"}, "bad-config-value"),
    ],
)
def test_what_it_does_not_know_is_refused_with_a_sentence(values, code):
    with pytest.raises(TrainingError) as refused:
        TrainingConfig.from_dict(values)
    assert refused.value.code == code
    assert next(iter(values)) in refused.value.sentence


def test_a_base_of_no_known_kind_is_refused():
    with pytest.raises(TrainingError, match="not gpt"):
        TrainingConfig.from_dict({}, base_kind="gpt")
