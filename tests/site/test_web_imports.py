"""The web process opens every page there is, of any room, without torch and its kin."""

import json

import pytest
from django.urls import reverse

from tests.modeling.app.things import python
from tests.site.everything import one_of_everything
from tests.site.routes import ACTORS, MAY, ROUTES

HEAVY = ("torch", "transformers", "peft", "librosa", "accelerate", "tokenizers", "safetensors", "matplotlib")
SCRIPT = """
import json, sys
import django
django.setup()
from django.test import Client
from annotation.models import Person
pages, heavy, rater = map(json.loads, sys.argv[1:])
seen = {}
for actor, name, address in pages:
    client = Client()
    if actor == "rater":
        client.get(f"/rate/{rater}/")
    elif actor != "anonymous":
        client.force_login(Person.objects.get(username=actor))
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer)
    loaded = [name for name in heavy if name in sys.modules]
    seen[f"{name} {address}"] = [answer.status_code, loaded]
print(json.dumps(seen))
"""


@pytest.mark.django_db(transaction=True)
def test_no_page_of_any_room_loads_a_model_library():
    told, people, rater = one_of_everything()
    pages = []
    for route in ROUTES:
        who = [actor for actor in ACTORS if route.who.get("GET", {}).get(actor) == MAY]
        if who:
            name = people[who[0]].username if who[0] in people else who[0]
            pages.append((name, route.name, reverse(route.name, args=[told[each] for each in route.named])))
    assert len(pages) > 100
    process = python("-c", SCRIPT, json.dumps(pages), json.dumps(HEAVY), json.dumps(rater.token))
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    seen = json.loads(said.splitlines()[-1])
    assert {page: loaded for page, (_, loaded) in seen.items() if loaded} == {}
    assert {page: status for page, (status, _) in seen.items() if status >= 500 and status != 503} == {}
    assert sum(status == 200 for status, _ in seen.values()) > 0.8 * len(seen)
