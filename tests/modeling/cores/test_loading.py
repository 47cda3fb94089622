"""A base is loaded from safetensors, and from where one may."""

import json
import shutil

import pytest

from modeling.backbones.errors import BackboneError

pytestmark = pytest.mark.torch


@pytest.fixture
def copy(tiny_base, tmp_path):
    return shutil.copytree(tiny_base, tmp_path / "copy")


def refusal(path, **options) -> BackboneError:
    from modeling.backbones import audio_lm

    with pytest.raises(BackboneError) as refused:
        audio_lm.load(path, **options)
    return refused.value


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    error = refusal(copy)
    assert error.code == "unsafe-weights"
    assert "convert it to safetensors" in error.sentence


def test_pickled_weights_beside_safetensors_are_not_opened(copy):
    from modeling.backbones import audio_lm

    (copy / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    assert audio_lm.load(copy, device="cpu").model.config.model_type == "qwen2_audio"


def test_a_folder_without_a_model_is_refused(tmp_path):
    assert refusal(tmp_path).code == "base-incomplete"
    assert refusal(tmp_path / "gone").code == "base-missing"


def test_the_hub_is_not_asked_when_it_must_not_be(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refusal("Qwen/Qwen2-Audio-7B-Instruct").code == "hub-offline"


def test_a_gpu_that_is_not_there_is_named(tiny_base, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refusal(tiny_base, device="cuda").code == "no-gpu"


def test_a_revision_follows_the_content(tiny_base, copy):
    from modeling.backbones.weights import revision_of

    assert revision_of(copy) == revision_of(tiny_base)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert revision_of(copy) != revision_of(tiny_base)


def test_layers_that_learn_are_the_decoders_alone_by_full_name(lm):
    names = lm.linear_names()
    assert len(names) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in names)
    assert set(lm.linear_names("decoder+head")) == {*names, "lm_head"}


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"model_type": "bert"}, "unknown-family", "No audio language model of type bert is known here"),
        ({"architectures": ["Qwen2AudioEncoder"]}, "unknown-architecture", "trained as Qwen2AudioForConditional"),
        ({"architectures": ["os.system"]}, "unknown-architecture", "is a os.system"),
        ({"model_type": "qwen3_omni_moe"}, "unsupported-family", "nobody has tried it"),
        ({"model_type": "voxtral"}, "needs-package", "the package mistral-common"),
        ({"model_type": "my_own", "auto_map": {"AutoConfig": "evil.Config"}}, "base-unreadable", "can't be opened"),
    ],
)
def test_a_config_that_does_not_fit_is_one_sentence(copy, change, code, told):
    if change.get("model_type") == "voxtral":
        change = {"model_type": "voxtral", "architectures": ["VoxtralForConditionalGeneration"]}
        (copy / "config.json").write_text(json.dumps(change))
    else:
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps(config | change))
    error = refusal(copy)
    assert (error.code, told in error.sentence) == (code, True), error.sentence
    assert "\n" not in error.sentence


def test_broken_files_are_one_sentence(copy):
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert refusal(copy).code == "base-unreadable"
    (copy / "model.safetensors").write_bytes(weights)
    (copy / "config.json").write_text("{")
    assert refusal(copy).code == "base-unreadable"


def test_a_checkpoint_that_lacks_weights_is_not_filled_with_random_ones(copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    del weights[next(name for name in weights if name.endswith("lm_head.weight"))]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    error = refusal(copy)
    assert (error.code, "lm_head.weight" in error.sentence) == ("weights-missing", True)


def test_an_adapter_of_another_base_is_refused_though_its_shapes_would_fit(tiny_base, learnt, snapshot):
    from modeling.generation.__main__ import work

    base = {"kind": "tiny", "key": "another", "path": str(tiny_base), "revision": None}
    sources = [{"key": "a", "adapter": str(learnt[1] / "adapter")}]
    request = {"base": base, "snapshot": str(snapshot), "split": "test", "sources": sources}
    with pytest.raises(BackboneError, match="trained on tiny, not on another") as refused:
        work(request, lambda event: None, lambda: False)
    assert refused.value.code == "adapter-misfit"
