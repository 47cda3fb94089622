"""Pages and API of judges: what they show, what they refuse in a sentence, and that no key is on them."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from evaluation import execute, judges
from evaluation.judging.endpoints import MARK
from evaluation.models import JudgeRun
from tests.evaluation.studies import study_of
from tests.fake_judge import KEY


@pytest.fixture
def small(project):
    return study_of(project, items=2)


@pytest.fixture
def run_with(small, settings):
    """A finished run of a fake judge."""

    def run(fake, **options):
        settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint(api_key_env="JUDGE_KEY", backoff_s=0.02)}
        made = judges.start(small, "fake", judges.Options(**{"probes": 0, "repeats": 0, **options}))
        execute.judge_study(made)
        return made

    return run


def test_a_run_is_planned_and_then_asked_for_once(ada, small, settings, judge, client):
    fake = judge()
    settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint(price={"input": 1, "output": 2})}
    client.force_login(ada)
    page = client.get(f"/studies/{small.pk}/judges/")
    form = page.context["form"]
    sent = {name: form[name].initial for name in form.fields if form[name].initial is not None} | {"judge": "fake"}
    counted = client.post(f"/studies/{small.pk}/judges/", {**sent, "count": ""}).content.decode()
    assert "76, of which 64 probes" in counted and "$" in counted
    assert not JudgeRun.objects.exists() and fake.asked == []
    for _ in range(2):
        answer = client.post(f"/studies/{small.pk}/judges/", {**sent, "ask": "1"})
    run = JudgeRun.objects.get()
    assert answer.url == f"/judge-runs/{run.pk}/"
    assert "waits for a worker" in client.get(answer.url).content.decode()
    client.post(f"/jobs/judging/{run.pk}/cancellation/")
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_dead_judge_is_nought_of_n_on_the_page(ada, run_with, judge, client, small):
    run = run_with(judge(always=500))
    client.force_login(ada)
    for address in (f"/judge-runs/{run.pk}/", f"/studies/{small.pk}/judges/panel/"):
        page = client.get(address).content.decode()
        assert "0 of 12" in page.replace("<strong>", "").replace("</strong>", ""), address
    assert "transport" in page
    run.refresh_from_db()
    assert run.record["stopped"]
    assert escape(run.record["stopped"]) in client.get(f"/studies/{small.pk}/judges/").content.decode()


def test_a_verdict_stands_on_the_page_word_for_word(ada, run_with, judge, client):
    said = '{"notes": {"R2": "so-so"},  "ranking": [["R2"], ["R1","R3"]]}'
    run = run_with(judge(always=f"Well.\n{said}"))
    client.force_login(ada)
    page = client.get(f"/judge-runs/{run.pk}/").content.decode()
    assert page.count(f"<code>{escape(said)}</code>") == 12


def test_pages_name_a_program_as_one_and_show_no_key_and_no_foreign_words(ada, run_with, judge, client, small):
    run = run_with(judge(faults=({"content": f"my key is {KEY}"}, 500, 503)))
    client.force_login(ada)
    for address in (
        f"/studies/{small.pk}/judges/", f"/judge-runs/{run.pk}/", f"/studies/{small.pk}/judges/panel/",
        f"/api/v1/judge-runs/{run.pk}/", f"/api/v1/judge-runs/{run.pk}/verdicts/",
        f"/api/v1/studies/{small.pk}/judges/panel/",
        f"/judge-runs/{run.pk}/file/", f"/studies/{small.pk}/judges/cache/",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        body = answer.getvalue().decode()
        assert KEY not in body and "a secret of the server" not in body
        said = body.replace(" ", "")
        assert MARK in body or '"is_scripted":true' in said, address


def test_a_flag_is_on_the_page(ada, run_with, judge, client, small):
    run_with(judge("first"))
    client.force_login(ada)
    assert "prefers the answer that is shown first" in client.get(f"/studies/{small.pk}/judges/panel/").content.decode()


def test_the_number_of_queries_does_not_hang_on_the_number_of_calls(ada, run_with, judge, client, project):
    run = run_with(judge())
    client.force_login(ada)

    def queries(address) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    few = queries(f"/judge-runs/{run.pk}/")
    run = run_with(judge(), repeats=100)
    assert queries(f"/judge-runs/{run.pk}/") <= few + 2
    assert few < 40
    assert client.get(f"/judge-runs/{run.pk}/?state=ok&page=2").status_code == 200


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"judge": "nobody"}, "Select a valid choice"),
        ({"judge": "fake", "reference": "none", "template": "listwise", "probes": "900"}, "less than or equal to 50"),
        ({"judge": "far"}, "Nobody has said what far costs"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(ada, small, settings, judge, client, sent, sentence):
    settings.JUDGE_ENDPOINTS = {
        "fake": judge().endpoint(),
        "far": {"base_url": "https://judge.example/v1", "model": "m"},
        "bad": {"model": "m"},
    }
    usual = {"template": "listwise", "orders": "balanced", "repeats": "5", "probes": "8", "seed": "0", "ask": "1"}
    client.force_login(ada)
    usual["key"] = "5a5ed8c6-7d68-4b4b-8a3f-0a3ad1c0b9d1"
    answer = client.post(f"/studies/{small.pk}/judges/", {**usual, **sent})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "The judge bad in JUDGE_ENDPOINTS" in answer.content.decode()
    assert not JudgeRun.objects.exists()


def test_files_that_are_none_are_refused_in_a_sentence(ada, small, client):
    client.force_login(ada)
    for where in ("imports", "cache"):
        for data in (b"\xff\xfe", b"{}", b'{"evaluations": [[[]]]}'):
            sent = {"file": SimpleUploadedFile("a.json", data)}
            page = client.post(f"/studies/{small.pk}/judges/{where}/", sent, follow=True).content.decode()
            assert 'class="error"' in page
        assert 'class="error"' in client.post(f"/studies/{small.pk}/judges/{where}/", follow=True).content.decode()


def test_scripts_plan_start_and_read(ada, small, settings, judge, client):
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint()}
    client.force_login(ada)
    body = {"study": small.pk, "judge": "fake", "probes": 0, "repeats": 0}
    ask = lambda **more: client.post("/api/v1/judge-runs/", json.dumps(body | more), content_type="application/json")  # noqa: E731
    assert ask(dry_run=True).json()["calls"] == 12
    assert ask(judge="nobody").status_code == 400
    run = ask().json()
    execute.judge_study(JudgeRun.objects.get(pk=run["id"]))
    told = client.get(f"/api/v1/judge-runs/{run['id']}/").json()
    assert told["record"]["scored"] == 12
    [first, *_] = client.get(f"/api/v1/judge-runs/{run['id']}/verdicts/").json()["results"]
    assert json.loads(first["text"][first["start"] : first["end"]])["ranking"] == first["said"]["ranking"]
