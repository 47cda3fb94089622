"""Who gets which pair, on which side: refresh-safe, in balance, and never the same item twice."""

import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evaluation import assignment, simulation, voting
from evaluation.models import Assignment, Comparison, Item
from tests.evaluation.studies import study_of


@pytest.fixture(autouse=True)
def dice(settings):
    """The same dice every time, for a study whose key is given."""
    settings.SECRET_KEY = "x" * 60


def rate_all(rater, now=None):
    served = []
    while one := assignment.next_for(rater, now=now):
        voting.vote(rater, one.token, "both_good", now=now)
        served.append(one)
    return served


def test_a_reload_gets_the_same_pair_again(study):
    rater = study.raters.first()
    first = assignment.next_for(rater)
    again = assignment.next_for(rater)
    assert again == first
    assert (again.token, again.left_id, again.audio_token) == (first.token, first.left_id, first.audio_token)
    assert Comparison.objects.filter(placed=1).count() == 1


def test_a_rater_sees_every_item_once_and_then_is_done(study):
    rater = study.raters.first()
    served = rate_all(rater)
    assert len({one.item_id for one in served}) == len(served) == study.trials_per_rater
    assert assignment.next_for(rater) is None


def rate_together(study, seed):
    """All raters at the same time, in a random order; return what each was served."""
    dice, served = random.Random(seed), {rater: [] for rater in study.raters.all()}
    here = list(served)
    while here:
        rater = dice.choice(here)
        if one := assignment.next_for(rater):
            voting.vote(rater, one.token, "both_good")
            served[rater].append(one)
        else:
            here.remove(rater)
    return served


@pytest.mark.parametrize("trials", [6, 9, 12])
def test_a_rater_goes_through_each_conversation_in_its_order_and_never_runs_dry(project, trials):
    study = study_of(project, items=12, raters=6, ratings=6, trials=trials)
    for served in rate_together(study, seed=trials).values():
        assert len(served) == trials
        for conversation in {one.item.row.rpartition("/")[0] for one in served}:
            positions = [one.item.position for one in served if one.item.row.startswith(f"{conversation}/")]
            assert positions == sorted(positions)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_full_design_gets_every_vote_it_wants(project, seed):
    study = study_of(project, items=12, raters=6, ratings=2, seed=seed)
    assert 6 * study.trials_per_rater == 36 * 2
    rate_together(study, seed)
    assert set(Comparison.objects.values_list("placed", flat=True)) == {2}
    counted = simulation.simulate(study, raters=12, dropout=0.2, seed=seed)
    assert (counted["cells"], counted["items"]) == ({"min": 2, "max": 2}, {"min": 6, "max": 6})


def test_no_comparison_gets_more_ratings_than_asked_for(project):
    study = study_of(project, items=4, raters=9, ratings=2, trials=4)
    for rater in study.raters.all():
        rate_all(rater)
    assert set(Comparison.objects.values_list("placed", flat=True)) == {2}
    assert set(Item.objects.values_list("placed", flat=True)) == {6}


def test_two_ratings_of_a_comparison_show_both_orders(project):
    study = study_of(project, items=6, raters=6, ratings=2)
    for rater in study.raters.all():
        rate_all(rater)
    both = Comparison.objects.filter(placed=2)
    assert both.exists()
    assert set(both.values_list("lo_left", flat=True)) == {1}


@pytest.mark.parametrize("contenders", [2, 3])
def test_sides_stay_even_for_every_rater_and_do_not_alternate(project, contenders):
    study = study_of(project, items=24, raters=30, contenders=contenders, trials=12, ratings=30, key=UUID(int=7))
    expert = study.contenders.get(name="expert").pk
    same, apart = Counter(), Counter()
    for served in rate_together(study, seed=7).values():
        surplus = Counter()
        for one in served:
            surplus.update({one.left.contender_id: 1, one.right.contender_id: -1})
            apart[max(map(abs, surplus.values()))] += 1
        stood = [one.left.contender_id == expert for one in served if expert in sides_of(one)]
        same.update(first == second for first, second in zip(stood[::2], stood[1::2], strict=False))
    assert 1 / 3 < same[True] / same.total() < 2 / 3
    assert max(apart) <= 3  # an even number of ratings of every item comes first
    assert apart[3] <= 0.02 * apart.total()
    assert all(abs(2 * cell.lo_left - cell.placed) <= 1 for cell in Comparison.objects.all())


