"""The keys that a person chose for the workbench go where the person goes."""

import json

import pytest
from django.test import Client

from annotation.models import ApiToken, Person
from tests.factories import LayerFactory, SessionFactory

CHOSEN = {"profile": "praat", "keys": {"split": ["X", "Ctrl+Space"], "loop": []}}


def put(client: Client, body, **headers):
    return client.put("/api/v1/me/keys/", json.dumps(body), content_type="application/json", headers=headers)


def test_keys_are_kept_for_the_person_and_come_with_the_workbench(client, ana, rita, project):
    client.force_login(ana)
    assert client.get("/api/v1/me/keys/").json() == {"profile": "default", "keys": {}}
    assert put(client, CHOSEN).json() == CHOSEN
    layer = LayerFactory(session=SessionFactory(project=project), owner=ana)
    page = Client()
    page.force_login(ana)
    text = page.get(f"/layers/{layer.pk}/").content.decode()
    assert "&quot;split&quot;: [&quot;X&quot;, &quot;Ctrl+Space&quot;]" in text
    client.force_login(rita)
    assert client.get("/api/v1/me/keys/").json() == {"profile": "default", "keys": {}}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"keys": []},
        {"keys": {"split": "X"}},
        {"keys": {"split": [1, 2, 3, 4, 5]}},
        {"keys": {"split": ["x" * 33]}},
        {"keys": {"split": ["\x00"]}},
        {"keys": {"split": ["\ud800"]}},
        {"keys": {"split": [None]}},
        {"keys": {"Split the\x00 thing": ["X"]}},
        {"keys": {f"action-{n}": ["X"] for n in range(201)}},
        {"profile": "<script>"},
        {"profile": None},
        {"theme": "dark"},
    ],
)
def test_what_are_no_keys_is_refused_and_changes_nothing(client, ana, body):
    client.force_login(ana)
    put(client, CHOSEN)
    answer = put(client, body)
    assert answer.status_code == 400
    assert answer.json()
    assert Person.objects.get(pk=ana.pk).keys == CHOSEN


def test_a_script_needs_the_scope_to_change_them(client, ana):
    _, text = ApiToken.issue(ana, "script", ["read"])
    assert client.get("/api/v1/me/keys/", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    assert put(client, CHOSEN, Authorization=f"Bearer {text}").status_code == 403
