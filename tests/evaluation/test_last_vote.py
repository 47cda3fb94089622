"""The very last vote can be changed like any other, until the code was given or a lease's length has passed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import assignment, ending, voting
from evaluation.models import Assignment, Rater, Rating, Study
from evaluation.rules import Rules
from evaluation.votes import votes_of
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

CODES = {"complete": "CDONE", "failed_checks": "CFAILED"}


def through(project, *, codes=None, items=2, **rules):
    """A study, and a rater who has judged the last pair of it by the left side."""
    study = study_of(project, items=items, raters=1, contenders=2, ratings=1, rules=Rules(**rules))
    Study.objects.filter(pk=study.pk).update(panel={"codes": codes or {}})
    rui = visitor(study.raters.get())
    page = rui.start()
    while b'name="choice"' in page.content:
        rui.vote(page, 0, reason="First.")
        page = rui.get()
    return study, rui, page.content.decode()


def change(rui, choice="right", revision="1"):
    served = Assignment.objects.rated().order_by("-number").first()
    slot = {"right": served.right_token, "left": served.left_token}[choice]
    return rui.client.post(f"{rui.address}ratings/", {"pair": served.token, "choice": slot, "revision": revision})


def test_after_the_last_pair_the_last_vote_can_be_changed_and_its_first_stays_in_the_history(project):
    study, rui, thanks = through(project)
    assert "That was the last pair" in thanks
    assert "Change my last vote" in thanks
    assert study.raters.get().outcome == "complete"  # whatever they do next
    again = rui.get("last/").content.decode()
    assert "First." in again
    assert "Pair 2</strong> of 2, once more" in again
    for _ in range(2):  # a double click
        assert change(rui).status_code == 302
    assert change(rui, "left", "1").status_code == 409  # another tab that shows the vote as it was
    last = Assignment.objects.order_by("-number").first()
    assert list(last.ratings.order_by("revision").values_list("choice", "revision")) == [("left", 1), ("right", 2)]
    assert len(votes_of(study)) == 2
    assert "2 votes of yours are saved" in rui.get().content.decode()
    assert change(rui, "left", "2").status_code == 302  # and back again
    assert Rating.objects.current().count() == 2


def test_the_code_waits_until_it_is_asked_for_and_then_the_last_vote_stands(project):
    study, rui, thanks = through(project, codes=CODES)
    assert "Finish and show my code" in thanks
    assert "CDONE" not in thanks
    assert change(rui).status_code == 302
    for _ in range(2):
        assert rui.client.post(f"{rui.address}code/").status_code == 302
    shown = study.raters.get().code_shown_at
    rui.client.post(f"{rui.address}code/")
    assert study.raters.get().code_shown_at == shown
    done = rui.get().content.decode()
    assert "CDONE" in done
    assert "Change my last vote" not in done
    assert change(rui, "left", "2").status_code == 409
    assert rui.get("last/").status_code == 302
    assert Rating.objects.current().order_by("-pk").first().choice == "right"


def test_a_page_with_the_last_pair_on_it_from_before_the_code_changes_nothing_after_it(project):
    study, rui, _ = through(project, codes=CODES)
    rater = study.raters.get()  # read by another process before the code was asked for
    last = Assignment.objects.order_by("-number").first()
    rui.client.post(f"{rui.address}code/")
    ballot = voting.Ballot(last.token, last.right_token, revision=1)
    assert voting.cast(rater, ballot) is voting.Saved.OTHER_BEFORE
    assert last.ratings.get().choice == "left"


def test_after_a_lease_the_last_vote_stands_and_the_code_is_there_at_once(project):
    study, rui, _ = through(project, codes=CODES)
    ago = timezone.now() - timedelta(minutes=study.protocol["lease_minutes"])
    Rater.objects.update(finished_at=ago)
    done = rui.get().content.decode()
    assert "CDONE" in done
    assert "Change my last vote" not in done
    assert change(rui).status_code == 409
    assert Rating.objects.filter(choice="left").count() == 2


def test_who_changes_a_last_attention_pair_ends_as_they_did_it_then(project):
    study = study_of(project, items=6, raters=1, contenders=2, ratings=1, rules=Rules(attention=2))
    Study.objects.filter(pk=study.pk).update(panel={"codes": CODES})
    rater = study.raters.get()
    rater.start()
    while served := assignment.next_for(rater):
        wrong = served.check_pair and served.check_pair.better_id == served.left_id
        voting.vote(rater, served.token, served.right_token if wrong else served.left_token)
    last = rater.assignments.filter(kind="attention").order_by("-number").first()
    rater.assignments.filter(pk=last.pk).update(number=99)  # as if it had come last
    ending.finish(rater)
    assert rater.outcome == "failed_checks"
    finished = rater.finished_at
    better = last.left_token if last.check_pair.better_id == last.left_id else last.right_token
    rater = Rater.find(rater.token)
    assert voting.cast(rater, voting.Ballot(last.token, better, revision=1)) is voting.Saved.NOW
    rater.refresh_from_db()
    assert (rater.outcome, rater.finished_at) == ("complete", finished)
    rui = visitor(rater)
    assert "CFAILED" not in rui.get().content.decode()
    rui.client.post(f"{rui.address}code/")
    assert "CDONE" in rui.get().content.decode()


def test_an_outcome_without_a_code_of_its_own_looks_alike_until_the_code_is_asked_for(project):
    _, rui, thanks = through(project, codes={"withdrawn": "CLEFT"})
    assert "Finish and show my code" in thanks
    rui.client.post(f"{rui.address}code/")
    assert "completion code" not in rui.get().content.decode()


def test_who_has_answered_what_follows_the_last_pair_has_the_code_at_once(project):
    study = study_of(project, items=1, raters=1, contenders=2, ratings=1, rules=Rules(source_share=1.0))
    Study.objects.filter(pk=study.pk).update(panel={"codes": CODES})
    rui = visitor(study.raters.get())
    rui.vote(rui.start())
    rui.client.post(f"{rui.address}after/", {"pair": Assignment.objects.get().token, "guess": "unsure"})
    assert "CDONE" in rui.get().content.decode()
    assert change(rui).status_code == 409


def test_after_the_closing_nothing_is_changed(project):
    study, rui, _ = through(project)
    study.close()
    assert change(rui).status_code == 404
    assert Rating.objects.filter(choice="left").count() == 2


@pytest.mark.parametrize("outcome", ["screened_out", "withdrawn"])
def test_no_code_is_asked_for_and_no_vote_changed_after_another_end(project, outcome):
    study, rui, _ = through(project, codes=CODES)
    Rater.objects.update(outcome=outcome)
    rui.client.post(f"{rui.address}code/")
    assert study.raters.get().code_shown_at is None
    assert change(rui).status_code == 409


def test_a_break_and_a_wait_offer_the_last_vote_too(project):
    study = study_of(project, items=2, raters=2, ratings=1, trials=2, contenders=2, rules=Rules(block=1))
    rui, other = (visitor(rater) for rater in study.raters.all())
    rui.vote(rui.start())
    page = rui.get().content.decode()
    assert "Time for a break" in page
    assert "Change my last vote" in page
    rui.client.post(f"{rui.address}rest/")
    other.start()  # takes what is left
    page = rui.get().content.decode()
    assert "Nothing is free just now" in page
    assert "Change my last vote" in page
