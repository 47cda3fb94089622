"""Several adapters and the base answer in one batch, each as it would alone; what is odd is drawn once more."""

from dataclasses import replace

import pytest

from modeling.training.examples import read_split

pytestmark = pytest.mark.torch
KEYS = ("base", "strong", "weak", "dora")


@pytest.fixture(scope="module")
def lm(tiny_base):
    from modeling.backbones import audio_lm

    return audio_lm.load(tiny_base, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def adapters(tiny_base, tmp_path_factory):
    """Random adapters of two ranks, and one of another kind (DoRA), as the site writes them."""
    import peft
    import torch

    from modeling.backbones import audio_lm

    folder = tmp_path_factory.mktemp("adapters")
    fresh = audio_lm.load(tiny_base, device="cpu")
    torch.manual_seed(1)
    kinds = {"strong": {"r": 8}, "weak": {"r": 2}, "dora": {"r": 4, "use_dora": True}}
    names = fresh.linear_names("decoder+head")
    for kind, options in kinds.items():
        config = peft.LoraConfig(target_modules=names, lora_alpha=16, init_lora_weights=False, **options)
        model = peft.get_peft_model(fresh.model, config)
        model.save_pretrained(folder / kind)
        model.unload()
    return {"base": None} | {kind: folder / kind for kind in kinds}


@pytest.fixture(scope="module")
def config():
    from modeling.generation.config import DecodeConfig

    return DecodeConfig(max_new_tokens=12, temperature=0.9, candidates=2, redraw=False)


@pytest.fixture(scope="module")
def prompts(lm, uneven, config):
    from modeling.generation.decode import prepare

    return prepare(lm, read_split(uneven, "train")[:4], config)[0]


def said_by(lm, adapters, keys, prompts, config):
    from modeling.generation.decode import Source, Sources, generate

    sources = Sources(lm, [Source(key, adapters[key]) for key in keys])
    try:
        made = list(generate(sources, prompts, config))
        return {(one.row, one.source, one.index): one.text for one in made}, sources.together()
    finally:
        sources.close()


def test_in_one_batch_each_source_answers_as_it_would_alone(lm, adapters, prompts, config):
    together, groups = said_by(lm, adapters, KEYS, prompts, config)
    assert groups == [["base", "strong", "weak"], ["dora"]]
    alone = {}
    for key in KEYS:
        alone |= said_by(lm, adapters, [key], prompts, config)[0]
    assert together == alone
    for prompt in prompts:
        assert len({together[prompt.encoded.row, key, 0] for key in KEYS}) == len(KEYS)


def test_rows_that_end_early_leave_the_others_as_they_were(lm, adapters, prompts, config, monkeypatch):
    from modeling.backbones.audio_lm import AudioLM

    monkeypatch.setattr(AudioLM, "stop_ids", tuple(range(0, 512, 5)))  # every fifth token ends an answer
    together, _ = said_by(lm, adapters, KEYS[:3], prompts, replace(config, max_new_tokens=30))
    alone, _ = said_by(lm, adapters, KEYS[:3], prompts, replace(config, max_new_tokens=30, tokens_per_batch=1))
    assert len({len(text) for text in together.values()}) > 4
    assert together == alone


def test_the_base_is_itself_again_when_the_adapters_have_gone(lm, adapters, prompts, config):
    before, _ = said_by(lm, adapters, ["base"], prompts[:2], config)
    names = [name for name, _ in lm.model.named_modules()]
    said_by(lm, adapters, ["strong", "dora"], prompts[:2], config)
    assert [name for name, _ in lm.model.named_modules()] == names
    assert said_by(lm, adapters, ["base"], prompts[:2], config)[0] == before


def test_what_is_flagged_is_drawn_once_more_and_the_flag_is_kept(lm, prompts, config, monkeypatch):
    from modeling.generation import decode

    sources = decode.Sources(lm, [decode.Source("base")])
    plain = {(one.row, one.index): one for one in decode.generate(sources, prompts, config)}
    odd = {one.text for one in list(plain.values())[::2]}
    assert len(odd) == len(plain) / 2
    monkeypatch.setattr(decode, "flags_of", lambda text, ids, **_: ("repeats",) if text in odd else ())
    again = {(one.row, one.index): one for one in decode.generate(sources, prompts, replace(config, redraw=True))}
    assert again.keys() == plain.keys()
    for key, one in again.items():
        if plain[key].text in odd:
            assert (one.redrawn, one.flags) == (("repeats",), ())
            assert one.seed == decode.seed_of(config.seed, *key, 1) != plain[key].seed
            assert one.text != plain[key].text
        else:
            assert (one.text, one.seed, one.redrawn) == (plain[key].text, plain[key].seed, ())

    monkeypatch.setattr(decode, "flags_of", lambda text, ids, **_: ("empty",))
    hopeless = list(decode.generate(sources, prompts[:1], replace(config, redraw=True)))
    assert {(one.flags, one.redrawn) for one in hopeless} == {(("empty",), ("empty",))}
    assert {one.text for one in hopeless} == {plain[one.row, one.index].text for one in hopeless}
    greedy = replace(config, redraw=True, temperature=0.0, candidates=1)
    assert {one.redrawn for one in decode.generate(sources, prompts[:1], greedy)} == {()}


def test_how_much_is_shown_is_the_configs_to_say(lm, uneven, config):
    from modeling.generation.decode import prepare

    long = next(one for one in read_split(uneven, "train") if one.row == "train/train-c0/1")  # 30 s, one earlier turn
    shown = {}
    for options in (
        {},
        {"max_turns": 0},
        {"max_audio_seconds": 10.0},
        {"max_audio_seconds": 10.0, "over_long": "windows"},
    ):
        [prompt], _ = prepare(lm, [long], replace(config, **options))
        shown[tuple(options)] = prompt.encoded
    assert shown[()].audio_kept == "whole" and shown["max_turns",].history_cut > 0 == shown[()].history_cut
    tokens = [int((one.input_ids == lm.audio_token_id).sum()) for one in shown.values()]
    assert tokens == [750, 750, 250, 750]
    assert shown["max_audio_seconds", "over_long"].audio_kept == "windows"


def test_a_draw_follows_the_shares_and_stays_within_the_nucleus(config):
    import torch

    from modeling.generation.decode import draw

    shares = torch.tensor([0.02, 0.5, 0.0, 0.28, 0.2])
    luck = [torch.Generator().manual_seed(seed) for seed in range(4000)]
    logits = shares.log().repeat(4000, 1)
    drawn = torch.tensor(draw(logits, luck, replace(config, temperature=1.0)))
    counts = torch.bincount(drawn, minlength=5) / 4000
    assert torch.allclose(counts, shares, atol=0.03)
    drawn = set(draw(logits, luck, replace(config, temperature=1.0, top_p=0.75)))
    assert drawn == {1, 3}
