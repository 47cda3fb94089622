"""Votes as they count, and how many people came, stayed and count."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evaluation import assignment, exporting, flags, flow, voting
from evaluation.errors import StudyError
from evaluation.models import Assignment, Check, FollowUp, Item, Rating, Response, StudyAct
from evaluation.votes import votes_of


def voted(rater, choice="left", *, seconds=60, **more):
    """The rater's next pair, rated."""
    now = timezone.now()
    served = assignment.next_for(rater, now=now)
    slot = {"left": served.left_token, "right": served.right_token}.get(choice, choice)
    voting.vote(rater, served.token, slot, now=now + timedelta(seconds=seconds), **more)
    return served


def checked(study, rater, kind, chosen, number=900):
    """A check before this rater, and the vote on it."""
    position = Item.objects.filter(study=study).count()
    item = Item.objects.create(study=study, row=f"test/checks/{position}", position=position, is_check=True)
    better, worse = (
        Response.objects.create(item=item, text=text, shown=text, sha256="0" * 64) for text in ("Cut it.", "Blue.")
    )
    check = Check.objects.create(study=study, kind=kind, position=position, item=item, better=better, worse=worse)
    left, right = (worse, better) if position % 2 else (better, worse)
    served = Assignment.objects.create(
        rater=rater, kind=kind, check_pair=check, item=item, left=left, right=right, number=number + position,
        lease_until=timezone.now(), state="rated",
    )  # fmt: skip
    side = "left" if (left == better) == chosen else "right"
    Rating.objects.create(assignment=served, choice=side, ms_to_vote=60_000)
    return served


def test_a_vote_tells_who_won_on_which_side_and_all_that_was_said(study):
    Item.objects.update(topic="drums")
    served = voted(study.raters.first(), "right", reason="Clearer.")
    FollowUp.objects.create(assignment=served, guess="left", criteria={"fluency": "left"})
    (vote,) = votes_of(study)
    assert (vote.left, vote.winner) == (served.left.contender.name, served.right.contender.name)
    assert vote.better_on("fluency") == vote.left
    assert (vote.topic, vote.reason, vote.guess, vote.kind, vote.strength) == (
        "drums",
        "Clearer.",
        "left",
        "main",
        None,
    )
    assert vote.assignment == served.pk
    (line,) = exporting.lines(study, "jsonl")
    assert json.loads(line)["served_at"] == served.served_at.isoformat()
    (line,) = exporting.lines(study, "arena")
    assert json.loads(line)["tstamp"] == served.served_at.timestamp()


def test_a_check_is_no_vote_on_the_question(study):
    rater = study.raters.first()
    voted(rater)
    checked(study, rater, "gold", True)
    checked(study, rater, "gold", False)
    assert [vote.kind for vote in votes_of(study)] == ["main"]
    assert [vote.winner for vote in votes_of(study, include=("gold",))] == ["better", "worse"]


def test_who_is_excluded_by_a_person_is_left_out_and_the_act_is_logged(study, ada):
    rater = study.raters.first()
    voted(rater)
    with pytest.raises(StudyError, match="Say why"):
        flow.exclude(rater, by=ada, rule="gold", reason="  ")
    with pytest.raises(StudyError, match="Name the rule"):
        flow.exclude(rater, by=ada, rule="mood", reason="x")
    assert len(votes_of(study)) == 1
    for _ in range(2):  # a double click
        flow.exclude(rater, by=ada, rule="gold", reason="Failed three of four.")
    assert votes_of(study) == []
    assert [json.loads(line)["excluded"] for line in exporting.lines(study, "jsonl")] == [True]
    assert list(exporting.lines(study, "arena")) == []
    assert len(votes_of(study, excluded=True)) == 1
    assert flow.flow_of(study).excluded == {"gold": 1}
    act = StudyAct.objects.first()
    assert (act.by, act.kind, act.detail["rule"], act.detail["reason"]) == (
        ada,
        "exclusion",
        "gold",
        "Failed three of four.",
    )
    flow.include(rater, by=ada, reason="A mistake.")
    assert len(votes_of(study)) == 1
    assert [json.loads(line)["excluded"] for line in exporting.lines(study, "jsonl")] == [False]
    assert [act.kind for act in StudyAct.objects.all()] == ["inclusion", "exclusion", "opening"]


def test_an_act_and_what_followed_a_vote_are_never_overwritten(study, ada):
    served = voted(study.raters.first())
    FollowUp.objects.create(assignment=served, guess="left")
    StudyAct.record(study, ada, "opening")
    for rows, change in ((FollowUp.objects, {"guess": "right"}), (StudyAct.objects, {"kind": "nothing"})):
        with pytest.raises(IntegrityError, match="never overwritten"), transaction.atomic():
            rows.update(**change)


