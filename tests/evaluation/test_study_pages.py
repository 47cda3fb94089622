"""Studies in the browser: who may make, open and read them, who may not, and who may not even know."""

import pytest

from evaluation import execute, protocol
from evaluation.models import Study
from tests.evaluation.studies import answers, frozen, study_of

FORM = {"contenders": ["expert", "tiny"], "question": "Which is better?", "raters": "4", "seed": "3", "title": "First"}


@pytest.fixture
def comparable(project):
    snapshot = frozen(project)
    answers(snapshot, "expert")
    answers(snapshot, "base", "tiny")
    return snapshot


def form(client):
    page = client.get("/projects/songs/studies/new/")
    key = page.context["form"]["key"].value()
    return {**FORM, "key": str(key), "rows": page.context["rows"]}


def test_an_administrator_makes_a_draft_looks_at_it_and_opens_it(ada, client, comparable):
    client.force_login(ada)
    made = client.post("/projects/songs/studies/new/", form(client))
    study = Study.objects.get()
    assert made["Location"] == study.get_absolute_url()
    assert (study.state, study.raters.count(), study.seed, study.created_by) == ("draft", 4, 3, ada)
    assert "Freeze and open" in client.get(study.get_absolute_url()).content.decode()
    client.post(f"{study.get_absolute_url()}opening/")
    study.refresh_from_db()
    assert study.is_open
    client.post(f"{study.get_absolute_url()}closing/")
    study.refresh_from_db()
    assert study.state == "closed"


def test_the_form_sent_twice_makes_one_study(ada, client, comparable):
    client.force_login(ada)
    sent = form(client)
    client.post("/projects/songs/studies/new/", sent)
    client.post("/projects/songs/studies/new/", sent)
    assert Study.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"contenders": ["expert"]}, "at least two contenders"),
        ({"raters": "0"}, "greater than or equal to 1"),
        ({"question": "Is tiny better?"}, "name a contender: tiny"),
        ({"contenders": ["expert", "nobody"]}, "not one of the available choices"),
    ],
)
def test_a_form_that_cannot_be_says_why(ada, client, comparable, change, sentence):
    client.force_login(ada)
    answer = client.post("/projects/songs/studies/new/", {**form(client), **change})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Study.objects.exists()


def test_without_answers_of_two_sources_the_form_says_what_to_do(ada, client):
    client.force_login(ada)
    assert "Generate candidates first" in client.get("/projects/songs/studies/new/").content.decode()
    assert "No study yet" in client.get("/projects/songs/studies/").content.decode()


def test_annotators_see_that_a_study_is_there_and_nothing_that_unblinds(ana, client, study):
    client.force_login(ana)
    for address in ("/projects/songs/studies/", study.get_absolute_url()):
        text = client.get(address).content.decode()
        assert study.title in text
        for hidden in ("tiny", "evening-1", "Rater 1", "/rate/", "report/", "Seed"):
            assert hidden not in text
    assert client.get(f"{study.get_absolute_url()}report/").status_code == 403
    assert client.get(f"{study.get_absolute_url()}report/1/figures/pairs.svg").status_code == 403


def test_reviewers_read_results_and_never_the_links(rita, client, study):
    client.force_login(rita)
    text = client.get(study.get_absolute_url()).content.decode()
    assert "evening-1" in text
    assert "Rater 1" in text
    assert "Seed" in text
    assert "/rate/" not in text
    assert client.get(f"{study.get_absolute_url()}report/").status_code == 200


def test_administrators_see_the_links_at_any_time(ada, client, study):
    client.force_login(ada)
    text = client.get(study.get_absolute_url()).content.decode()
    for rater in study.raters.all():
        assert f"http://testserver{rater.get_absolute_url()}" in text


@pytest.mark.parametrize("act", ["opening", "closing", "raters", "raters/1/revocation"])
def test_only_administrators_act(ana, rita, sam, client, study, act):
    address = f"{study.get_absolute_url()}{act}/"
    assert client.post(address).status_code == 302  # to the login
    for person, status in ((ana, 403), (rita, 403), (sam, 404)):
        client.force_login(person)
        assert client.post(address, {"count": 1}).status_code == status
    study.refresh_from_db()
    assert study.is_open
    assert study.raters.filter(revoked_at=None).count() == 3


def test_strangers_do_not_even_learn_that_a_study_is_there(sam, client, study):
    client.force_login(sam)
    for path in ("", "report/", "report/1/", "metrics/"):
        assert client.get(study.get_absolute_url() + path).status_code == 404
    assert client.get("/projects/songs/studies/").status_code == 404
    assert client.get("/projects/songs/studies/new/").status_code == 404


def test_a_link_is_taken_back_and_another_rater_invited(ada, client, study):
    client.force_login(ada)
    client.post(f"{study.get_absolute_url()}raters/2/revocation/")
    client.post(f"{study.get_absolute_url()}raters/", {"count": "2"})
    assert list(study.raters.filter(revoked_at=None).values_list("number", flat=True)) == [1, 3, 4, 5]
    assert "taken back" in client.get(study.get_absolute_url()).content.decode()


def test_a_closed_study_takes_no_more_raters_and_says_so(ada, client, study):
    study.close()
    client.force_login(ada)
    answer = client.post(f"{study.get_absolute_url()}raters/", {"count": "2"}, follow=True)
    assert "takes no more raters" in answer.content.decode()
    assert study.raters.count() == 3


def test_the_report_page_shows_its_sentences(rita, client, study):
    client.force_login(rita)
    execute.report_of(study)
    text = client.get(f"{study.get_absolute_url()}report/").content.decode()
    assert "Nobody has voted yet" in text


def test_pages_cost_the_same_whatever_the_number_of_raters(ada, client, project, django_assert_max_num_queries):
    study = study_of(project, raters=3)
    client.force_login(ada)
    protocol.invite(study, 40)
    with django_assert_max_num_queries(22):
        client.get(study.get_absolute_url())
    with django_assert_max_num_queries(12):
        client.get("/projects/songs/studies/")
