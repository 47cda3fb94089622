"""The jobs page: who sees which job, and who may stop and repeat it; and whether the site is well."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mixassist_site.jobs import State
from modeling.models import TrainingRun
from tests.factories import RecordingFactory, SnapshotFactory
from tests.modeling.app.things import generation_of, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot(project):
    return SnapshotFactory(project=project, name="autumn")


def test_members_see_the_jobs_of_their_projects_newest_first(ana, sam, snapshot, client):
    run_of(snapshot, name="first")
    generation_of(snapshot)
    client.force_login(ana)
    page = client.get("/jobs/").content.decode()
    assert page.index("Answers of tiny to autumn") < page.index("Training first") < page.index("Snapshot autumn")
    client.force_login(sam)
    page = client.get("/jobs/").content.decode()
    assert "autumn" not in page
    assert "No jobs yet" in page


def test_the_number_of_queries_does_not_hang_on_the_number_of_jobs(ana, project, snapshot, client):
    client.force_login(ana)

    def jobs_of_each_kind(count: int) -> int:
        from annotation.models import Ingest

        for number in range(count):
            run_of(snapshot, name=f"run {uuid.uuid4()}")
            generation_of(snapshot)
            recording = RecordingFactory(session__project=project)
            Ingest.objects.create(project=project, recording=recording, makes=("peaks", "proxy")[number % 2])
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/jobs/").status_code == 200
        return len(queries)

    few = jobs_of_each_kind(1)
    assert jobs_of_each_kind(12) <= few
    assert few <= 14


def test_the_list_is_paged(ana, snapshot, client):
    for number in range(30):
        run_of(snapshot, name=f"run {number}")
    client.force_login(ana)
    assert client.get("/jobs/").content.decode().count("<tr>") == 1 + 25
    assert client.get("/jobs/?page=2").content.decode().count("<tr>") == 1 + 6


def test_the_page_asks_for_news_only_while_something_moves(ana, snapshot, client):
    client.force_login(ana)
    assert 'hx-trigger="every 2s"' not in client.get("/jobs/").content.decode()
    run_of(snapshot, state=State.RUNNING, done=3, total=4, note="Step 3 of 4")
    page = client.get("/jobs/").content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "75 %" in page
    piece = client.get("/jobs/", headers={"HX-Request": "true"}).content.decode()
    assert piece.lstrip().startswith("<section")
    assert "<html" not in piece


def test_a_jobs_piece_replaces_itself_until_the_job_is_over(ana, snapshot, client):
    run = run_of(snapshot)
    client.force_login(ana)
    address = f"/jobs/training/{run.pk}/"
    assert client.get(address).url == f"/runs/{run.pk}/"
    answer = client.get(address, headers={"HX-Request": "true"})
    assert f'hx-get="{address}"' in answer.content.decode()
    assert "HX-Trigger-After-Settle" not in answer
    TrainingRun.objects.update(state=State.FAILED, error_message="The disk is full; make room and try again.")
    answer = client.get(address, headers={"HX-Request": "true"})
    assert "hx-get" not in answer.content.decode()
    assert "The disk is full" in answer.content.decode()
    assert "job:over" in answer["HX-Trigger-After-Settle"]


def test_who_runs_its_project_stops_and_repeats_a_job_whoever_started_it(ada, ana, rita, sam, snapshot, client):
    run = run_of(snapshot, created_by=ana)  # who was an administrator then
    for act in ("cancellation", "retry"):
        address = f"/jobs/training/{run.pk}/{act}/"
        client.force_login(sam)
        assert client.post(address).status_code == 404
        for may_see in (rita, ana):
            client.force_login(may_see)
            assert client.post(address).status_code == 403
            assert client.get(address).status_code == 405
            assert "Cancel</button>" not in client.get("/jobs/").content.decode()
    client.force_login(ada)
    assert "Cancel</button>" in client.get("/jobs/").content.decode()
    assert client.post(f"/jobs/training/{run.pk}/cancellation/").url == "/jobs/"
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    client.force_login(ada)
    assert "Try again</button>" in client.get("/jobs/").content.decode()
    referer = {"Referer": f"http://testserver/runs/{run.pk}/"}
    assert client.post(f"/jobs/training/{run.pk}/retry/", headers=referer).url == referer["Referer"]
    run.refresh_from_db()
    assert run.state == State.QUEUED


def test_the_way_back_never_leaves_the_site(ada, snapshot, client):
    run = run_of(snapshot)
    client.force_login(ada)
    answer = client.post(f"/jobs/training/{run.pk}/cancellation/", headers={"Referer": "https://elsewhere.example/"})
    assert answer.url == "/jobs/"


def test_a_kind_or_a_number_that_is_not_there_is_not_found(ada, client):
    client.force_login(ada)
    assert client.get("/jobs/wizardry/1/").status_code == 404
    assert client.get("/jobs/training/1/").status_code == 404


def test_health_needs_no_login_and_tells_how_long_jobs_wait(snapshot, client):
    assert client.get("/healthz").json() == {"ok": True}
    assert client.get("/readyz").json()["oldest_waiting_seconds"] is None
    run_of(snapshot)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["database"] is True
    assert ready.json()["broker"] is None
    assert ready.json()["oldest_waiting_seconds"] >= 0


def test_a_database_that_is_away_is_told(client, monkeypatch):
    from django.db import OperationalError

    from mixassist_site.views import health

    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "oldest_waiting_seconds", away)
    ready = client.get("/readyz")
    assert (ready.status_code, ready["Retry-After"]) == (503, "5")
    assert ready.json()["database"] is False