def test_the_flow_counts_everyone_where_they_are(study):
    one, two, _ = study.raters.all()
    for rater in (one, two):
        rater.start()
    one.finish("complete")
    two.finish("screened_out")
    assert not two.finish("complete")
    seen = flow.flow_of(study)
    assert (seen.invited, seen.started, seen.consented, seen.screened_out, seen.withdrawn, seen.completed) == (
        3, 2, 2, 1, 0, 1,
    )  # fmt: skip


def test_every_rule_flags_who_meets_it_and_nobody_else(study):
    odd, sound, _ = study.raters.all()
    for n in range(4):
        voted(odd, seconds=1)
        voted(sound, ("left", "right")[n % 2])
    for rater, right in ((odd, False), (sound, True)):
        for _ in range(3):
            checked(study, rater, "attention", right)
            checked(study, rater, "gold", right)
    type(odd).objects.filter(pk=odd.pk).update(knows_project=True)
    seen = flow.flow_of(study).flags
    assert seen == {1: ("attention", "gold", "speed", "account")}
    assert flow.flow_of(study).excluded == {}  # a flag excludes nobody
    found = flags.checked(study)
    assert (found[1].attention, found[1].gold, found[2].gold) == ((0, 3), (0, 3), (3, 3))
    assert (found[1].votes, found[1].left, found[1].right) == (4, 4, 0)  # the sides of checks are no habit


def test_one_side_always_is_flagged(project):
    from tests.evaluation.studies import study_of

    study = study_of(project, items=12, raters=1, contenders=2)
    for _ in range(12):
        voted(study.raters.first(), "left")
    assert flow.flow_of(study).flags == {1: ("side",)}


def again(first, number, choice):
    """A pair that was judged before, with its sides exchanged, and what is said of it now."""
    who = {"rater": first.rater, "item": first.item, "comparison": first.comparison, "repeat_of": first}
    sides = {"left": first.right, "right": first.left, "lease_until": timezone.now(), "state": "rated"}
    shown = Assignment.objects.create(kind="repeat", number=number, **who, **sides)
    return Rating.objects.create(assignment=shown, choice=choice, ms_to_vote=60_000)


def test_repeats_are_flagged_by_the_side_that_was_chosen_both_times(study):
    odd, sound, _ = study.raters.all()
    for rater, choices in ((odd, ("left", "left", "left", "right")), (sound, ("right", "right", "left", "left"))):
        seen = [voted(rater, "left") for _ in range(4)]
        for first, choice in zip(seen, choices, strict=True):
            again(first, 10 + first.number, choice)
    tie = voted(odd, "both_good")
    again(tie, 50, "left")  # no side was chosen before
    untold = voted(sound, "left")
    again(untold, 60, "both_bad")
    found = flags.checked(study)
    assert (found[1].same_side, found[2].same_side) == ((3, 4), (2, 4))
    assert (found[1].votes, found[1].left, found[1].right) == (5, 8, 1)
    assert flow.flow_of(study).flags == {1: ("repeats",)}


def test_a_changed_vote_counts_as_it_is_now_and_its_speed_as_it_was_first(study):
    rater = study.raters.first()
    served = voted(rater, "left", seconds=1)
    ballot = voting.Ballot(served.token, served.right_token, revision=1)
    assert voting.cast(rater, ballot, now=timezone.now() + timedelta(minutes=5)) is voting.Saved.NOW
    found = flags.checked(study)[1]
    assert (found.votes, found.left, found.right, found.fast) == (1, 0, 1, (1, 1))


def test_listening_is_flagged_where_it_was_told_in_words_alone_and_only_under_the_rule(study):
    odd, sound, _ = study.raters.all()
    for rater, heard in ((odd, None), (sound, 5000)):
        for _ in range(3):
            voted(rater)
        rater.assignments.update(heard_ms=heard)
    assert flags.checked(study)[1].unheard == (0, 0)
    study.protocol["listening"] = "once"
    clips = odd.assignments.exclude(item__clip="").count()
    assert flags.checked(study)[1].unheard == (clips, clips)
    assert flow.flow_of(study).flags == {1: ("listening",)}


def test_the_rules_look_at_the_raters_that_are_asked_for(study):
    for rater in study.raters.all():
        voted(rater)
    assert flags.checked(study, [2]) == {2: flags.checked(study)[2]}
    assert flags.checked(study)[3].votes == 1


def test_votes_are_counted_and_not_read_for_the_rules(study, django_assert_num_queries, monkeypatch):
    for rater in study.raters.all():
        for _ in range(3):
            voted(rater)
    monkeypatch.setattr(flags, "votes_of", None)
    with django_assert_num_queries(5):
        assert sum(one.votes for one in flags.checked(study).values()) == 9
