"""Criteria that may be left open: what a rater doesn't say is never kept as something they said."""

import re

import pytest

from evaluation.findings import people
from evaluation.findings.votes import columns
from evaluation.models import Assignment, FollowUp, Rating
from evaluation.rules import Rules
from evaluation.votes import votes_of
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

CRITERIA = ("technical_accuracy", "helpfulness", "fluency")


@pytest.fixture
def asked(project):
    def study(**rules):
        made = study_of(
            project, items=2, raters=1, contenders=2, ratings=1,
            rules=Rules(criteria=CRITERIA, criteria_optional=True, **rules),
        )  # fmt: skip
        return made, visitor(made.raters.get())

    return study


def chosen(page) -> list[tuple[str, str]]:
    return re.findall(r'name="criterion-(\w+)" value="([^"]*)"[^>]* checked', page.content.decode())


def test_every_row_begins_as_not_said(asked):
    _, rui = asked()
    assert sorted(chosen(rui.start())) == sorted((name, "") for name in CRITERIA)


def test_a_row_left_open_is_not_kept_and_one_that_was_said_is(asked):
    study, rui = asked()
    rui.start()
    served = Assignment.objects.get()
    sent = {"pair": served.token, "choice": served.left_token, "criterion-fluency": served.right_token}
    sent["criterion-helpfulness"] = ""
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 302
    assert Rating.objects.get().criteria == {"fluency": "right"}
    assert votes_of(study)[0].better_on("fluency") not in (None, votes_of(study)[0].winner)
    assert votes_of(study)[0].better_on("helpfulness") is None


def test_what_was_said_can_be_taken_back_with_the_last_vote(asked):
    _, rui = asked()
    rui.start()
    served = Assignment.objects.get()
    sent = {"pair": served.token, "choice": served.left_token, "criterion-fluency": served.right_token}
    rui.client.post(f"{rui.address}ratings/", sent)
    assert ("fluency", served.right_token) in chosen(rui.get("last/"))
    assert (
        rui.client.post(f"{rui.address}ratings/", {**sent, "criterion-fluency": "", "revision": "1"}).status_code == 302
    )
    assert [each.criteria for each in Rating.objects.order_by("revision")] == [{"fluency": "right"}, {}]


@pytest.mark.parametrize("forged", ["both_bad", "cannot_judge", "left", "x"])
def test_a_row_takes_only_what_it_offers(asked, forged):
    _, rui = asked()
    rui.start()
    served = Assignment.objects.get()
    sent = {"pair": served.token, "choice": served.left_token, "criterion-fluency": forged}
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 400
    assert not Rating.objects.exists()


def test_on_a_page_of_their_own_rows_may_be_left_open_as_well(asked):
    study, rui = asked(criteria_when="after")
    rui.vote(rui.start())
    page = rui.get()
    assert sorted(chosen(page)) == sorted((name, "") for name in CRITERIA)
    sent = {"pair": rui.pair(page), "criterion-helpfulness": "both_good"}
    assert rui.client.post(f"{rui.address}after/", sent).status_code == 302
    assert FollowUp.objects.get().criteria == {"helpfulness": "both_good"}
    assert votes_of(study)[0].criteria == {"helpfulness": "both_good"}


def test_without_the_rule_every_row_is_asked_for_and_none_can_be_not_said(project):
    study = study_of(project, items=2, raters=1, contenders=2, ratings=1, rules=Rules(criteria=CRITERIA))
    rui = visitor(study.raters.get())
    page = rui.start()
    assert "Not said" not in page.content.decode()
    assert chosen(page) == []
    assert rui.vote(page, 0).status_code == 400


def test_the_report_counts_votes_that_say_a_criterion_and_leaves_out_those_that_do_not(asked):
    study, rui = asked()
    for said in ({}, {"criterion-fluency": "both_good"}):
        rui.vote(rui.start(), 0, **said)
    votes = votes_of(study)
    names = list(study.contenders.order_by("pk").values_list("name", flat=True))
    (row,) = people.criteria_of(columns(votes, names))
    assert (row["criterion"], row["asked"], row["votes"], row["ties"]) == ("fluency", 1, 2, 1)
    (row,) = people.criteria_of(columns([vote._replace(criteria={"fluency": "left"}) for vote in votes], names))
    assert (row["asked"], row["wins"] + row["losses"]) == (2, 2)