def first_of(*items, wanted=1):
    """Which of these items comes next, each with its conversation, votes placed, open ones, and side due.

    The rater has seen the first contender three times on the left.
    """
    cells = [
        assignment.Cell(n, n, 1, 2, 1, lo_left, placed, f"test/{conversation}/{n}", n, opened)
        for n, (conversation, placed, opened, lo_left) in enumerate(items)
    ]
    balance = assignment.Balance(Counter(), Counter(), Counter(), Counter({1: 3}), Counter({1: 3, 2: 3}))
    return [cell.item for cell in assignment.least_filled(cells, wanted, balance)]


def test_nothing_is_passed_over_that_is_filled_as_little():
    assert first_of(("a", 3, 0, 0), ("a", 2, 0, 0), ("a", 2, 0, 0)) == [1]
    assert first_of(("a", 2, 0, 0), ("a", 2, 0, 1)) == [0]  # though its side is the worse one for this rater
    assert first_of(("a", 2, 0, 0), ("b", 2, 0, 1)) == [1]  # the other is not lost by it
    assert first_of(("a", 2, 0, 0), ("b", 3, 0, 1)) == [0]


def test_what_is_open_is_gone_to_before_it_lies_behind():
    assert first_of(("a", 2, 0, 1), ("b", 2, 1, 0)) == [1]  # one of its votes may never come
    assert first_of(("a", 3, 1, 0), ("a", 2, 0, 1), ("b", 2, 0, 0)) == [2]  # what comes before waits for its vote
    full = ("b", 3, 0, 0)
    assert first_of(("a", 3, 1, 0), ("a", 2, 0, 1), full) == [0]  # the last chance to go there
    assert first_of(("a", 3, 1, 0), ("a", 2, 0, 1), ("a", 2, 0, 1), full) == [0]
    assert first_of(("a", 3, 0, 0), ("a", 2, 0, 1), full) == [1]
    assert first_of(("a", 4, 2, 0), ("a", 2, 0, 1), full) == [1]  # two have it open: one of them will vote
    also = ("b", 3, 1, 0), ("b", 2, 0, 1)
    assert first_of(("a", 3, 1, 0), ("a", 2, 0, 1), *also) == [0, 2]  # two conversations with one open pair each
    assert first_of(("a", 3, 1, 0), ("a", 2, 0, 1), ("b", 2, 0, 1)) == [2]  # this way passes over nothing


def sides_of(one):
    return one.left.contender_id, one.right.contender_id


def test_what_is_left_open_goes_to_others_after_its_lease(study):
    ana, ben = study.raters.all()[:2]
    now = timezone.now()
    left = assignment.next_for(ana, now=now)
    later = now + timedelta(minutes=21)
    rate_all(ben, later)
    left.refresh_from_db()
    assert left.state == "returned"
    assert assignment.next_for(ana, now=later).item_id != left.item_id
    assert (
        sum(Comparison.objects.values_list("placed", flat=True)) == Assignment.objects.exclude(state="returned").count()
    )


def test_a_rater_who_comes_back_late_keeps_what_nobody_took(study):
    rater = study.raters.first()
    now = timezone.now()
    first = assignment.next_for(rater, now=now)
    again = assignment.next_for(rater, now=now + timedelta(hours=2))
    assert again.token == first.token
    again.refresh_from_db()
    assert again.lease_until > now + timedelta(hours=2)


