"""Runs, adapters, generations and candidates for scripts: the pages' rights, explicit fields, closed filters."""

import uuid

import pytest

from annotation.models import ApiToken
from mixassist_site.jobs import State
from modeling.models import Adapter, Candidate, Generation, Metric, TrainingRun
from tests.modeling.app.things import frozen, generation_of, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot(project):
    return frozen(project)


def post(client, address: str, body: dict, **more):
    return client.post(f"/api/v1/{address}", body, content_type="application/json", **more)


def test_members_read_strangers_find_nothing(rita, sam, snapshot, client):
    run = run_of(snapshot, state=State.SUCCEEDED)
    adapter = Adapter.objects.create(run=run, name="spring", sha256="a" * 64, folder="1-1")
    generation = generation_of(snapshot, source="adapter", adapter=adapter)
    candidate = Candidate.objects.create(generation=generation, row="test/c/1", text="Cut it.", guards=["empty"])
    Metric.objects.create(run=run, step=1, key="loss", value=2.5)
    lists = ["runs", "adapters", "generations", "candidates"]
    one = [f"runs/{run.pk}/", f"adapters/{adapter.pk}/", f"generations/{generation.pk}/", f"runs/{run.pk}/metrics/"]
    client.force_login(rita)
    assert [client.get(f"/api/v1/{name}/").json()["count"] for name in lists] == [1] * 4
    assert [client.get(f"/api/v1/{name}").status_code for name in one] == [200] * 4
    assert client.get(f"/api/v1/runs/{run.pk}/").json()["adapter"] == adapter.pk
    assert client.get(f"/api/v1/runs/{run.pk}/metrics/?key=loss").json()["results"] == [
        {"step": 1, "key": "loss", "value": 2.5}
    ]
    assert client.get(f"/api/v1/candidates/?generation={generation.pk}").json()["results"][0]["id"] == candidate.pk
    client.force_login(sam)
    assert [client.get(f"/api/v1/{name}/").json()["count"] for name in lists] == [0] * 4
    assert [client.get(f"/api/v1/{name}").status_code for name in one] == [404] * 4


def test_who_may_be_asked_to_rate_never_reads_who_said_what(ana, rita, sue, snapshot, client):
    generation = generation_of(snapshot, source="expert", base=None, state=State.SUCCEEDED)
    Candidate.objects.create(generation=generation, row="test/c/1", text="Cut the low mids.")
    pages = [f"/generations/{generation.pk}/", f"/api/v1/candidates/?generation={generation.pk}"]
    for person, reads in ((ana, False), (rita, True), (sue, True)):
        client.force_login(person)
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200
            assert ("Cut the low mids." in answer.content.decode()) is reads


def test_administrators_start_runs_and_generations(ada, ana, sam, snapshot, client):
    body = {"snapshot": snapshot.pk, "base": "tiny", "config": {"rank": 4}, "key": str(uuid.uuid4())}
    answers = {"snapshot": snapshot.pk, "source": "base", "base": "tiny", "answers": 2}
    for person, status in ((sam, 404), (ana, 403), (ada, 201)):
        client.force_login(person)
        assert post(client, "runs/", body).status_code == status
        assert post(client, "generations/", answers).status_code == status
    assert post(client, "runs/", body).json()["id"] == TrainingRun.objects.get().pk  # the same key
    assert TrainingRun.objects.get().created_by == ada
    assert Generation.objects.get().decoding == {"temperature": 0.7}


@pytest.mark.parametrize(
    ("address", "body", "told"),
    [
        ("runs/", {"base": "tiny", "is_staff": True}, "This key is not known here."),
        ("runs/", {"base": "nonsense"}, "There is no base model nonsense"),
        ("runs/", {"base": "tiny", "config": {"rnak": 4}}, "There is no training option rnak"),
        ("runs/", {"base": "tiny", "config": {"rank": 0}}, "rank must be from 1 to 1,024"),
        ("generations/", {"source": "oracle"}, "is not a valid choice"),
        ("generations/", {"source": "base"}, "Choose a base model."),
        ("generations/", {"source": "expert", "state": "succeeded"}, "This key is not known here."),
        ("generations/", {"source": "base", "base": "tiny", "decoding": {"beams": 4}}, "There is no option beams"),
    ],
)
def test_a_body_that_will_not_do_is_told_why(ada, snapshot, client, address, body, told):
    client.force_login(ada)
    answer = post(client, address, {"snapshot": snapshot.pk, **body})
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert not TrainingRun.objects.exists() and not Generation.objects.exists()


