"""Probes find what was planted and nothing else; answers are read as a person would; a verdict names the first loss."""

import numpy as np
import pytest

from modeling.probing import clips, probes, questions, verdict
from modeling.probing.probes import Score

RNG = np.random.default_rng(3)


def test_a_planted_number_is_found_among_many_features_and_noise_is_not():
    target = RNG.uniform(60, 180, 120)
    noise = RNG.standard_normal((120, 300))
    planted = noise.copy()
    planted[:, :20] += 0.05 * target[:, None]
    found = probes.number(planted, target)
    assert found.is_heard and found.score > 0.8 and found.low < found.score < found.high
    nothing = probes.number(noise, target)
    assert not nothing.is_heard and nothing.score < 0.1


def test_planted_classes_are_found_and_noise_is_not():
    target = RNG.permutation(np.arange(80) % 4)
    noise = RNG.standard_normal((80, 20))
    planted = noise + 2 * RNG.standard_normal((4, 20))[target]
    found = probes.classes(planted, target, 4)
    assert found.is_heard and found.score > 0.9
    nothing = probes.classes(noise, target, 4)
    assert not nothing.is_heard and nothing.score < 0.5


def test_features_that_never_change_tell_nothing():
    constant = np.full((60, 8), 3.0)
    assert probes.number(constant, RNG.uniform(size=60)).score <= 0
    assert not probes.classes(constant, np.arange(60) % 3, 3).is_heard


def test_a_ridge_fit_is_the_textbooks():
    x, y = RNG.standard_normal((50, 3)), RNG.standard_normal(50)
    weights = probes._ridge(x, y)
    fits = [np.linalg.solve(x.T @ x + p * np.mean(np.linalg.svd(x)[1] ** 2) * np.eye(3), x.T @ y)
            for p in probes.PENALTIES]  # fmt: skip
    assert min(np.abs(weights - fit).max() for fit in fits) < 1e-10


def test_clips_have_what_they_say_and_are_the_same_for_one_seed():
    made = clips.make(40, seed=1, seconds=3)
    again = clips.make(40, seed=1, seconds=3)
    assert all((one.sound == other.sound).all() for one, other in zip(made, again, strict=True))
    assert not (made[0].sound == clips.make(40, seed=2, seconds=3)[0].sound).all()
    for clip in made:
        rms = 20 * np.log10(np.sqrt(np.mean(clip.mono**2)))
        assert rms == pytest.approx(clip.truth["level"], abs=0.01)
        left, right = (clip.sound**2).mean(axis=0)
        assert (left > right) == (clip.truth["pan"] < 0)
        assert np.abs(clip.sound).max() < 2
        if clips.INSTRUMENTS[int(clip.truth["instrument"])] == "guitar":
            assert abs(_onsets(clip.mono) - 3 * clip.truth["tempo"] / 60) <= 1.5
    counts = np.bincount([int(clip.truth["instrument"]) for clip in made])
    assert counts.tolist() == [8] * 5
    truths = np.array([[clip.truth[name] for name in clips.PROPERTIES] for clip in clips.make(400, seconds=0.1)])
    apart = np.corrcoef(truths.T) - np.eye(6)
    assert np.abs(apart).max() < 0.15


def _onsets(wave: np.ndarray) -> int:
    energy = (wave[: len(wave) // 160 * 160].reshape(-1, 160) ** 2).mean(1)
    rises = np.diff(np.log(energy + 1e-3 * energy.max()))
    strong = rises > 0.4
    return int((strong[1:] & ~strong[:-1]).sum() + strong[0])


@pytest.mark.parametrize(
    ("name", "answer", "read"),
    [
        ("tempo", "About 120 BPM, I think.", 120.0),
        ("tempo", "In 4/4 it is 92.5 bpm", 92.5),
        ("tempo", "Fast.", None),
        ("level", "−23 dBFS", -23.0),
        ("level", "loud", None),
        ("key", "F# major", 6.0),
        ("key", "It is a B♭ major tune", 10.0),
        ("key", "The key is A flat major.", 8.0),
        ("key", "C", 0.0),
        ("key", "A bright clip", None),
        ("instrument", "A guitar.", 3.0),
        ("instrument", "guitar or bell", None),
        ("pan", "To the left", -1.0),
        ("pan", "left and right", None),
        ("tilt", "Rather bright", 1.0),
    ],
)
def test_an_answer_is_read_or_is_none(name, answer, read):
    assert questions.read(name, answer) == read


YES, NO = Score(0.8, 0.7, 0.9, 0.1), Score(0.05, -0.1, 0.2, 0.1)


@pytest.mark.parametrize(
    ("heard", "lost"),
    [
        ("clip mel tower projector answer", "nowhere"),
        ("clip mel tower projector", "language model"),
        ("clip mel tower", "projector"),
        ("tower", "projector"),
        ("clip mel", "encoder"),
        ("clip", "before"),
        ("", "unknown"),
    ],
)
def test_the_first_stage_that_loses_it_is_named(heard, lost):
    scores = {stage: YES if stage in heard.split() else NO for stage in verdict.STAGES}
    assert verdict.where(scores) == lost
    assert verdict.WHERE[lost].endswith(".")
    if lost in ("language model", "nowhere"):
        del scores["answer"]
        assert verdict.where(scores) == "not asked"
