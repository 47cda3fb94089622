"""A rater's way: agreeing, understanding, practising, voting, resting, looking back, finishing, leaving."""

import itertools
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import assignment, ending, flow, voting
from evaluation.errors import StudyError
from evaluation.models import Assignment, Comparison, FollowUp, Item, Rater, Rating, Study, StudyAct
from evaluation.rules import Rules
from evaluation.votes import votes_of
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

FULL = {
    "scale": "five", "tie": "same", "criteria": ("technical_accuracy", "helpfulness", "fluency"),
    "criteria_when": "after", "practice": 1, "attention": 1, "gold": 1, "repeats": 1, "quiz": True, "block": 6,
    "source_share": 1.0, "consent": "You agree to be a rater.",
}  # fmt: skip


def one(project, *, items=16, raters=1, **rules):
    """A study with these rules, and its first rater at the link."""
    study = study_of(project, items=items, raters=raters, contenders=2, ratings=raters, rules=Rules(**rules))
    return study, visitor(study.raters.get(number=1))


def text(answer):
    return answer.content.decode()


def pair_of(rui):
    return Assignment.objects.open().get()


def test_a_rater_passes_everything_a_protocol_can_ask_and_gets_to_the_thanks(project, settings):
    settings.SECRET_KEY = "x" * 60  # dice that leave a pair which may come again
    study, rui = one(project, **FULL)
    Study.objects.update(key="e" * 32)
    welcome = rui.get()
    assert "You agree to be a rater." in text(welcome)
    assert rui.client.post(f"{rui.address}visit/").status_code == 400  # without agreeing
    rui.client.post(f"{rui.address}visit/", {"consent": "on"})
    assert "Is the task clear?" in text(rui.get())
    rui.client.post(f"{rui.address}quiz/", {"q0": "0", "q1": "1"})
    seen = []
    for _ in range(200):
        page = text(rui.get())
        if "Time for a break" in page:
            seen.append("break")
            rui.client.post(f"{rui.address}rest/")
        elif "One more question" in page:
            seen.append("after")
            token, (a, *_) = (
                re.search(r'name="pair" value="([^"]+)', page)[1],
                re.findall(r'name="guess" value="([^"]+)', page),
            )
            rows = {f"criterion-{name}": "both_good" for name in FULL["criteria"]}
            assert rui.client.post(f"{rui.address}after/", {"pair": token, "guess": a}).status_code == 400
            assert rui.client.post(f"{rui.address}after/", {"pair": token, "guess": a, **rows}).status_code == 302
        elif ("Go on" in page and "the better one here" in page) or "Yes, answer" in page:
            seen.append("feedback")
            token = re.search(r'name="pair" value="([^"]+)', page)[1]
            rui.client.post(f"{rui.address}after/", {"pair": token})
        elif 'name="choice"' in page:
            served = pair_of(rui)
            seen.append(served.kind)
            better = served.check_pair and served.check_pair.better_id == served.right_id
            slot = served.right_token if better else served.left_token
            sent = {"pair": served.token, "choice": f"{slot}:2", "reason": "Clear."}
            assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 302
        else:
            break
    assert "Thank you" in page
    assert seen[:2] == ["practice", "feedback"]
    assert (seen.count("attention"), seen.count("gold")) == (1, 1)
    assert seen.count("repeat") == 1
    assert seen.count("main") == seen.count("after") == study.trials_per_rater == 13
    assert seen.count("break") == 2  # after 6 and 12 of 16
    rater = study.raters.get()
    assert (rater.outcome, bool(rater.consented_at), bool(rater.understood_at)) == ("complete", True, True)
    assert {vote.guess for vote in votes_of(study)} == {"left"}
    assert {vote.strength for vote in votes_of(study)} == {2}
    assert all(set(vote.criteria) == set(FULL["criteria"]) for vote in votes_of(study))
    again = Assignment.objects.get(kind="repeat")
    assert (again.left_id, again.right_id) == (again.repeat_of.right_id, again.repeat_of.left_id)
    assert again.number - again.repeat_of.number > 8
    assert flow.flow_of(study).completed == 1


def test_two_wrong_attempts_end_the_study_for_a_rater_and_no_vote_is_taken(project):
    study, rui = one(project, quiz=True)
    rui.client.post(f"{rui.address}visit/")
    assert rui.client.post(f"{rui.address}quiz/", {"q0": "1", "q1": "1"}).status_code == 400
    assert "it ends here for you" in text(rui.client.post(f"{rui.address}quiz/", {"q0": "1", "q1": "1"}))
    assert "it ends here for you" in text(rui.get())
    rui.client.post(f"{rui.address}quiz/", {"q0": "0", "q1": "1"})
    assert study.raters.get().outcome == "screened_out"
    assert assignment.next_for(study.raters.get()) is None


