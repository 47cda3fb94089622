"""A probe's page says where hearing is lost; members see it, administrators start it."""

import pytest

from modeling.models import EncoderProbe

pytestmark = pytest.mark.django_db
STAGE = {"score": 0.8, "low": 0.7, "high": 0.9, "floor": 0.1, "heard": True}
DEAF = {"score": 0.01, "low": -0.2, "high": 0.09, "floor": 0.1, "heard": False}


def test_the_page_names_the_stage_that_loses_it(ada, rita, ana, sam, project, client):
    client.force_login(ada)
    form = {"subject": "base:tiny", "clips": "40", "seed": "3", "key": "6f1b5a36-6c7e-4a52-9f0b-5b7b0e8b1a02"}
    answer = client.post("/projects/songs/probes/", form)
    assert client.post("/projects/songs/probes/", form).url == answer.url
    job = EncoderProbe.objects.get()
    assert (job.clips, job.seed, job.asks, job.created_by) == (40, 3, False, ada)
    tempo = {"stages": {"clip": STAGE, "mel": STAGE, "tower": STAGE, "projector": DEAF}, "where": "projector"}
    properties = {"tempo": tempo | {"chance": 0.0, "read": None}}
    EncoderProbe.objects.update(state="succeeded", record={"properties": properties, "base_revision": "b" * 64})
    for person in (ada, rita, ana):
        client.force_login(person)
        page = client.get(answer.url).content.decode()
        assert "lost in the projector" in page and "0.70 to 0.90" in page and "not asked" in page
        assert "Hearing of tiny" in client.get("/jobs/").content.decode()
    assert client.post("/projects/songs/probes/", form).status_code == 403
    client.force_login(sam)
    assert client.get(answer.url).status_code == 404


def test_a_probe_that_cannot_be_is_refused_in_a_sentence(ada, project, client):
    client.force_login(ada)
    answer = client.post("/projects/songs/probes/", {"subject": "base:tiny", "clips": "3", "seed": "0"})
    assert answer.status_code == 400 and "greater than or equal to 40" in answer.content.decode()
    for body in ({"base": "nobody"}, {}):
        answer = client.post("/api/v1/probes/", {"project": "songs", **body}, content_type="application/json")
        assert answer.status_code == 400 and answer.json()["message"].endswith(".")
    assert not EncoderProbe.objects.exists()
