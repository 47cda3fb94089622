"""A vote is saved once, by its own rater, and never over another."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from evaluation import assignment, voting
from evaluation.models import Rating
from evaluation.voting import NoChoice, NotYours, Saved


@pytest.fixture
def rater(study):
    return study.raters.first()


def test_a_vote_keeps_side_reason_and_time(rater):
    now = timezone.now()
    served = assignment.next_for(rater, now=now)
    later = now + timedelta(seconds=42)
    assert voting.vote(rater, served.token, served.right_token, " Clearer. ", now=later) is Saved.NOW
    rating = served.ratings.get()
    assert (rating.choice, rating.reason, rating.ms_to_vote, rating.revision) == ("right", "Clearer.", 42_000, 1)


@pytest.mark.parametrize("choice", ["both_good", "both_bad"])
def test_both_good_and_both_bad_are_votes_of_their_own(rater, choice):
    served = assignment.next_for(rater)
    voting.vote(rater, served.token, choice)
    assert served.ratings.get().choice == choice


def test_a_second_vote_on_the_same_pair_is_absorbed(rater):
    served = assignment.next_for(rater)
    assert voting.vote(rater, served.token, served.left_token) is Saved.NOW
    assert voting.vote(rater, served.token, served.left_token) is Saved.BEFORE
    assert voting.vote(rater, served.token, served.right_token) is Saved.OTHER_BEFORE
    assert served.ratings.get().choice == "left"


def test_a_vote_on_anothers_pair_is_refused(study, rater):
    other = study.raters.last()
    served = assignment.next_for(other)
    with pytest.raises(NotYours):
        voting.vote(rater, served.token, served.left_token)
    assert not Rating.objects.exists()


@pytest.mark.parametrize("token", ["", "x" * 22, "x" * 5000, "\x00", "ünïcode", "../../etc"])
def test_a_forged_pair_is_refused(rater, token):
    assignment.next_for(rater)
    with pytest.raises(NotYours):
        voting.vote(rater, token, "both_good")


def test_a_changed_slot_is_refused(study, rater):
    served, others = assignment.next_for(rater), assignment.next_for(study.raters.last())
    for slot in ("", "left", others.left_token, "ü", served.token):
        with pytest.raises(NoChoice):
            voting.vote(rater, served.token, slot)
    assert not Rating.objects.exists()


def test_a_vote_on_a_pair_that_went_back_is_not_kept(study, rater):
    now = timezone.now()
    served = assignment.next_for(rater, now=now)
    later = now + timedelta(hours=1)
    assignment.take_back(study, later)
    assert voting.vote(rater, served.token, served.left_token, now=later) is Saved.TOO_LATE
    assert not Rating.objects.exists()


def test_a_late_vote_counts_while_nobody_took_the_pair(rater):
    now = timezone.now()
    served = assignment.next_for(rater, now=now)
    assert voting.vote(rater, served.token, served.left_token, now=now + timedelta(hours=1)) is Saved.NOW


def test_after_closing_or_revocation_no_vote_is_kept(study, rater):
    other = study.raters.last()
    served, held = assignment.next_for(rater), assignment.next_for(other)
    assignment.revoke(other)
    with pytest.raises(NotYours):
        voting.vote(other, held.token, held.left_token)
    study.close()
    with pytest.raises(NotYours):
        voting.vote(rater, served.token, served.left_token)
    assert not Rating.objects.exists()


def test_the_database_itself_never_lets_a_rating_be_overwritten(rater):
    served = assignment.next_for(rater)
    voting.vote(rater, served.token, served.left_token)
    with pytest.raises(IntegrityError, match="never overwritten"), transaction.atomic():
        Rating.objects.update(choice="right")
    with (
        pytest.raises(IntegrityError, match="never overwritten"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE evaluation_rating SET reason = 'changed'")
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(assignment=served, choice="right", ms_to_vote=1)


def test_a_later_revision_replaces_and_keeps_the_first(rater):
    served = assignment.next_for(rater)
    voting.vote(rater, served.token, served.left_token)
    first = Rating.objects.get()
    second = Rating.objects.create(assignment=served, choice="right", ms_to_vote=1, revision=2, replaces=first)
    assert list(Rating.objects.current()) == [second]
    assert Rating.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(assignment=served, choice="left", ms_to_vote=1, revision=3, replaces=first)