def test_five_points_keep_side_and_strength_and_four_outcomes_know_none(project):
    _study, rui = one(project, scale="five")
    rui.start()
    for choice, stored in ((":2", 2), (":1", 1)):
        served = pair_of(rui)
        rui.client.post(f"{rui.address}ratings/", {"pair": served.token, "choice": served.right_token + choice})
        rui.get()
        rating = served.ratings.get()
        assert (rating.choice, rating.strength) == ("right", stored)
    for choice in ("both_good", "both_bad", "cannot_judge"):
        served = pair_of(rui)
        rui.client.post(f"{rui.address}ratings/", {"pair": served.token, "choice": choice})
        rui.get()
        assert (served.ratings.get().choice, served.ratings.get().strength) == (choice, None)
    served = pair_of(rui)
    for forged in (served.left_token, f"{served.left_token}:3", f"{served.left_token}:", "both_good:1", ":1"):
        answer = rui.client.post(f"{rui.address}ratings/", {"pair": served.token, "choice": forged})
        assert answer.status_code == 400, forged
    assert not served.ratings.exists()


def test_the_four_outcomes_take_neither_strength_nor_cannot_judge(study, rui):
    rui.start()
    served = pair_of(rui)
    for forged in (f"{served.left_token}:1", "cannot_judge"):
        sent = {"pair": served.token, "choice": forged}
        assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 400


def test_criteria_beside_the_vote_are_asked_for_and_kept(project):
    _, rui = one(project, criteria=("fluency",))
    page = rui.start()
    served = pair_of(rui)
    assert "Better worded" in text(page)
    sent = {"pair": served.token, "choice": served.left_token, "reason": "Hmm."}
    refused = rui.client.post(f"{rui.address}ratings/", sent)
    assert refused.status_code == 400
    assert "Say it for every row" in text(refused)
    assert text(refused).count(" checked") == 1  # what was chosen is chosen still
    rui.client.post(f"{rui.address}ratings/", {**sent, "criterion-fluency": served.right_token})
    assert served.ratings.get().criteria == {"fluency": "right"}


def test_the_last_vote_can_be_changed_and_the_first_stays_in_the_history(study, rui):
    page = rui.start()
    rui.vote(page, 0, reason="First.")
    page = rui.get()
    served = Assignment.objects.rated().get()
    waiting = rui.pair(page)
    again = rui.get("last/")
    assert rui.pair(again) == served.token
    assert "First." in text(again)
    sent = {"pair": served.token, "choice": served.right_token, "revision": "1", "reason": "Second."}
    for _ in range(2):  # a double click
        assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 302
    assert list(served.ratings.order_by("revision").values_list("choice", "reason", "revision")) == [
        ("left", "First.", 1),
        ("right", "Second.", 2),
    ]
    assert [vote.choice for vote in votes_of(study)] == ["right"]
    assert rui.pair(rui.get()) == waiting  # the pair that was open is open still


def test_an_older_vote_a_followed_one_and_a_forged_revision_stand(project):
    _study, rui = one(project)
    page = rui.start()
    rui.vote(page, 0)
    older = Assignment.objects.rated().get()
    rui.vote(rui.get(), 0)
    sent = {"pair": older.token, "choice": older.right_token, "revision": "1"}
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 409
    last = Assignment.objects.rated().order_by("-number").first()
    sent = {"pair": last.token, "choice": last.right_token, "revision": "7"}
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 409
    FollowUp.objects.create(assignment=last, guess="unsure")
    assert rui.client.post(f"{rui.address}ratings/", {**sent, "revision": "1"}).status_code == 409
    assert rui.get("last/").status_code == 302
    open_one = pair_of(rui)
    sent = {"pair": open_one.token, "choice": open_one.left_token, "revision": "1"}
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 409  # no vote to replace
    assert Rating.objects.count() == 2


def test_the_guess_comes_after_the_vote_and_only_once(project):
    _study, rui = one(project, source_share=1.0)
    page = rui.start()
    rui.vote(page, 0)
    served = Assignment.objects.rated().get()
    sent = {"pair": served.token, "guess": served.right_token}
    assert rui.client.post(f"{rui.address}after/", {**sent, "guess": "expert"}).status_code == 400
    rui.client.post(f"{rui.address}after/", sent)
    rui.client.post(f"{rui.address}after/", {**sent, "guess": served.left_token})
    assert FollowUp.objects.get().guess == "right"
    other = rui.client.post(f"{rui.address}after/", {"pair": "x" * 22, "guess": "unsure"})
    assert other.status_code == 404


