"""Whether raters could tell, whether texts give themselves away, and what a judge's errors do to a share."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluation.stats import blinding, correction, leak


@pytest.mark.parametrize(
    ("guesses", "index"), [((50, 50, 0), 0), ((10, 0, 0), 1), ((0, 10, 0), -1), ((30, 10, 60), 0.2), ((0, 0, 7), 0)]
)
def test_bangs_index(guesses, index):
    assert blinding.bang_index(*guesses) == pytest.approx(index)
    low, high = blinding.bang_interval(*guesses)
    assert -1 <= low <= index <= high <= 1


def test_bangs_index_is_its_formula_and_has_the_error_of_a_mean_of_guesses():
    c, w, d = 30, 10, 60
    assert blinding.bang_index(c, w, d) == pytest.approx((2 * c / (c + w) - 1) * (c + w) / 100)
    guesses = np.repeat([1, -1, 0], [c, w, d])
    low, high = blinding.bang_interval(c, w, d)
    assert (high - low) / 2 == pytest.approx(1.959964 * guesses.std() / 10)


def test_nobody_asked_is_no_blinding():
    assert blinding.bang_index(0, 0, 0) is None
    assert blinding.bang_interval(0, 0, 0) is None
    with pytest.raises(ValueError, match="counts"):
        blinding.bang_index(-1, 0, 0)


def leaking(shift, size=600, kinds=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, kinds, size)
    features = rng.normal(size=(size, 3)) * [1, 50, 0.01]
    features[:, 1] += 50 * shift * labels
    return features, labels, rng.integers(0, 60, size)


def test_texts_that_differ_in_nothing_leak_nothing():
    assert leak.auc(*leaking(0)) == pytest.approx(0.5, abs=0.05)


def test_a_shift_of_one_deviation_leaks_as_much_as_the_normal_curve_says():
    assert leak.auc(*leaking(1, 4000)) == pytest.approx(0.7602, abs=0.02)  # Φ(1 / √2)
    features, labels, groups = leaking(1, 4000)
    assert leak.auc(features, np.array(["expert", "model"])[labels], groups) == leak.auc(features, labels, groups)
    assert leak.auc(features[:, 1], labels, groups) == pytest.approx(roc_auc_score(labels, features[:, 1]), abs=0.01)


def test_three_contenders_leak_each_against_the_rest():
    assert leak.auc(*leaking(3, kinds=3)) > 0.8
    assert leak.auc(*leaking(0, 3000, kinds=3)) == pytest.approx(0.5, abs=0.05)


def test_what_is_learnt_from_an_item_is_not_asked_of_it():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(80), 4)
    labels = np.repeat(rng.integers(0, 2, 80), 4)
    features = np.repeat(rng.normal(size=(80, 40)), 4, axis=0)  # an item's own fingerprint, and no more
    assert leak.auc(features, labels, groups) == pytest.approx(0.5, abs=0.15)
    assert leak.auc(features, labels, np.arange(320)) > 0.8  # planted: items on both sides


def test_where_nothing_can_leak_there_is_no_area():
    features, labels, groups = leaking(1)
    assert leak.auc(features, np.zeros(600), groups) is None
    assert leak.auc(features, labels, np.zeros(600)) is None
    assert leak.auc(np.zeros((0, 2)), [], []) is None
    assert leak.auc(features, labels, labels) is None  # no group holds two labels
    assert leak.auc(np.ones((600, 2)), labels, groups) == pytest.approx(0.5)
    assert leak.auc(1e9 * labels[:, None], labels, groups) == pytest.approx(1)
    with pytest.raises(ValueError, match="features finite"):
        leak.auc([[float("nan")]], [1], [1])


def test_the_surface_of_a_text():
    text = "Um, I would cut the low mids.\n- first\n- then\nYou know, we like it!"
    found = dict(zip(leak.SURFACE, leak.surface(text), strict=True))
    words = len(text.split())
    assert found["characters"] == len(text)
    assert found["sentences"] == 2
    assert found["list markers"] == 2
    assert found["filler words"] == pytest.approx(300 / words)  # um, you know, like
    assert found["first person"] == pytest.approx(200 / words)
    assert found["punctuation"] == pytest.approx(600 / words)
    assert np.all(leak.surface("") == 0)


def test_rogan_and_gladen_by_hand():
    found = correction.rogan_gladen(40, 100, 90, 100, 80, 100)
    assert found.value == pytest.approx((0.4 + 0.8 - 1) / 0.7)
    theta = 2 / 7
    variance = (0.4 * 0.6 / 100 + (1 - theta) ** 2 * 0.16 / 100 + theta**2 * 0.09 / 100) / 0.49
    assert found.se == pytest.approx(np.sqrt(variance))
    assert found.low == pytest.approx(theta - 1.959964 * np.sqrt(variance))
    assert found.enough


def test_a_flawless_judge_needs_no_correction_and_a_coin_has_none():
    assert correction.rogan_gladen(30, 100, 40, 40, 40, 40).value == pytest.approx(0.3)
    assert not correction.rogan_gladen(30, 100, 40, 40, 40, 40).enough
    assert correction.rogan_gladen(30, 100, 20, 40, 20, 40) is None
    assert correction.rogan_gladen(0, 0, 20, 40, 30, 40) is None
    assert correction.rogan_gladen(0, 100, 90, 100, 80, 100).value == 0
    with pytest.raises(ValueError, match="between 0 and"):
        correction.rogan_gladen(5, 4, 1, 1, 1, 1)


def test_prediction_powered_by_hand():
    everywhere, judge, human = [1, 0, 1, 1], [1, 0, 1], [1, 0, 0]
    found = correction.ppi(everywhere, judge, human)
    assert found.value == pytest.approx(0.75 - 1 / 3)
    assert found.se == pytest.approx(np.sqrt(0.25 / 4 + (1 / 3) / 3))
    assert not found.enough
    assert correction.ppi([1, 0], [], []) is None
    assert correction.ppi([], [1, 0], [1, 0]) is None
    with pytest.raises(ValueError, match="two of one length"):
        correction.ppi([1], [1, 0], [1])
    with pytest.raises(ValueError, match="left out"):
        correction.ppi([1, float("nan")], [1, 0], [1, 0])


def test_both_corrections_hold_where_the_raw_judge_does_not():
    rng = np.random.default_rng(0)
    held = {"rogan": 0, "ppi": 0, "raw": 0}
    for _ in range(300):
        people = rng.random(1200) < 0.5
        judge = np.where(people, rng.random(1200) < 0.9, rng.random(1200) < 0.3)
        known, asked = slice(0, 200), slice(200, None)
        right = people[known] == judge[known]
        yes = people[known]
        rogan = correction.rogan_gladen(
            int(judge[asked].sum()),
            1000,
            int((right & yes).sum()),
            int(yes.sum()),
            int((right & ~yes).sum()),
            int((~yes).sum()),
        )
        powered = correction.ppi(judge[asked], judge[known], people[known])
        held["rogan"] += rogan.low <= 0.5 <= rogan.high
        held["ppi"] += powered.low <= 0.5 <= powered.high
        raw = judge[asked].mean()
        held["raw"] += abs(raw - 0.5) < 1.96 * np.sqrt(raw * (1 - raw) / 1000)
    assert held["rogan"] / 300 > 0.92 and held["ppi"] / 300 > 0.92
    assert held["raw"] / 300 < 0.05