def test_a_link_taken_back_returns_what_it_held(study):
    rater = study.raters.first()
    assignment.next_for(rater)
    assert assignment.revoke(rater)
    assert not assignment.revoke(rater)
    assert assignment.next_for(rater) is None
    assert not Comparison.objects.filter(placed__gt=0).exists()
    assert not Comparison.objects.filter(lo_left__gt=0).exists()


def test_nobody_is_served_before_the_opening_or_after_the_closing(project):
    draft = study_of(project, opened=False)
    assert assignment.next_for(draft.raters.first()) is None


def order(study):
    """Who is served what, on which side, when all begin anew."""
    for one in Assignment.objects.all():
        one.ratings.all().delete()
    Assignment.objects.all().delete()
    Comparison.objects.update(placed=0, lo_left=0)
    Item.objects.update(placed=0)
    rows = [rate_all(rater) for rater in study.raters.all()]
    return [(one.item.row, one.left.contender.name, one.right.contender.name) for served in rows for one in served]


def test_the_same_study_and_seed_hand_out_the_same_pairs(project):
    study = study_of(project, seed=7)
    assert order(study) == order(study)


def test_who_reads_code_and_seed_cannot_foretell_the_pairs(project, settings):
    study = study_of(project, seed=7)
    here = order(study)
    settings.SECRET_KEY = "the key of another site, of at least fifty characters"
    assert order(study) != here


def test_the_database_itself_refuses_what_must_not_be(study):
    rater = study.raters.first()
    served = assignment.next_for(rater)
    values = {"comparison": served.comparison, "number": 9, "lease_until": timezone.now()}
    sides = {"left": served.left, "right": served.right}
    other = study.items.exclude(pk=served.item_id).first()
    with pytest.raises(IntegrityError, match=r"rater|open"), transaction.atomic():
        Assignment.objects.create(rater=rater, item=other, **sides, **values)
    with pytest.raises(IntegrityError, match=r"rater|item"), transaction.atomic():
        Assignment.objects.create(rater=rater, item=served.item, state="rated", **sides, **values)
    with pytest.raises(IntegrityError, match="differ"), transaction.atomic():
        Assignment.objects.create(rater=rater, item=other, state="rated", left=served.left, right=served.left, **values)


@pytest.mark.parametrize("seed", [0, 1, 2, 7])
def test_drop_outs_leave_the_study_in_balance(project, seed, settings):
    settings.SECRET_KEY = str(seed) * 60
    study = study_of(project, items=20, raters=12, contenders=3, trials=12, ratings=4, key=UUID(int=seed))
    counted = simulation.simulate(study, raters=12, dropout=0.15, seed=seed)
    assert counted["cells"]["max"] - counted["cells"]["min"] <= 1
    assert counted["items"]["max"] - counted["items"]["min"] <= 1
    assert all(abs(share - 0.5) <= 0.02 for share in counted["left_share"].values())
    assert (counted["repeat_views"], counted["lost"], counted["doubled"]) == (0, 0, 0)


def test_a_simulation_leaves_no_trace(study):
    served = assignment.next_for(study.raters.first())
    before = Counter(Comparison.objects.values_list("placed", flat=True))
    simulation.simulate(study, raters=5, dropout=0.2, seed=3)
    assert Counter(Comparison.objects.values_list("placed", flat=True)) == before
    assert Assignment.objects.get() == served
    assert study.raters.count() == 3


def test_simulated_raters_vote_by_the_real_code_and_separate_nobody(project):
    study = study_of(project, items=6, raters=1, ratings=4)
    from evaluation import protocol

    protocol.invite(study, 12, prefix="Simulated", is_simulated=True)
    assert simulation.vote_all(study, 1, {"expert": 0.6, "tiny": -0.6}) > 40
    assert set(Assignment.objects.rated().values_list("rater__is_simulated", flat=True)) == {True}
