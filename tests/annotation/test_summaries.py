"""Every writing of a context summary can be read again by who may see the layer."""

import json
import uuid

import pytest

from tests.factories import LayerFactory, SessionFactory, turn


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project))


def write(client, layer, made, text):
    edit = {"id": str(uuid.uuid4()), "op": "summary.write", "turn": str(made.uid), "text": text}
    layer.refresh_from_db()
    body = json.dumps({"base_revision": layer.revision, "edits": [edit]})
    assert client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json").status_code == 200


def test_all_writings_are_listed_the_newest_first_and_paged(client, ana, layer):
    made, other = turn(layer, 0), turn(layer, 10_000)
    client.force_login(ana)
    for text in ("They begin.", "They have begun.", ""):
        write(client, layer, made, text)
    write(client, layer, other, "Something else.")
    address = f"/api/v1/layers/{layer.pk}/turns/{made.uid}/summaries/"
    told = client.get(address).json()
    assert [(row["revision"], row["text"], row["author"]) for row in told["results"]] == [
        (3, "", "ana"),
        (2, "They have begun.", "ana"),
        (1, "They begin.", "ana"),
    ]
    page = client.get(f"{address}?page_size=2&page=2").json()
    assert [row["revision"] for row in page["results"]] == [1]


def test_writings_of_a_draft_are_its_owners_alone(client, ana, rita, layer):
    made = turn(layer, 0)
    client.force_login(ana)
    write(client, layer, made, "They begin.")
    client.force_login(rita)
    assert client.get(f"/api/v1/layers/{layer.pk}/turns/{made.uid}/summaries/").status_code == 404
