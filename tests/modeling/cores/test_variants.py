"""LoRA's variants begin, learn and are saved as their papers have it, and the base is left as it was."""

import json

import pytest

from modeling.training.config import TrainingConfig
from modeling.training.examples import read_split

pytestmark = pytest.mark.torch
VARIANTS = ("lora", "rslora", "dora", "pissa", "loraplus")


@pytest.fixture(scope="module")
def opened(tiny_base):
    from modeling.backbones import audio_lm

    return audio_lm.load(tiny_base, device="cpu")


@pytest.fixture(scope="module")
def batch(opened, uneven):
    return [opened.encode(example) for example in read_split(uneven, "train")[:3]]


def configured(variant: str) -> TrainingConfig:
    return TrainingConfig.from_dict({"variant": variant, "rank": 4, "alpha": 8}, base_kind="tiny")


def loss_of(lm, batch) -> float:
    import torch

    with torch.no_grad():
        return float(lm.loss_sum(lm.embed(batch))[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_adapter_answers_on_the_untouched_base_as_it_did_when_it_learnt(opened, batch, tmp_path, variant):
    import peft
    import torch

    from modeling.training import lora

    config, base = configured(variant), loss_of(opened, batch)
    weights = {name: value.clone() for name, value in opened.model.state_dict().items()}
    torch.manual_seed(0)
    with lora.adapted(opened, config) as model:
        learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
        began = lora.beginning_of(learning, config)
        assert loss_of(opened, batch) == pytest.approx(base, rel=1e-5)  # a fresh adapter changes nothing
        optimizer = torch.optim.AdamW(lora.groups(learning, config), lr=5e-3)
        for _ in range(3):
            loss, tokens = opened.loss_sum(opened.embed(batch))
            (loss / tokens).backward()
            optimizer.step()
            optimizer.zero_grad()
        learnt = loss_of(opened, batch)
        lora.save_adapter(model, "tiny", tmp_path / "adapter", began=began)
    assert learnt < base - 1
    after = opened.model.state_dict()
    assert weights.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in weights.items())
    loaded = peft.PeftModel.from_pretrained(opened.model, tmp_path / "adapter")
    try:
        opened.model.eval()
        assert loss_of(opened, batch) == pytest.approx(learnt, rel=1e-4)
    finally:
        loaded.unload()


def test_pissa_begins_with_the_principal_parts_of_the_weights(opened):
    import torch

    from modeling.training import lora

    name = opened.linear_names("decoder")[0]
    whole = opened.model.get_submodule(name).weight.data.clone()
    with lora.adapted(opened, configured("pissa")) as model:
        layer = model.get_submodule(f"base_model.model.{name}")
        part = layer.scaling["default"] * (layer.lora_B["default"].weight @ layer.lora_A["default"].weight)
        left, sizes, right = torch.linalg.svd(whole, full_matrices=False)
        assert torch.allclose(part, left[:, :4] @ torch.diag(sizes[:4]) @ right[:4], atol=1e-5)
        assert torch.allclose(layer.base_layer.weight + part, whole, atol=1e-6)


def test_loraplus_lets_b_learn_faster_than_a(opened):
    from modeling.training import lora

    with lora.adapted(opened, configured("loraplus")) as model:
        learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
        slow, fast = lora.groups(learning, configured("loraplus"))
    assert (slow["times"], fast["times"]) == (1.0, 16.0)
    assert {id(value) for value in fast["params"]} == {
        id(value) for name, value in learning.items() if ".lora_B." in name
    }
    assert len(slow["params"]) == len(fast["params"])


def test_rslora_scales_by_the_root_of_the_rank(opened):
    from modeling.training import lora

    name = opened.linear_names("decoder")[0]
    with lora.adapted(opened, configured("rslora")) as model:
        layer = model.get_submodule(f"base_model.model.{name}")
        assert layer.scaling["default"] == 8 / 4**0.5


def test_the_card_says_whether_vllm_loads_it(opened, snapshot, tmp_path):
    from modeling.training import loop
    from modeling.training.card import card, served_by_vllm

    short = TrainingConfig.from_dict({"max_steps": 1, "rank": 16}, base_kind="tiny")
    run, out = loop.Run(base_key="tiny", snapshot=snapshot, config=short, out=tmp_path), tmp_path
    record = loop.train(run, opened, report=lambda event: None)
    assert not served_by_vllm(record["config"])[0]  # the toy learns its head as well
    plain = {**record, "config": {**record["config"], "scope": "decoder", "variant": "pissa"}}
    told = card(plain, {"title": "a <b>", "license": 'x "y"', "snapshot": "first"})
    assert "--max-lora-rank 32" in told
    assert "# a &lt;b>" in told
    assert 'license: "x \\"y\\""' in told
    assert not served_by_vllm({**record["config"], "scope": "decoder", "variant": "dora"})[0]
    kept = (out / "adapter" / "README.md").read_text()
    assert record["adapter_sha256"] in kept
    assert json.loads((out / "adapter" / "training.json").read_text()) == record
