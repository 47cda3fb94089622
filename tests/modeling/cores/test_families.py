"""Every family that is listed as verified: prompt, labels, audio rows, loss and LoRA on a model of its real class."""

import pytest

from modeling.backbones.errors import BackboneError
from modeling.backbones.example import Example, Message
from modeling.backbones.registry import FAMILIES
from tests.modeling.cores.miniature import clip

pytestmark = pytest.mark.torch
HISTORY = (Message("user", "So quiet!"), Message("assistant", "Turn it up."))
LISTED = [family.key for family in FAMILIES.values() if family.status == "verified"]
LENGTHS = (0.1, 1.6, 12.0)


@pytest.fixture(scope="module")
def opened(tiny_base, tmp_path_factory):
    """Each verified family by its key, opened as the site opens a checkpoint."""
    from modeling.backbones import audio_lm
    from tests.modeling.cores import families

    def one(key):
        made = tiny_base if key == "qwen2_audio" else families.VERIFIED[key](tmp_path_factory.mktemp(key))
        return audio_lm.load(made, device="cpu", dtype="float32")

    return {key: one(key) for key in LISTED}


@pytest.fixture(params=LISTED)
def lm(request, opened):
    return opened[request.param]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [clip(folder / f"{at}.wav", seconds, seed=at) for at, seconds in enumerate(LENGTHS)]


@pytest.fixture
def three(clips):
    """Three turns by hand: a first one with a summary, one with history, one of a silent amateur."""
    return [
        Example("t/1", summary="We balance the drums.", user="Is it muddy?", audio=clips[0], answer="Cut at 300 Hz."),
        Example("t/2", history=HISTORY, user="Better?", audio=clips[1], answer="A bit – yes, 3 dB."),
        Example("t/3", history=HISTORY, audio=clips[2], answer="Leave it."),
    ]


def said(lm, encoded):
    return lm.tokenizer.decode(encoded.labels[encoded.labels != -100])


def test_labels_decode_to_the_answer_and_the_end_of_turn(lm, three):
    for example in three:
        encoded = lm.encode(example)
        assert said(lm, encoded) == f"{example.answer}<|im_end|>"
        assert encoded.labelled == len(encoded) - encoded.prompt_length


def test_all_of_the_experts_turns_can_be_learnt(lm, three):
    encoded = lm.encode(three[1], loss_on="all")
    assert said(lm, encoded) == "Turn it up.<|im_end|>A bit – yes, 3 dB.<|im_end|>"
    assert encoded.input_ids.tolist() == lm.encode(three[1]).input_ids.tolist()


def test_the_prompt_ends_where_the_answer_begins(lm, three):
    for example in three:
        encoded = lm.encode(example)
        tail = lm.tokenizer.decode(encoded.prompt_ids)[-22:]
        assert tail == "<|im_start|>assistant\n"[-22:]
        heard = int((encoded.input_ids == lm.audio_token_id).sum())
        assert heard == len(lm.hear(encoded)) > 0


def test_the_rate_of_audio_tokens_is_the_registrys(lm, three):
    heard = len(lm.hear(lm.encode(three[2])))
    assert heard / LENGTHS[2] == pytest.approx(lm.family.audio_tokens_per_second, rel=0.02)


def test_the_loss_equals_one_computed_from_scratch(lm, three):
    """The class's own forward over everything, the cross-entropy written out; the batch is padded."""
    import torch

    total = count = 0.0
    for example in three:
        encoded = lm.encode(example)
        with torch.no_grad():
            whole = lm.model(
                input_ids=encoded.input_ids[None], attention_mask=torch.ones_like(encoded.input_ids[None]),
                **encoded.features,
            )  # fmt: skip
        logits = whole.logits[0].double()
        chances = logits - logits.logsumexp(-1, keepdim=True)
        at = range(encoded.prompt_length, len(encoded))
        total -= sum(float(chances[i - 1, encoded.input_ids[i]]) for i in at)
        count += len(at)
    for side in ("left", "right"):
        loss, tokens = lm.loss_sum(lm.embed([lm.encode(example) for example in three], side=side))
        assert tokens == count
        assert loss.item() == pytest.approx(total, rel=1e-5)


def test_what_learns_is_in_the_decoder_alone(lm):
    names = lm.linear_names()
    assert len(names) == 2 * 7
    assert all("language_model" in name for name in names)


def test_a_whole_adapter_learns_and_is_kept(lm, three, tmp_path):
    """One step with the door's own parts lowers the loss; every layer that was meant has its gradient."""
    import torch

    from modeling.training import lora
    from modeling.training.config import TrainingConfig

    config = TrainingConfig.from_dict({"scope": "decoder", "dropout": 0.0}, base_kind="tiny")
    encoded = [lm.encode(example) for example in three]
    try:
        model = lora.add_adapter(lm, config)
        learning = [value for value in model.parameters() if value.requires_grad]
        optimizer = torch.optim.AdamW(learning, lr=5e-3)
        losses = []
        for _ in range(4):
            loss, tokens = lm.loss_sum(lm.embed(encoded))
            (loss / tokens).backward()
            assert all(value.grad is not None for value in learning)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        assert losses[-1] < losses[0]
        lora.save_adapter(model, lm.family.key, tmp_path / "adapter")
        assert (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_size > 0
    finally:
        model.unload()


def test_windows_are_several_clips_where_a_family_takes_them(lm, tmp_path):
    from modeling.backbones.clips import AudioPolicy

    example = Example("t/1", audio=clip(tmp_path / "long.wav", 7.0), user="Better?", answer="Yes.")
    policy = AudioPolicy(max_seconds=3.0, over_long="windows")
    if not lm.family.several_clips:
        with pytest.raises(BackboneError, match="hears one clip at a time") as refused:
            lm.encode(example, policy=policy)
        assert refused.value.code == "one-clip"
        return
    encoded = lm.encode(example, policy=policy)
    assert encoded.audio_kept == "windows"
    heard = int((encoded.input_ids == lm.audio_token_id).sum())
    assert heard == len(lm.hear(encoded)) == pytest.approx(7 * 25, abs=3)
    assert said(lm, encoded) == "Yes.<|im_end|>"


def test_what_a_processor_would_drop_unsaid_is_cut_and_recorded(lm, tmp_path):
    """Asked for a minute, a family hears what it can, and the example says so."""
    from modeling.backbones.clips import AudioPolicy

    example = Example("t/1", audio=clip(tmp_path / "long.wav", 45.0), answer="Yes.")
    encoded = lm.encode(example, policy=AudioPolicy(max_seconds=60.0))
    heard = int((encoded.input_ids == lm.audio_token_id).sum())
    whole = lm.family.cuts_windows
    assert (encoded.audio_kept, heard) == (("whole", 1125) if whole else ("tail", 750))
    assert len(lm.hear(encoded)) == heard
