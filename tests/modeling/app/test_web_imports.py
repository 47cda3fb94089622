"""The web process opens every page of this room without torch and its kin."""

import json

import pytest

from mixassist_site.jobs import State
from modeling.models import Adapter, Candidate, Metric
from tests.modeling.app.things import frozen, generation_of, python, run_of

HEAVY = ("torch", "transformers", "peft", "librosa", "accelerate", "tokenizers", "safetensors", "scipy", "matplotlib")
SCRIPT = """
import json, sys
import django
django.setup()
from django.test import Client
from annotation.models import Person
client = Client()
client.force_login(Person.objects.get(username="ada"))
statuses = {page: client.get(page).status_code for page in json.loads(sys.argv[1])}
posted = client.post("/projects/songs/runs/new/", json.loads(sys.argv[2])).status_code
print(json.dumps([statuses, posted, [name for name in json.loads(sys.argv[3]) if name in sys.modules]]))
"""


@pytest.mark.django_db(transaction=True)
def test_no_page_loads_a_model_library(ada, project):
    snapshot = frozen(project)
    run = run_of(snapshot, state=State.SUCCEEDED, record={"last_loss": 1.0})
    Metric.objects.create(run=run, step=1, key="loss", value=1.0)
    adapter = Adapter.objects.create(run=run, name="spring", sha256="a" * 64, folder="1-1")
    generation = generation_of(snapshot, source="adapter", adapter=adapter)
    Candidate.objects.create(generation=generation, row="test/test-c0/0", text="Cut it.")
    pages = [
        "/jobs/", "/healthz", "/readyz", "/projects/songs/runs/", "/projects/songs/runs/new/", f"/runs/{run.pk}/",
        f"/adapters/{adapter.pk}/", "/projects/songs/generations/", "/projects/songs/generations/new/",
        "/projects/songs/generations/imports/",
        f"/generations/{generation.pk}/", "/api/v1/runs/", "/api/v1/adapters/", "/api/v1/generations/",
        "/workers/", "/projects/songs/probes/", "/api/v1/workers/", "/api/v1/probes/",
        "/api/v1/candidates/", f"/api/v1/runs/{run.pk}/metrics/",
    ]  # fmt: skip
    form = {"snapshot": snapshot.pk, "base": "tiny", "key": "6f1b5a36-6c7e-4a52-9f0b-5b7b0e8b1a02"}
    process = python("-c", SCRIPT, json.dumps(pages), json.dumps(form), json.dumps(HEAVY))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    statuses, posted, loaded = json.loads(said.splitlines()[-1])
    assert set(statuses.values()) == {200}, statuses
    assert posted == 302
    assert loaded == []
