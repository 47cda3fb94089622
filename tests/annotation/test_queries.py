"""The number of queries of a page does not grow with what is on it."""

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import (
    LayerFactory,
    RecordingFactory,
    SegmentFactory,
    SessionFactory,
    SnapshotFactory,
    conversation,
    turn,
)


def asked(client, address, post=None):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.post(address, post, content_type="application/json") if post else client.get(address)
    assert answer.status_code == 200, answer.content[:300]
    return len([q for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])


@pytest.fixture
def layer(ana, project):
    session = SessionFactory(project=project)
    RecordingFactory(session=session)
    return LayerFactory(owner=ana, session=session)


def fill(layer, turns):
    assert connection.features.supports_json_field  # which a connection of SQLite asks once in its life
    for number in range(turns):
        conversation(layer, [turn(layer, number * 6000, flag="yes")])


def test_the_workbench_and_its_document_ask_as_often_for_one_turn_as_for_sixty(client, ana, layer):
    client.force_login(ana)
    addresses = (f"/layers/{layer.pk}/", f"/api/v1/layers/{layer.pk}/document/")
    fill(layer, 1)
    few = [asked(client, address) for address in addresses]
    fill(layer, 59)
    assert [asked(client, address) for address in addresses] == few
    assert few[0] <= 12
    assert few[1] <= 12


@pytest.mark.parametrize("address", ["/", "/projects/", "/projects/songs/", "/projects/songs/snapshots/", "/jobs/"])
def test_lists_ask_as_often_for_one_row_as_for_twenty(client, ada, project, address):
    client.force_login(ada)

    def more(count):
        for _ in range(count):
            session = SessionFactory(project=project)
            RecordingFactory(session=session)
            LayerFactory(session=session, state="submitted")
            SnapshotFactory(project=project)

    more(1)
    few = asked(client, address)
    more(19)
    assert asked(client, address) == few
    assert few <= 12


# With the one that finds out who asks.
COSTS = {
    "segment.create": ({"uid": "NEW", "lane": "music", "start_ms": 0, "end_ms": 5}, 5),
    "segment.update": ({"uid": "SEGMENT", "text": "Other words."}, 5),
    "turn.create": ({"uid": "NEW", "music": ["CLIP"]}, 6),
    "turn.update": ({"uid": "TURN", "expert_text": "Other words."}, 5),
    "conversation.create": ({"uid": "NEW", "topic": "drums", "turns": ["LOOSE"]}, 6),
    "conversation.update": ({"uid": "CONVERSATION", "topic": "bass"}, 5),
    "conversation.delete": ({"uid": "CONVERSATION"}, 6),
    "flag.set": ({"turn": "TURN", "flag": "has_content", "value": "no"}, 5),
    "summary.write": ({"turn": "TURN", "text": "So far."}, 5),
    "segment.merge": ({"uid": "CLIP", "other": "OTHER"}, 6),
    "segment.split": ({"uid": "CLIP", "at_ms": 400, "new_uid": "NEW"}, 6),
    "segment.delete": ({"uid": "CLIP"}, 5),
    "turn.delete": ({"uid": "LOOSE"}, 7),
}


@pytest.mark.parametrize("op", COSTS)
def test_an_edit_costs_a_handful_of_queries_however_large_the_layer_is(client, ana, layer, op):
    client.force_login(ana)
    fill(layer, 40)
    arguments, cost = COSTS[op]
    names = {
        "NEW": uuid.uuid4(),
        "SEGMENT": layer.segments.first().uid,
        "CLIP": SegmentFactory(layer=layer, lane="music", start_ms=0, end_ms=900).uid,
        "OTHER": SegmentFactory(layer=layer, lane="music", start_ms=1000, end_ms=1900).uid,
        "TURN": layer.turns.first().uid,
        "LOOSE": turn(layer, 500_000).uid,
        "CONVERSATION": layer.conversations.first().uid,
    }
    text = json.dumps({"base_revision": 0, "edits": [{"id": str(uuid.uuid4()), "op": op, **arguments}]})
    for name, uid in names.items():
        text = text.replace(f'"{name}"', f'"{uid}"')
    assert asked(client, f"/api/v1/layers/{layer.pk}/edits/", text) == cost
    assert layer.edits.get().revision == 1


def test_undoing_a_flag_costs_no_more_than_setting_it_and_one_look_at_the_edit(client, ana, layer):
    client.force_login(ana)
    fill(layer, 40)
    address, edit = f"/api/v1/layers/{layer.pk}/edits/", str(uuid.uuid4())
    told = {"op": "flag.set", "turn": str(layer.turns.first().uid), "flag": "has_content", "value": "no"}
    asked(client, address, json.dumps({"base_revision": 0, "edits": [{"id": edit, **told}]}))
    undo = {"id": str(uuid.uuid4()), "op": "undo", "of": edit}
    assert asked(client, address, json.dumps({"base_revision": 1, "edits": [undo]})) == 6
    assert layer.turns.first().flags.get().value == "yes"
