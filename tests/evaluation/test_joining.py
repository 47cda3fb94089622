"""Coming without a link: from a panel or with an account; the same person is the same rater, and places are kept."""

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import Person
from evaluation import joining
from evaluation.models import Rater, Study
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

VISIT = {"PROLIFIC_PID": "pid-ZQX-1", "STUDY_ID": "study1", "SESSION_ID": "session-ZQX-1"}
PANEL = {
    "places": 2,
    "return_url": "https://panel.example/done",
    "codes": {"complete": "CDONE", "withdrawn": "CLEFT", "full": "CFULL", "screened_out": "COUT"},
}


@pytest.fixture
def open_study(project):
    study = study_of(project, items=1, raters=1, contenders=2, ratings=9)
    Study.objects.filter(pk=study.pk).update(panel=PANEL)
    study.refresh_from_db()
    return study


@pytest.fixture
def door(open_study):
    return f"/join/{joining.open_door(open_study)}/"


def enter(door, **change):
    return Client().post(door, {**VISIT, **change})


def test_the_same_visit_is_the_same_rater_however_often_they_come(open_study, door):
    page = Client().get(door, VISIT)
    assert page.status_code == 200
    assert open_study.raters.count() == 1  # looking takes no place
    first = enter(door)
    assert {enter(door)["Location"], enter(door, SESSION_ID="another")["Location"]} == {first["Location"]}
    rater = open_study.raters.get(entrance="panel")
    assert first["Location"] == rater.get_absolute_url()
    assert "ZQX" not in str(Rater.objects.filter(pk=rater.pk).values().get())


@pytest.mark.parametrize("change", [{"SESSION_ID": ""}, {"PROLIFIC_PID": "<b>"}, {"STUDY_ID": "x" * 101}])
def test_an_address_that_lost_what_the_panel_adds_says_so(door, change):
    answer = enter(door, **change)
    assert answer.status_code == 400
    assert "open the study from there" in answer.content.decode()
    assert Rater.objects.count() == 1


def test_a_full_study_gives_its_code_and_who_leaves_gives_the_place_back(open_study, door):
    enter(door)
    second = enter(door, PROLIFIC_PID="p2", SESSION_ID="s2")
    full = enter(door, PROLIFIC_PID="p3", SESSION_ID="s3")
    assert "CFULL" in full.content.decode()
    assert enter(door)["Location"]  # who has a place keeps it
    assert Client().post(f"{second['Location']}withdrawal/").status_code == 302
    assert "CLEFT" in Client().get(second["Location"]).content.decode()
    assert enter(door, PROLIFIC_PID="p3", SESSION_ID="s3").status_code == 302


@pytest.mark.parametrize("way", ["panel", "account"])
def test_who_withdraws_leaves_nothing_that_leads_to_them(open_study, door, client, way):
    if way == "account":
        client.force_login(Person.objects.create_user("zoe", password="the right words"))
    link = client.post(door, VISIT if way == "panel" else {})["Location"]
    client.post(f"{link}visit/", {"consent": "on"})
    came = open_study.raters.filter(entrance=way)
    came.update(consent_hash="c" * 64, knows_project=True, quiz_attempts=1, code_shown_at=timezone.now())
    before = came.get()
    assert before.person_id or (before.panel_digest and before.session_digest)
    client.post(f"{link}withdrawal/")
    left = came.get()
    assert (left.person_id, left.panel_digest, left.session_digest, left.consent_hash) == (None, "", "", "")
    assert (left.knows_project, left.quiz_attempts, left.code_shown_at) == (False, 0, None)
    assert left.label == f"Withdrawn {left.number}"


def test_the_code_comes_after_the_last_vote_and_never_before(open_study, door):
    rui = visitor(open_study.raters.get(number=1))
    page = rui.start()
    seen = [rui.get(), rui.get("last/"), rui.get("withdrawal/"), page]
    assert not any("CDONE" in each.content.decode() for each in seen)
    assert rui.client.post(f"{rui.address}code/").status_code == 302  # asked for too early
    assert rui.pair(rui.get()) == rui.pair(page)
    rui.vote(page)
    thanks = rui.get().content.decode()
    assert "Finish and show my code" in thanks
    assert "CDONE" not in thanks
    rui.client.post(f"{rui.address}code/")
    done = rui.get().content.decode()
    assert "CDONE" in done
    assert 'href="https://panel.example/done?cc=CDONE"' in done


def test_a_reused_link_shows_its_thanks_and_takes_no_vote(open_study):
    rui = visitor(open_study.raters.get(number=1))
    page = rui.start()
    rui.vote(page)
    rui.get()
    other = Client()
    assert "Thank you" in other.get(rui.address).content.decode()
    assert other.post(f"{rui.address}visit/", follow=True).status_code == 200
    assert open_study.raters.get(number=1).assignments.count() == 1


def test_an_account_without_a_role_rates_and_finds_the_items_nowhere_else(open_study, door, client):
    zoe = Person.objects.create_user("zoe", password="the right words")
    client.force_login(zoe)
    assert "Take part with my account" in client.get(door).content.decode()
    first, again = client.post(door), client.post(door)
    assert first["Location"] == again["Location"]
    assert open_study.raters.get(person=zoe).entrance == "account"
    study, snapshot = open_study.get_absolute_url(), open_study.snapshot
    for address in (study, snapshot.get_absolute_url(), f"/projects/{open_study.project.slug}/", f"{study}report/"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize("name", ["ana", "rita", "ada"])
def test_an_account_that_can_read_the_sources_may_not_rate(open_study, door, client, name, request):
    client.force_login(request.getfixturevalue(name))
    answer = client.post(door)
    assert answer.status_code == 400
    assert "can read this project" in answer.content.decode()
    assert not open_study.raters.filter(entrance="account").exists()


def test_a_member_at_a_link_is_marked_for_the_researcher(open_study, rita, client):
    client.force_login(rita)
    address = open_study.raters.get(number=1).get_absolute_url()
    client.post(f"{address}visit/")
    assert open_study.raters.get(number=1).knows_project


def test_a_door_is_shut_before_the_opening_and_after_the_closing(project):
    study = study_of(project, opened=False)
    door = f"/join/{joining.open_door(study)}/"
    nothing = Client().get("/join/nobody/")
    assert nothing.status_code == 404
    assert (Client().get(door).content, Client().post(door, VISIT).status_code) == (nothing.content, 404)
