"""A tower that is made to encode tempo scores, one that isn't doesn't, and a projector that drops it is named."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
CLIPS = 60


@pytest.fixture(scope="module")
def lm(tmp_path_factory):
    import torch

    from modeling.backbones import audio_lm, tiny

    torch.set_num_threads(1)
    return audio_lm.load(tiny.make(tmp_path_factory.mktemp("bases") / "tiny"), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def made():
    from modeling.probing import clips

    return clips.make(CLIPS, seed=2, seconds=2.0)


def tower(lm, writes):
    """Let the tower give fixed rows, with what `writes` finds in the mel spectrogram in their first place."""
    import torch

    fixed = torch.randn(750, 32, generator=torch.Generator().manual_seed(0))

    def plant(module, args, kwargs, output):
        mel = args[0] if args else kwargs["input_features"]
        rows = fixed.clone()[None]
        rows[..., 0] += writes(mel[0])
        output.last_hidden_state = rows
        return output

    module = next(part for name, part in lm.model.named_modules() if name.endswith("audio_tower"))
    return module.register_forward_hook(plant, with_kwargs=True)


def pace(mel) -> float:
    """Beats a minute, by the strongest repeat of the rises of a log mel spectrogram (bands, frames of 10 ms)."""
    rises = np.maximum(0, np.diff(mel[:, :200].mean(0).numpy()))
    rises = rises - rises.mean()
    lags = np.arange(33, 101)  # 60 to 180 beats a minute
    strength = [np.sum(rises[:-lag] * rises[lag:]) / (len(rises) - lag) for lag in lags]
    return 60 / (lags[int(np.argmax(strength))] / 100) / 40


def scores(lm, made, folder):
    from modeling.probing import hearing, run

    features = hearing.features(lm, made, folder)
    truth = np.array([clip.truth["tempo"] for clip in made])
    return {stage: run.score("tempo", found, truth, 0) for stage, found in features.items()}


def test_a_tower_that_encodes_tempo_scores_and_a_deaf_one_does_not(lm, made, tmp_path):
    from modeling.probing import verdict

    hook = tower(lm, pace)
    try:
        found = scores(lm, made, tmp_path)
    finally:
        hook.remove()
    assert found["tower"].is_heard and found["tower"].score > 0.3, found
    assert found["projector"].is_heard
    assert verdict.where(found) == "not asked"

    hook = tower(lm, lambda mel: float(mel.std() * 0))
    try:
        deaf = scores(lm, made, tmp_path)
    finally:
        hook.remove()
    assert not deaf["tower"].is_heard and not deaf["projector"].is_heard
    assert deaf["tower"].score < 0.05
    assert deaf["mel"] == found["mel"]  # the clips are the same


def test_a_projector_that_drops_it_is_where_it_is_lost(lm, made, tmp_path):
    import torch

    from modeling.probing import hearing, verdict

    weight = hearing.projector_of(lm.model).linear.weight
    before = weight[:, 0].clone()
    hook = tower(lm, pace)
    try:
        with torch.no_grad():
            weight[:, 0] = 0
        found = scores(lm, made, tmp_path)
    finally:
        hook.remove()
        with torch.no_grad():
            weight[:, 0] = before
    assert found["tower"].is_heard and not found["projector"].is_heard
    assert verdict.where(found) == "projector"


def test_a_whole_probe_asks_and_tells_its_verdicts(lm, monkeypatch):
    from modeling.probing import clips, questions, run, verdict

    made = clips.make(40, seconds=1.0)
    monkeypatch.setattr(clips, "make", lambda count, **_: made)
    monkeypatch.setattr(clips, "PROPERTIES", ("level", "pan"))  # of the six, to be quick
    monkeypatch.setattr(questions, "QUESTIONS", {name: questions.QUESTIONS[name] for name in ("level", "pan")})
    told = run.probe(lm, clips=40, seconds=1.0)
    assert set(told) == {"level", "pan"}
    for one in told.values():
        assert set(one["stages"]) == set(verdict.STAGES)
        assert one["where"] in verdict.WHERE
        assert all(stage["low"] <= stage["high"] for stage in one["stages"].values())
        assert 0 <= one["read"] <= 1
    heard = {name: {stage for stage, of in one["stages"].items() if of["heard"]} for name, one in told.items()}
    assert {"mel", "tower"} <= heard["level"]  # even random weights pass loudness on
    assert "clip" in heard["pan"] and not {"mel", "tower"} & heard["pan"]
