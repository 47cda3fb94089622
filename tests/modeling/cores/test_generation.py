"""A batch answers as each row would alone, the base beside its adapters, and each candidate has its own luck."""

from dataclasses import replace

import pytest

from modeling.backbones.errors import GenerationError
from modeling.training.examples import read_split

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def lm(tiny_base):
    """One base for all tests here: switching sources leaves nothing behind, and clips need to be heard once."""
    from modeling.backbones import audio_lm

    return audio_lm.load(tiny_base, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def config():
    from modeling.generation.decode import DecodeConfig

    return DecodeConfig(max_new_tokens=40)


@pytest.fixture(scope="module")
def learnt_sources(lm, learnt):
    from modeling.generation.decode import Source, Sources

    return Sources(lm, [Source("base"), Source("run.7", learnt[1] / "adapter")])


@pytest.fixture(scope="module")
def prompts(lm, uneven, config):
    from modeling.generation.decode import prepare

    found, refused = prepare(lm, read_split(uneven, "train"), config)
    assert refused == []
    return found


def texts(sources, prompts, config, **options):
    from modeling.generation.decode import generate

    return {(c.row, c.source, c.index): c.text for c in generate(sources, prompts, config, **options)}


def test_the_adapter_says_what_it_learnt_and_the_base_does_not(learnt_sources, prompts, config, uneven):
    said = texts(learnt_sources, prompts, config)
    answers = {example.row: example.answer for example in read_split(uneven, "train")}
    assert {row: said[row, "run.7", 0] for row in answers} == answers
    assert not any(said[row, "base", 0] == answer for row, answer in answers.items())


def test_a_batch_answers_as_each_row_does_alone(learnt_sources, prompts, config):
    together = texts(learnt_sources, prompts, config)
    alone = texts(learnt_sources, prompts, replace(config, tokens_per_batch=1))
    assert together == alone


def test_padding_on_the_right_would_not(learnt_sources, prompts, config):
    from modeling.generation.decode import Wanted, answer

    wanted = [Wanted(prompt, "run.7", (0,)) for prompt in prompts]
    left = answer(learnt_sources, wanted, config)
    right = answer(learnt_sources, wanted, config, side="right")
    same = sum(one.ids == other.ids for one, other in zip(left, right, strict=True))
    assert same < len(prompts) / 2


def test_greedy_answers_are_those_of_the_classes_own_generate(learnt_sources, prompts, config, lm, uneven):
    import torch

    from modeling.generation.decode import Wanted, answer

    for example, prompt in list(zip(read_split(uneven, "train"), prompts, strict=True))[:5]:
        encoded = lm.encode(example, with_answer=False)
        ids = encoded.input_ids[None]
        [ours] = answer(learnt_sources, [Wanted(prompt, "base", (0,))], config)
        with learnt_sources.answering(["base"]), torch.no_grad():
            whole = lm.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), **encoded.features, do_sample=False,
                max_new_tokens=config.max_new_tokens,
            )  # fmt: skip
        theirs = whole[0, ids.shape[1] :].tolist()
        assert list(ours.ids) + ([theirs[-1]] if ours.stop == "end" else []) == theirs


def test_candidates_differ_by_their_luck_and_repeat_with_it(learnt_sources, prompts, config):
    drawn = replace(config, temperature=1.5, top_p=0.95, candidates=3, max_new_tokens=12)
    first = texts(learnt_sources, prompts[:3], drawn)
    assert len(first) == 3 * 2 * 3
    assert len({first[prompts[0].encoded.row, "base", index] for index in range(3)}) == 3
    assert texts(learnt_sources, prompts[:3], drawn) == first
    assert texts(learnt_sources, prompts[:3], replace(drawn, seed=1)) != first


def test_several_candidates_at_once_are_those_made_one_by_one(learnt_sources, prompts, config):
    drawn = replace(config, temperature=1.0, candidates=3, max_new_tokens=12)
    whole = texts(learnt_sources, prompts[:4], drawn)
    done = {key for key in whole if key[2] != 1}
    holes = texts(learnt_sources, prompts[:4], drawn, skip=done)
    assert set(holes) == set(whole) - done
    assert holes == {key: whole[key] for key in holes}


def test_a_nucleus_of_almost_nothing_is_greedy(learnt_sources, prompts, config):
    greedy = texts(learnt_sources, prompts[:3], config)
    assert texts(learnt_sources, prompts[:3], replace(config, temperature=0.7, top_p=1e-6)) == greedy


def test_a_candidate_leads_back_to_what_made_it(learnt_sources, prompts, config, lm, learnt):
    from modeling.generation.decode import generate

    made = list(generate(learnt_sources, prompts, config))
    assert {one.source: one.adapter_sha256 for one in made} == {"base": None, "run.7": learnt[0]["adapter_sha256"]}
    assert {one.base_revision for one in made} == {lm.revision}
    by_row = {prompt.encoded.row: prompt.encoded for prompt in prompts}
    for one in made:
        assert one.prompt_sha256 == by_row[one.row].prompt_sha256
        assert one.stop == ("end" if "max-length" not in one.flags else "length")
        assert one.tokens <= config.max_new_tokens
        assert "\x00" not in one.text
        assert "<|" not in one.text


def test_stopping_drops_the_batch_in_hand_and_no_other(learnt_sources, prompts, config):
    small = replace(config, tokens_per_batch=1)
    whole = texts(learnt_sources, prompts, small)
    calls = iter(range(10_000))
    some = texts(learnt_sources, prompts, small, should_stop=lambda: next(calls) > 100)
    assert 0 < len(some) < len(whole)
    assert some.items() <= whole.items()


def test_a_row_that_cannot_be_answered_is_refused_by_itself(lm, prompts, uneven, config):
    from modeling.generation.decode import prepare

    examples = read_split(uneven, "train")
    examples[0] = replace(examples[0], user=None, audio=None, history=(), summary=None)
    found, refused = prepare(lm, examples, config)
    assert len(found) == 7
    assert [(one["row"], one["code"]) for one in refused] == [("train/train-c0/0", "nothing-asked")]


def test_an_adapter_that_is_not_there_or_does_not_fit_is_named(tiny_base, tmp_path, learnt):
    import shutil

    from safetensors.torch import load_file, save_file

    from modeling.backbones import audio_lm
    from modeling.generation.decode import Source, Sources

    lm = audio_lm.load(tiny_base, device="cpu")
    with pytest.raises(GenerationError, match="The adapter gone has no safetensors"):
        Sources(lm, [Source("gone", tmp_path)])
    other = shutil.copytree(learnt[1] / "adapter", tmp_path / "other")
    weights = load_file(other / "adapter_model.safetensors")
    save_file({name: value[:, :8].contiguous() for name, value in weights.items()}, other / "adapter_model.safetensors")
    with pytest.raises(GenerationError, match="does not fit this base"):
        Sources(lm, [Source("other", other)])


@pytest.mark.parametrize("values", [{"temprature": 1}, {"temperature": -1}, {"top_p": 0}, {"candidates": "4"}])
def test_an_option_that_it_does_not_know_is_refused(values):
    from modeling.generation.decode import DecodeConfig

    with pytest.raises(GenerationError, match=next(iter(values))):
        DecodeConfig.from_dict(values)
