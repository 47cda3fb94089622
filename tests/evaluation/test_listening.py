"""A clip is heard before a vote is taken: the server believes no more than clock and bytes allow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import assignment, voting
from evaluation.listening import allowed_ms, claimed_ms, required_ms
from evaluation.models import Assignment
from evaluation.rules import Rules
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

LONG = 10_000


@pytest.mark.parametrize(
    ("ranges", "heard"),
    [
        ("0-3200,4000-5000", 4200),
        ("0-4000,2000-6000,0-100", 6000),
        ("0-99999999", LONG),
        ("5000-1000", 0),
        ("", 0),
        ("-5-3", 0),
        ("0-5e9", 0),
        ("0-1" + ",0-1" * 5000, 1),
    ],
)
def test_only_different_milliseconds_of_the_clip_are_counted(ranges, heard):
    assert claimed_ms(ranges, LONG) == heard


def test_what_must_be_heard_is_most_of_a_clip_and_all_of_a_short_one():
    assert [required_ms(duration) for duration in (500, 6000, 10_000, 60_000)] == [500, 5000, 6000, 36_000]


def test_no_more_is_believed_than_was_sent_and_than_time_has_passed():
    now = timezone.now()
    assert allowed_ms(None, 0, 100, LONG, now) == 0
    assert allowed_ms(now - timedelta(seconds=2), 100, 100, LONG, now) == 3500
    assert allowed_ms(now - timedelta(minutes=2), 50, 100, LONG, now) == 5000
    assert allowed_ms(now - timedelta(minutes=2), 900, 100, LONG, now) == LONG


@pytest.fixture
def held(project):
    """A pair with a clip of half a minute, and its rater."""
    from tests.evaluation.studies import tone

    study = study_of(project, items=2, raters=1, contenders=2, rules=Rules(listening="once"))
    tone(study.snapshot.path / study.items.first().clip, 30)
    rater = study.raters.get()
    rui = visitor(rater)
    rui.start()
    return rater, rui, Assignment.objects.get()


def ballot(served, **more):
    return voting.Ballot(served.token, served.left_token, **more)


def test_a_forged_claim_without_a_byte_sent_is_refused(held):
    _rater, rui, served = held
    sent = {"pair": served.token, "choice": served.left_token, "played": "0-30000", "reason": "Hm."}
    answer = rui.client.post(f"{rui.address}ratings/", sent)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Listen to the music first: 0 of 18 seconds" in page
    assert "Hm." in page
    assert " checked" in page
    assert not served.ratings.exists()


def test_a_claim_beyond_the_clock_is_refused_and_one_within_it_taken(held):
    rater, rui, served = held
    rui.get(f"audio/{served.audio_token}/").getvalue()
    served.refresh_from_db()
    assert served.audio_bytes == 30 * 32_000 + 44
    at = served.audio_at
    with pytest.raises(voting.NotHeard) as refused:
        voting.cast(rater, ballot(served, played="0-30000"), now=at + timedelta(seconds=5))
    assert (refused.value.heard, refused.value.required) == (6500, 18_000)
    with pytest.raises(voting.NotHeard):  # long enough, and little played
        voting.cast(rater, ballot(served, played="0-4000"), now=at + timedelta(minutes=5))
    assert voting.cast(rater, ballot(served, played="0-20000"), now=at + timedelta(seconds=20)) is voting.Saved.NOW
    served.refresh_from_db()
    assert (served.claimed_ms, served.heard_ms) == (20_000, 20_000)


def test_a_part_of_the_bytes_is_a_part_of_the_music(held):
    rater, rui, served = held
    rui.get(f"audio/{served.audio_token}/", HTTP_RANGE="bytes=0-95999").getvalue()
    rui.client.head(f"{rui.address}audio/{served.audio_token}/")
    served.refresh_from_db()
    assert served.audio_bytes == 96_000
    with pytest.raises(voting.NotHeard) as refused:
        voting.cast(rater, ballot(served, played="0-30000"), now=served.audio_at + timedelta(minutes=5))
    assert refused.value.heard == pytest.approx(3000, abs=10)


def test_what_is_sent_in_pieces_adds_up_and_the_clock_runs_from_the_first(held):
    rater, rui, served = held
    rui.get(f"audio/{served.audio_token}/", HTTP_RANGE="bytes=0-319999").getvalue()
    served.refresh_from_db()
    ago = served.audio_at - timedelta(seconds=20)
    Assignment.objects.update(audio_at=ago)
    rui.get(f"audio/{served.audio_token}/", HTTP_RANGE="bytes=320000-").getvalue()
    served.refresh_from_db()
    assert (served.audio_bytes, served.audio_at) == (30 * 32_000 + 44, ago)
    assert voting.cast(rater, ballot(served, played="0-20000")) is voting.Saved.NOW


def test_a_vote_is_changed_without_listening_again(held):
    rater, rui, served = held
    rui.get(f"audio/{served.audio_token}/").getvalue()
    later = timezone.now() + timedelta(minutes=1)
    assert voting.cast(rater, ballot(served, played="0-20000"), now=later) is voting.Saved.NOW
    Assignment.objects.update(audio_bytes=0, audio_at=None)
    change = voting.Ballot(served.token, served.right_token, revision=1)
    assert voting.cast(rater, change, now=later) is voting.Saved.NOW
    served.refresh_from_db()
    assert (served.claimed_ms, served.heard_ms) == (20_000, 20_000)


def test_without_a_script_their_word_counts_once_it_can_be_true(held):
    rater, rui, served = held
    with pytest.raises(voting.NotHeard):
        voting.cast(rater, ballot(served, listened=True))
    rui.get(f"audio/{served.audio_token}/").getvalue()
    served.refresh_from_db()
    later = served.audio_at + timedelta(seconds=20)
    assert voting.cast(rater, ballot(served, listened=True), now=later) is voting.Saved.NOW
    served.refresh_from_db()
    assert (served.claimed_ms, served.heard_ms) == (None, None)


def test_an_item_without_a_clip_asks_nobody_to_listen(project):
    study = study_of(project, items=2, raters=1, contenders=2, rules=Rules(listening="once"))
    study.items.update(clip="")
    rater = study.raters.get()
    served = assignment.next_for(rater)
    assert voting.vote(rater, served.token, served.left_token) is voting.Saved.NOW