def test_who_withdraws_has_everything_erased_and_frees_the_pairs(project):
    study, rui = one(project, source_share=1.0, scale="five")
    rui.start()
    served = pair_of(rui)
    for revision, strength in (("", ":1"), ("1", ":2")):
        sent = {"pair": served.token, "choice": served.left_token + strength, "reason": "SECRET", "revision": revision}
        rui.client.post(f"{rui.address}ratings/", sent)
    assert served.ratings.count() == 2
    rui.client.post(f"{rui.address}after/", {"pair": served.token, "guess": "unsure"})
    rui.get()
    assert "can't be undone" in text(rui.get("withdrawal/"))
    assert Rating.objects.count() == 2
    rui.client.post(f"{rui.address}withdrawal/")
    rui.client.post(f"{rui.address}withdrawal/")
    assert not Rating.objects.exists()
    assert not FollowUp.objects.exists()
    assert not Assignment.objects.exists()
    assert not Comparison.objects.filter(placed__gt=0).exists()
    assert not Item.objects.filter(placed__gt=0).exists()
    assert "You have left the study" in text(rui.get())
    assert flow.flow_of(study).withdrawn == 1
    assert StudyAct.objects.filter(kind="erasure").count() == 1


def test_who_fails_the_attention_pairs_ends_under_another_outcome_and_every_vote_stays(project):
    study, _ = one(project, attention=2)
    rater = study.raters.get()
    rater.start()
    while served := assignment.next_for(rater):
        wrong = served.check_pair and served.check_pair.better_id == served.left_id
        slot = served.right_token if wrong else served.left_token
        voting.vote(rater, served.token, slot, now=timezone.now() + timedelta(minutes=1))
    ending.finish(rater)
    assert rater.outcome == "failed_checks"
    assert len(votes_of(study)) == study.trials_per_rater
    assert "attention" in flow.flow_of(study).flags[1]
    assert study.raters.get().excluded_for == ""


def test_a_check_says_nothing_of_what_was_said_before_and_shares_no_item(project):
    study, _ = one(project, attention=1, gold=2, practice=1)
    kept = study.items.filter(is_check=True)
    assert kept.count() == 4
    assert all(item.context["turns"] == [] and item.context["summary"] is None for item in kept)
    assert not Comparison.objects.filter(item__in=kept).exists()
    ends = {f"test/c{n}/{4 * n + 3}" for n in range(4)}
    assert set(kept.values_list("row", flat=True)) == ends  # nothing that comes later quotes them


def test_too_few_rows_for_the_checks_are_told(project):
    with pytest.raises(StudyError, match="checks need as many rows"):
        study_of(project, items=4, raters=1, contenders=2, rules=Rules(gold=4))


def test_a_closed_design_gives_each_rater_the_planned_pair_on_each_item(project):
    study = study_of(project, items=6, raters=6, contenders=3, ratings=2, rules=Rules(design="closed"))
    from evaluation.designs import williams

    order = list(Comparison.objects.filter(item=study.items.first()).order_by("pk").values_list("lo", "hi"))
    for rater in study.raters.all():
        for place in range(6):
            served = assignment.next_for(rater)
            assert served.item.position == place
            shown = (served.comparison.lo_id, served.comparison.hi_id)
            assert shown == order[williams(3)[rater.number - 1][place % 3]]
            voting.vote(rater, served.token, "both_good")
    assert set(Comparison.objects.values_list("placed", flat=True)) == {2}


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 10])
def test_in_a_williams_design_every_condition_follows_every_other_equally_often(n):
    from collections import Counter

    from evaluation.designs import williams

    rows = williams(n)
    follows = Counter(pair for row in rows for pair in itertools.pairwise(row))
    assert len(follows) == n * (n - 1)
    assert len(set(follows.values())) == 1
    for column in zip(*rows, strict=True):
        assert len(set(Counter(column).values())) == 1


def test_a_vote_sent_again_after_the_thanks_is_absorbed(project):
    _study, rui = one(project, items=1)
    page = rui.start()
    rui.vote(page, 0)
    assert "Thank you" in text(rui.get())
    assert rui.vote(page, 0).status_code == 302
    assert rui.vote(page, 1).status_code == 409
    assert Rating.objects.get().choice == "left"
    assert Rater.objects.get().outcome == "complete"
