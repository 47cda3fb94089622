"""A judge's shares, corrected by votes: what they come to, how wide they are, and when nothing can be said."""

import random
from statistics import mean

import numpy as np
import pytest

from evaluation.opinions.correcting import ENOUGH, corrected
from evaluation.opinions.rankings import majority, preferences
from evaluation.stats import correction

NAMES = ["expert", "adapter"]


def world(rng, items, labelled, *, wins=0.6, hears=0.85, mishears=0.3, orders=2, votes=1):
    """People prefer the expert in `wins` of the items; the judge says so in `hears` of these, `mishears` of others."""
    said, voted = {}, {}
    for n in range(items):
        true = rng.random() < wins
        says = rng.random() < (hears if true else mishears)
        said[f"r{n:04}", 0, 1] = [1 if says else -1] * orders
        if n < labelled:
            voted[f"r{n:04}", 0, 1] = [1 if true else -1] * votes
    return said, voted


def correct(said, voted):
    decided, _ = preferences(said)
    most = {pair: best for pair, those in voted.items() if (best := majority(those)) is not None}
    return corrected(said, voted, decided, most, NAMES)


def test_it_is_what_the_formulas_say():
    said, voted = world(random.Random(1), 400, 150)
    found = correct(said, voted)
    assert (found.labelled, found.unlabelled, found.why_not) == (150, 250, "")
    judge = {pair: (1 + those[0]) / 2 for pair, those in said.items()}
    people = {pair: (1 + those[0]) / 2 for pair, those in voted.items()}
    rest = [judge[pair] for pair in sorted(said) if pair not in voted]
    both = sorted(voted)
    want = correction.ppi(rest, [judge[p] for p in both], [people[p] for p in both])
    [expert, adapter] = found.rows
    assert (expert.ppi.value, expert.ppi.low, expert.ppi.high) == pytest.approx((want.value, want.low, want.high))
    assert expert.judge.value == pytest.approx(mean(judge.values()))
    assert expert.people.value == pytest.approx(mean(people.values()))
    yes = [p for p in both if people[p] == 1]
    no = [p for p in both if people[p] == 0]
    counts = (sum(map(int, rest)), len(rest), sum(judge[p] == 1 for p in yes), len(yes))
    want = correction.rogan_gladen(*counts, sum(judge[p] == 0 for p in no), len(no))
    assert expert.rogan_gladen.value == pytest.approx(want.value)
    assert expert.ppi.value + adapter.ppi.value == pytest.approx(1)
    assert expert.rogan_gladen.value + adapter.rogan_gladen.value == pytest.approx(1)


def test_a_biased_judge_is_brought_back_and_the_truth_lies_within_nineteen_of_twenty_intervals():
    rng = random.Random(2)
    hits = {"ppi": 0, "rogan_gladen": 0, "judge": 0}
    values = []
    for _ in range(150):
        said, voted = world(rng, 400, 150)
        [expert, _] = correct(said, voted).rows
        values.append(expert.ppi.value)
        for name in hits:
            share = getattr(expert, name)
            hits[name] += share.low <= 0.6 <= share.high
    assert mean(values) == pytest.approx(0.6, abs=0.01)
    assert all(134 <= hits[name] <= 150 for name in ("ppi", "rogan_gladen")), hits  # 142.5 ± 3 standard deviations
    assert hits["judge"] < 134  # as it stands it is off: 0.63


def test_pairs_of_one_item_count_as_one_item():
    """Two pairs that always say the same are no more than one: the interval is as wide."""
    said, voted = world(random.Random(3), 300, 120)
    one = correct(said, voted)
    twice = {**said, **{(row, 0, 2): those for (row, _, _), those in said.items()}}
    votes = {**voted, **{(row, 0, 2): those for (row, _, _), those in voted.items()}}
    decided, _ = preferences(twice)
    most = {pair: those[0] for pair, those in votes.items()}
    both = corrected(twice, votes, decided, most, [*NAMES, "base"])
    assert (both.labelled, both.unlabelled) == (120, 180)
    assert (both.rows[0].ppi.low, both.rows[0].ppi.high) == pytest.approx((one.rows[0].ppi.low, one.rows[0].ppi.high))
    width = lambda share: share.high - share.low  # noqa: E731
    assert width(both.rows[0].rogan_gladen) == pytest.approx(width(one.rows[0].rogan_gladen), rel=0.15)


@pytest.mark.parametrize(
    ("items", "labelled", "sentence"),
    [
        (0, 0, "This judge has said nothing"),
        (50, 0, "Nobody has voted"),
        (50, 50, "People have voted on every item"),
        (150, 149, "Only one item"),
        (300, ENOUGH - 1, f"needs {ENOUGH} items that both people and this judge have compared"),
    ],
)
def test_where_nothing_can_be_corrected_a_sentence_says_why(items, labelled, sentence):
    found = correct(*world(random.Random(4), items, labelled))
    assert sentence in found.why_not
    assert all(row.ppi is None and row.rogan_gladen is None for row in found.rows)
    assert all(row.judge for row in found.rows)
    assert correct(*world(random.Random(4), 300, ENOUGH)).why_not == ""


def test_a_judge_that_is_no_better_than_a_coin_has_no_share_by_rogan_and_gladen():
    said, voted = world(random.Random(6), 400, 150, hears=0.4, mishears=0.6)
    [expert, _] = correct(said, voted).rows
    assert expert.rogan_gladen is None
    assert expert.ppi is not None


def test_a_tie_is_half_a_win_and_a_conflict_is_no_decision():
    said = {("r0", 0, 1): [1, -1], ("r1", 0, 1): [0, 0], ("r2", 0, 1): [1, 1]}
    [expert, adapter] = correct(said, {}).rows
    assert (expert.judge.value, adapter.judge.value) == pytest.approx((2 / 3, 1 / 3))
    voted = {("r0", 0, 1): [1, 0, 0, -1], ("r9", 0, 1): [1]}
    found = correct(said, voted)
    assert found.labelled == 1  # what the judge has not compared is no item of its
    assert found.rows[0].people.value == pytest.approx(mean([0.5, 1]))


def test_shares_stay_between_nought_and_one():
    rng = np.random.default_rng(7)
    said = {(f"r{n:03}", 0, 1): [1] for n in range(300)}
    voted = {(f"r{n:03}", 0, 1): [1 if rng.random() < 0.99 else -1] for n in range(120)}
    [expert, adapter] = correct(said, voted).rows
    for share in (expert.ppi, adapter.ppi):
        assert 0 <= share.low <= share.value <= share.high <= 1