def test_filters_are_a_closed_list(ada, snapshot, client):
    client.force_login(ada)
    for name in ("runs", "adapters", "generations", "candidates"):
        assert client.get(f"/api/v1/{name}/?created_by__password__startswith=a").status_code == 400
    assert client.get("/api/v1/candidates/?generation=x").status_code == 400


def test_a_token_needs_the_scope(ada, snapshot, client):
    body = {"snapshot": snapshot.pk, "base": "tiny"}
    statuses = []
    for scopes in (["read"], ["read", "manage"]):
        _, text = ApiToken.issue(ada, "script", scopes)
        statuses.append(post(client, "runs/", body, headers={"Authorization": f"Bearer {text}"}).status_code)
        run = run_of(snapshot, name=str(scopes))
        address = f"runs/{run.pk}/cancellation/"
        statuses.append(post(client, address, {}, headers={"Authorization": f"Bearer {text}"}).status_code)
    assert statuses == [403, 403, 201, 200]


def test_jobs_are_stopped_and_repeated(ada, ana, sam, snapshot, client):
    run, generation = run_of(snapshot), generation_of(snapshot)
    for kind, job in (("runs", run), ("generations", generation)):
        for person, status in ((sam, 404), (ana, 403)):
            client.force_login(person)
            assert post(client, f"{kind}/{job.pk}/cancellation/", {}).status_code == status
        client.force_login(ada)
        assert post(client, f"{kind}/{job.pk}/cancellation/", {}).json()["state"] == "cancelled"
        assert post(client, f"{kind}/{job.pk}/cancellation/", {}).status_code == 409
        assert post(client, f"{kind}/{job.pk}/retry/", {}).json()["state"] == "queued"
        assert post(client, f"{kind}/{job.pk}/retry/", {"now": True}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "runs/?snapshot=" + "9" * 20,
        "runs/?snapshot=" + "9" * 5000,
        "runs/?state=%00",
        "runs/?project=%00",
        "adapters/?run=" + "9" * 20,
        "generations/?snapshot=" + "9" * 20,
        "generations/?source=%00",
        "candidates/?generation=" + "9" * 20,
        "candidates/?row=%00",
        "studies/?snapshot=" + "9" * 20,
        "studies/?state=%00",
        "layers/?session=" + "9" * 30,
        "layers/?state=%00",
        "recordings/?session=" + "9" * 5000,
        "sessions/?project=%00",
        "snapshots/?state=%00",
    ],
)
def test_a_filter_that_no_database_takes_is_refused(ada, query, client):
    client.force_login(ada)
    assert client.get(f"/api/v1/{query}").status_code == 400


@pytest.mark.parametrize("name", ["expert", "Expert", "tiny", "one,two", "a\tb", "n" * 121])
def test_an_adapter_never_bears_the_name_of_another_source(ada, snapshot, name, client):
    client.force_login(ada)
    answer = post(client, "runs/", {"snapshot": snapshot.pk, "base": "tiny", "name": name})
    assert answer.status_code == 400, answer.content
    assert not TrainingRun.objects.exists()


def test_a_snapshot_with_a_long_name_can_be_trained_on(ada, project, client):
    snapshot = frozen(project)
    type(snapshot).objects.filter(pk=snapshot.pk).update(name="spring, " + "n" * 112)
    client.force_login(ada)
    for _ in range(2):
        assert post(client, "runs/", {"snapshot": snapshot.pk, "base": "tiny"}).status_code == 201
    names = [run.name for run in TrainingRun.objects.order_by("pk")]
    assert len(set(names)) == 2
    assert all(len(name) <= 120 and "," not in name for name in names)


@pytest.mark.parametrize("temperature", [1e-40, 0.009])
def test_a_temperature_that_overflows_is_refused(ada, snapshot, temperature, client):
    client.force_login(ada)
    decoding = {"temperature": temperature}
    body = {"snapshot": snapshot.pk, "source": "base", "base": "tiny", **decoding}
    answer = post(client, "generations/", body)
    assert answer.status_code == 400
    assert not Generation.objects.exists()
