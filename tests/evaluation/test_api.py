"""Studies for scripts: the same rights and the same acts as on the pages."""

import pytest
from django.test import Client

from annotation.models import ApiToken
from evaluation import execute
from evaluation.assignment import next_for
from evaluation.models import Study
from evaluation.voting import vote
from tests.evaluation.studies import answers, frozen, study_of


def script(person, *scopes) -> Client:
    _, text = ApiToken.issue(person, "script", list(scopes))
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def wanted(project):
    snapshot = frozen(project)
    answers(snapshot, "expert")
    answers(snapshot, "base", "tiny")
    return {"snapshot": snapshot.pk, "contenders": ["expert", "tiny"], "raters": 2}


def test_a_study_is_made_opened_and_closed(ada, wanted):
    mine = script(ada, "read", "manage")
    made = mine.post("/api/v1/studies/", wanted, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["contenders"] == ["expert", "tiny"]
    address = f"/api/v1/studies/{made.json()['id']}/"
    assert mine.post(f"{address}opening/", {}, content_type="application/json").json()["state"] == "open"
    assert mine.post(f"{address}opening/", {}, content_type="application/json").status_code == 409
    assert mine.post(f"{address}closing/", {}, content_type="application/json").json()["state"] == "closed"


@pytest.mark.parametrize(
    "change", [{"colour": "blue"}, {"raters": 0}, {"contenders": ["expert", "zoe"]}, {"contenders": ["expert"]}]
)
def test_a_body_that_cannot_be_is_refused(ada, wanted, change):
    answer = script(ada, "manage").post("/api/v1/studies/", {**wanted, **change}, content_type="application/json")
    assert answer.status_code == 400
    assert not Study.objects.exists()


def test_reading_needs_no_more_than_the_scope_for_it(ada, wanted):
    assert script(ada, "read").get("/api/v1/studies/").status_code == 200
    assert script(ada, "read").post("/api/v1/studies/", wanted, content_type="application/json").status_code == 403


def test_annotators_learn_nothing_that_unblinds(ana, study):
    mine = script(ana, "read")
    text = mine.get("/api/v1/studies/").content.decode() + mine.get(f"/api/v1/studies/{study.pk}/").content.decode()
    assert study.title in text
    assert "tiny" not in text
    assert "evening-1" not in text
    for path in ("report/", "ratings/"):
        assert mine.get(f"/api/v1/studies/{study.pk}/{path}").status_code == 403


def test_reviewers_read_the_report_and_the_votes_with_the_presented_order(rita, study):
    rater = study.raters.first()
    served = next_for(rater)
    vote(rater, served.token, served.left_token, "Clearer.")
    mine = script(rita, "read")
    assert mine.get(f"/api/v1/studies/{study.pk}/report/").json()["error"] == "not-yet"
    asked = script(rita, "manage").post(f"/api/v1/studies/{study.pk}/report/", {}, content_type="application/json")
    assert (asked.status_code, asked.json()["number"]) == (202, 1)
    assert execute.report_of(study).number == 1  # the one that was asked for
    told = mine.get(f"/api/v1/studies/{study.pk}/report/").json()
    assert (told["votes"], told["is_current"]) == (1, True)
    row = mine.get(f"/api/v1/studies/{study.pk}/ratings/").json()["results"][0]
    assert row["left"] == served.left.contender.name
    assert row["right"] == served.right.contender.name
    assert (row["choice"], row["reason"], row["rater"]) == ("left", "Clearer.", "Rater 1")
    assert script(rita, "manage").post(f"/api/v1/studies/{study.pk}/closing/").status_code == 403


def test_strangers_find_nothing(sam, study):
    mine = script(sam, "read", "manage")
    assert mine.get("/api/v1/studies/").json()["count"] == 0
    for path in ("", "report/", "ratings/"):
        assert mine.get(f"/api/v1/studies/{study.pk}/{path}").status_code == 404
    assert mine.post(f"/api/v1/studies/{study.pk}/closing/").status_code == 404
    assert Client().get("/api/v1/studies/").status_code == 401


def test_unknown_filters_are_refused(ada, project):
    study_of(project)
    mine = script(ada, "read")
    assert mine.get("/api/v1/studies/?state=open").json()["count"] == 1
    assert mine.get("/api/v1/studies/?state=draft").json()["count"] == 0
    assert mine.get("/api/v1/studies/?colour=blue").status_code == 400
