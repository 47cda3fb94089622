"""Agreement, guesses, criteria and length from columns of votes."""

from dataclasses import replace

import numpy as np
import pytest

from annotation import agreement
from evaluation.findings import people, preference
from evaluation.findings.moving import changes
from evaluation.findings.votes import BOTH_BAD, UNASKED, Votes
from evaluation.stats import davidson


def some(n=600, raters=12, items=10, names=3, seed=0, **more) -> Votes:
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(names) for j in range(i + 1, names)]
    cells = [(rater, item, pair) for rater in range(raters) for item in range(items) for pair in pairs]
    taken = rng.permutation(len(cells))[:n]
    rater, item, pair = (np.array(column) for column in zip(*[cells[at] for at in taken], strict=True))
    one, other = pair[:, 0], pair[:, 1]
    taste = rng.normal(0, 1, (items, len(pairs)))[item, one + other - 1]
    outcome = np.where(
        rng.random(len(taken)) < 0.2, rng.integers(2, 4, len(taken)), rng.random(len(taken)) > 0.5 + taste / 5
    )
    told = {
        "names": tuple("abcde"[:names]),
        "items": tuple(f"i{each}" for each in range(items)),
        "raters": tuple(f"r{each}" for each in range(raters)),
        "item": item, "rater": rater, "one": one, "other": other, "outcome": outcome.astype(int),
        "left": np.where(rng.random(len(taken)) < 0.5, one, other),
        "ms": np.full(len(taken), 9000), "strength": np.zeros(len(taken), int),
        "guess": np.full(len(taken), UNASKED), "topic": np.array([f"t{each % 2}" for each in item], dtype=object),
    }  # fmt: skip
    return Votes(**(told | more))


def test_agreement_is_that_of_the_core():
    votes = some(n=250)
    found = people.agreement_of(votes)
    units = votes.item * 9 + votes.one * 3 + votes.other
    table = np.full((12, units.max() + 1), np.nan)
    table[votes.rater, units] = votes.outcome
    assert found["percent"]["value"] == pytest.approx(agreement.percent(table))
    assert found["ac1"]["value"] == pytest.approx(agreement.gwet_ac1(table))
    assert found["alpha"]["value"] == pytest.approx(agreement.krippendorff_alpha(table))
    prevalence = list(agreement.prevalence(table).values())
    assert [each["share"] for each in found["prevalence"]] == pytest.approx(prevalence)
    for name in ("percent", "ac1", "alpha"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_preferences_with_their_strength_agree_as_ordered_steps():
    plain = some(n=250)
    assert people.agreement_of(plain)["ordinal"] is None  # the four outcomes have no strength
    sided = plain.outcome < 2
    strength = np.where(sided, np.random.default_rng(4).integers(1, 3, len(plain)), 0)
    votes = replace(plain, strength=strength)
    found = people.agreement_of(votes)["ordinal"]
    table = np.full((12, 90), np.nan)
    step = np.where(votes.outcome == 2, 0, np.where(votes.outcome == 0, -strength, strength))
    rated = votes.outcome != BOTH_BAD  # it is not between two contenders
    table[votes.rater[rated], (votes.item * 9 + votes.one * 3 + votes.other)[rated]] = step[rated]
    assert found["value"] == pytest.approx(agreement.krippendorff_alpha(table, "ordinal"))
    assert found["low"] <= found["value"] <= found["high"]
    alike = replace(plain, outcome=np.zeros(len(plain), int), strength=np.ones(len(plain), int))
    assert people.agreement_of(alike)["ordinal"] is None


def test_agreement_on_one_outcome_has_a_per_cent_and_no_coefficient():
    found = people.agreement_of(some(outcome=np.full(360, BOTH_BAD)))
    assert found["percent"]["value"] == 1
    assert found["ac1"] is found["alpha"] is None


def test_guesses_are_of_the_side_that_the_expert_stood_on():
    votes = some()
    right = np.where(votes.left == 0, 0, 1)
    found = people.blinding_of(replace(votes, guess=right), "a")
    assert (found["index"], found["wrong"], found["unsure"]) == (1, 0, 0)
    assert found["asked"] == int(((votes.one == 0) | (votes.other == 0)).sum())
    assert people.blinding_of(replace(votes, guess=1 - right), "a")["index"] == -1
    coin = np.random.default_rng(5).integers(0, 3, len(votes))
    found = people.blinding_of(replace(votes, guess=coin), "a")
    assert found["low"] < 0 < found["high"]
    assert people.blinding_of(votes, None)["index"] is None


def test_length_explains_what_only_length_decides():
    votes = some(n=1200, raters=20, items=20, seed=3)
    rng = np.random.default_rng(1)
    lengths = {(name, item): int(rng.integers(100, 500)) for name in "abc" for item in votes.items}
    lengths |= {("c", item): lengths["c", item] + 150 for item in votes.items}
    size = np.array([[lengths[name, item] for item in votes.items] for name in "abc"])
    longer = size[votes.one, votes.item] > size[votes.other, votes.item]
    flip = rng.random(len(votes)) < 0.2
    found = people.length_of(replace(votes, outcome=np.where(longer ^ flip, 0, 1)), lengths)
    assert found["longer_wins"]["share"] == pytest.approx(0.8, abs=0.05)
    assert found["low"] > 0
    a_c = found["pairs"][1]
    assert abs(a_c["controlled"] - 0.5) < abs(a_c["raw"] - 0.5)


def test_a_criterion_that_follows_the_whole_is_said_to():
    votes = some()
    copied = np.where(votes.outcome <= 1, votes.outcome, UNASKED)
    rows = people.criteria_of(replace(votes, criteria={"helpfulness": copied}))
    assert [row["as_the_whole"] for row in rows] == [1.0, 1.0, 1.0]
    pair = preference.pair(votes, 0, 1)
    assert (rows[0]["wins"], rows[0]["losses"]) == (pair["wins"], pair["losses"])


def test_davidsons_clustered_errors_are_the_models_own_where_votes_stand_alone():
    rng = np.random.default_rng(8)
    n = 4000
    one, other = np.zeros(n, int), rng.integers(1, 3, n)
    score = rng.choice([1, 0, -1], size=n, p=[0.45, 0.2, 0.35])
    swap = rng.random(n) < 0.5
    one, other, score = np.where(swap, other, one), np.where(swap, one, other), np.where(swap, -score, score)
    wins, ties = np.zeros((3, 3)), np.zeros((3, 3))
    np.add.at(wins, (one[score == 1], other[score == 1]), 1)
    np.add.at(wins, (other[score == -1], one[score == -1]), 1)
    np.add.at(ties, (one[score == 0], other[score == 0]), 1)
    fit = davidson.fit(wins, ties + ties.T)
    wide = davidson.clustered(fit, one, other, score, (np.arange(n),))
    assert np.sqrt(np.diag(wide)) == pytest.approx(fit.se, rel=0.05)
    twice = davidson.clustered(fit, one, other, score, (np.arange(n) // 2 % 40,))
    assert twice.shape == (3, 3)


def test_holm_is_over_all_pairs():
    found = preference.of(some(seed=1), draws=200, seed=0)
    for pair in found["pairs"]:
        assert pair["p"] <= pair["p_holm"] <= 1


def test_changes_name_the_row_and_both_values():
    before = {"rows": [{"name": "a", "wins": 1}, {"name": "b", "wins": 2}], "x": None}
    after = {"rows": [{"name": "b", "wins": 3}, {"name": "a", "wins": 1}], "x": None}
    assert changes(before, after) == [{"what": "rows › b › wins", "before": 2, "after": 3}]
    assert changes(before, before) == []
