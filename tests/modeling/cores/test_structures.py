"""Families that are listed as structural: all but the prompt, on a model of the real class and ids by hand."""

import pytest

from modeling.backbones.registry import FAMILIES

pytestmark = pytest.mark.torch
LISTED = [family.key for family in FAMILIES.values() if family.status == "structural"]


class Words:
    """As much of a tokenizer and a processor as ids by hand need."""

    pad_token_id = 0
    eos_token = "</s>"
    audio_token = "[AUDIO]"

    def __init__(self):
        self.tokenizer = self

    def convert_tokens_to_ids(self, token):
        return 24

    def get_added_vocab(self):
        return {}

    def apply_chat_template(self, *args, **options):
        return ""


@pytest.fixture(params=LISTED)
def lm(request, tmp_path):
    import torch
    import transformers

    from modeling.backbones.audio_lm import AudioLM
    from tests.modeling.cores import families

    family = FAMILIES[request.param]
    folder = families.STRUCTURAL[family.key](tmp_path)
    model = getattr(transformers, family.class_name).from_pretrained(folder).eval()
    model.requires_grad_(False)
    return AudioLM(
        model=model, processor=Words(), family=family, revision="r", device=torch.device("cpu"), dtype=torch.float32
    )


def encoded(lm, answer: list[int], row: str, asked: int):
    import torch

    from modeling.backbones.audio_lm import Encoded
    from tests.modeling.cores.families import heard_by

    features, tokens = heard_by(lm.family.key)
    prompt = [30, *[24] * tokens, *range(31, 31 + asked)]
    return Encoded(
        row=row, input_ids=torch.tensor(prompt + answer), labels=torch.tensor([-100] * len(prompt) + answer),
        prompt_length=len(prompt), features=features, clip_key="one", audio_kept="whole", history_cut=0,
    )  # fmt: skip


def test_the_loss_equals_one_computed_from_scratch(lm):
    import torch

    batch = [encoded(lm, [40, 41, 42], "a", 2), encoded(lm, [50, 2], "b", 9), encoded(lm, [60, 61, 62, 2], "c", 1)]
    total = 0.0
    for one in batch:
        with torch.no_grad():
            logits = lm.model(input_ids=one.input_ids[None], **one.features).logits[0].double()
        chances = logits - logits.logsumexp(-1, keepdim=True)
        total -= sum(float(chances[i - 1, one.input_ids[i]]) for i in range(one.prompt_length, len(one)))
    for side in ("left", "right"):
        loss, tokens = lm.loss_sum(lm.embed(batch, side=side))
        assert tokens == 9
        assert loss.item() == pytest.approx(total, rel=1e-5)


def test_what_learns_is_in_the_decoder_alone(lm):
    names = lm.linear_names()
    assert len(names) == 2 * 7
    assert all("language_model" in name for name in names)
    assert len(lm.linear_names("decoder+head")) == 2 * 7 + 1
