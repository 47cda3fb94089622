"""Who works: told by the workers themselves, shown to administrators, without a word of other people's projects."""

import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.models import Project
from modeling import workers
from modeling.models import Worker
from tests.factories import SnapshotFactory
from tests.modeling.app.things import eventually, generation_of, python

PAGE = "/workers/"


@pytest.mark.django_db
def test_administrators_see_workers_gpus_and_what_runs(
    ada, rita, sam, project, client, monkeypatch, django_assert_max_num_queries
):
    told = "NVIDIA H100, 81559, 1234\nbroken line\nNVIDIA L4, 24000, [N/A]\n"
    monkeypatch.setattr(workers.subprocess, "run", lambda *_, **__: type("Ran", (), {"stdout": told}))
    workers.tell(["gpu"])
    name = workers.name_of_this()
    mine = generation_of(SnapshotFactory(project=project), state="running", lease_owner=f"{name}:7", note="Answers")
    other = generation_of(SnapshotFactory(project=Project.objects.get(slug="elsewhere")), state="running",
                          lease_owner=f"{name}:8", note="Secret note")  # fmt: skip
    Worker.objects.create(name="old:1", seen_at=timezone.now() - timedelta(hours=1))
    client.force_login(ada)
    with django_assert_max_num_queries(60):
        page = client.get(PAGE).content.decode()
    assert "NVIDIA H100: 1234 of 81559 MB" in page and "NVIDIA L4" not in page
    assert f'href="/generations/{mine.pk}/"' in page and "generation of another project" in page
    assert f'href="/generations/{other.pk}/"' not in page and "Secret note" not in page
    assert page.count(">silent<") == 1
    listed = client.get("/api/v1/workers/").json()["results"]
    assert [(one["name"], one["is_silent"]) for one in listed] == sorted([(name, False), ("old:1", True)])
    client.force_login(rita)
    assert [client.get(one).status_code for one in (PAGE, "/api/v1/workers/")] == [403, 403]


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_of_itself_while_it_lives_and_takes_its_row_along(db):
    process = python("manage.py", "worker", "--queue", "cpu")
    try:
        eventually(lambda: Worker.objects.filter(name__endswith=f":{process.pid}", queues=["cpu"]).exists(), 60)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert not Worker.objects.exists()
