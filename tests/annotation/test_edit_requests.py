"""Edits as they come over the wire: whatever is sent, a clear answer, and a layer that is as it was."""

import json
import uuid

import pytest

from annotation.editing import apply_edits, document
from annotation.models import Edit, Summary
from tests.factories import LayerFactory, SessionFactory, conversation, turn
from tests.people import person

NEW = str(uuid.uuid4())


@pytest.fixture
def layer(ana, project):
    layer = LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))
    turn(layer, 0)
    return layer


@pytest.fixture
def send(client, ana, layer):
    """POST a body, and have the layer unchanged."""
    client.force_login(ana)

    def post(body):
        before = document(layer)
        answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")
        assert document(layer) == before
        assert not Edit.objects.exists()
        return answer

    return post


BAD = {
    "a flag that is a list": {"op": "flag.set", "turn": "TURN", "flag": [], "value": "yes"},
    "a flag that is an object": {"op": "flag.set", "turn": "TURN", "flag": {}, "value": "yes"},
    "a flag's value that is a list": {"op": "flag.set", "turn": "TURN", "flag": "has_content", "value": []},
    "a note that is a number": {"op": "flag.set", "turn": "TURN", "flag": "has_content", "value": "yes", "note": 5},
    "a note without end": {"op": "flag.set", "turn": "TURN", "flag": "has_content", "value": "yes", "note": "n" * 501},
    "a topic that is a list": {"op": "conversation.create", "uid": NEW, "topic": [], "turns": ["TURN"]},
    "turns that are lists": {"op": "conversation.create", "uid": NEW, "topic": "drums", "turns": [[]]},
    "turns that are objects": {"op": "conversation.create", "uid": NEW, "topic": "drums", "turns": [{}]},
    "members that are objects": {"op": "turn.create", "uid": NEW, "amateur": [{}]},
    "members in an object": {"op": "turn.create", "uid": NEW, "amateur": {"a": 1}},
    "half a character": {"op": "segment.update", "uid": "SEGMENT", "text": "\ud83d"},
    "half a character where nobody looks": {"op": "segment.update", "uid": "SEGMENT", "extra": "\ud83d"},
    "a NUL": {"op": "segment.update", "uid": "SEGMENT", "text": "a\x00b"},
    "a NUL where nobody looks": {"op": "segment.update", "uid": "SEGMENT", "extra": "\x00"},
    "a lane that is a list": {"op": "segment.update", "uid": "SEGMENT", "lane": []},
    "a time beyond all": {"op": "segment.update", "uid": "SEGMENT", "end_ms": 2**70},
    "a cut that is true": {"op": "segment.split", "uid": "SEGMENT", "new_uid": NEW, "at_ms": True},
    "an operation that is half a character": {"op": "\ud83d"},
    "an operation that is nothing": {"op": None},
    "no operation": {},
    "an undo of nothing": {"op": "undo"},
    "a text of 100,000 characters": {"op": "segment.update", "uid": "SEGMENT", "text": "x" * 100_000},
    "a segment outside the session": {"op": "segment.update", "uid": "SEGMENT", "start_ms": 70_000, "end_ms": 80_000},
    "a number without bounds": {"op": "segment.update", "uid": "SEGMENT", "extra": float("inf")},
}


@pytest.mark.parametrize("what", BAD)
def test_an_edit_that_makes_no_sense_is_refused_by_its_id(send, layer, what):
    names = {"SEGMENT": str(layer.segments.first().uid), "TURN": str(layer.turns.get().uid)}
    edit = {"id": str(uuid.uuid4()), **BAD[what]}
    for name, value in edit.items():
        if isinstance(value, str) and value in names:
            edit[name] = names[value]
        elif value == ["TURN"]:
            edit[name] = [names["TURN"]]
    answer = send(json.dumps({"base_revision": 0, "edits": [edit]}))
    assert answer.status_code == 400, answer.content
    told = answer.json()
    assert told.get("edit") == edit["id"] or "JSON" in str(told), told


DEEP = "[" * 3000 + "]" * 3000
BODIES = {
    "no JSON": "[",
    "a list": "[]",
    "a number": "5",
    "nothing": "null",
    "a revision without bounds": '{"base_revision": 1e400, "edits": []}',
    "endless depth": '{"base_revision": 0, "edits": ' + "[" * 100_000,
    "a deep edit": f'{{"base_revision": 0, "edits": [{{"id": "{NEW}", "op": "undo", "z": {DEEP}}}]}}',
    "bytes": b"\xff",
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_none_is_refused(send, what):
    assert send(BODIES[what]).status_code == 400


@pytest.mark.parametrize("revision", [1, 5, 2**31 - 1, 10**30])
def test_a_revision_from_the_future_is_told_the_true_one(send, revision):
    edit = {"id": NEW, "op": "segment.create", "uid": NEW, "lane": "music", "start_ms": 0, "end_ms": 5}
    answer = send(json.dumps({"base_revision": revision, "edits": [edit]}))
    assert (answer.status_code, answer.json()["revision"]) == (409, 0)


def test_words_that_look_like_an_escape_are_words(client, ana, layer):
    client.force_login(ana)
    edit = {"id": NEW, "op": "segment.update", "uid": str(layer.segments.first().uid), "text": "\\u0000 is a NUL"}
    body = json.dumps({"base_revision": 0, "edits": [edit]})
    answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")
    assert answer.status_code == 200
    assert layer.segments.first().text == "\\u0000 is a NUL"


def test_the_same_request_twice_is_answered_the_same_and_a_known_edit_on_the_newest_revision_too(client, ana, layer):
    """The short way for edits doesn't look for what is there: the tables refuse it, and the long way answers."""
    client.force_login(ana)
    edit = {"id": NEW, "op": "segment.create", "uid": str(uuid.uuid4()), "lane": "music", "start_ms": 0, "end_ms": 5}
    address = f"/api/v1/layers/{layer.pk}/edits/"
    answers = [
        client.post(address, {"base_revision": base, "edits": [edit]}, content_type="application/json")
        for base in (0, 0, 1)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    again = {**edit, "id": str(uuid.uuid4())}
    answer = client.post(address, {"base_revision": 1, "edits": [again]}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "uid-taken")
    layer.refresh_from_db()
    assert (layer.revision, Edit.objects.count()) == (1, 1)


def refusals():
    def submitted(layer):
        layer.submit()

    def another_persons(layer):
        layer.owner = layer.session.project.admit(person("bea"), "annotator").person
        layer.save()

    def of_a_project_that_one_has_left(layer):
        layer.session.project.memberships.all().delete()

    def moved_on(layer):
        uid = str(uuid.uuid4())
        edit = {"id": uid, "op": "segment.create", "uid": uid, "lane": "note", "start_ms": 0, "end_ms": 5}
        apply_edits(layer, layer.owner, 0, [edit])

    return [(submitted, 400), (another_persons, 404), (of_a_project_that_one_has_left, 404), (moved_on, 409)]


@pytest.mark.parametrize(("happens", "status"), refusals(), ids=lambda each: getattr(each, "__name__", None))
def test_what_happened_to_a_layer_meanwhile_keeps_an_edit_out(client, ana, layer, happens, status):
    client.force_login(ana)
    happens(layer)
    before = document(layer)
    edit = {"id": NEW, "op": "segment.update", "uid": str(layer.segments.first().uid), "text": "Too late."}
    body = {"base_revision": 0, "edits": [edit]}
    answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert document(layer) == before


def test_a_turn_that_goes_takes_its_flag_and_summary_along_and_brings_them_back(client, ana, project):
    layer = LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))
    kept, gone = turn(layer, 0, flag="no"), turn(layer, 6000, flag="yes")
    conversation(layer, [kept, gone])
    Summary.objects.create(layer=layer, turn_uid=gone.uid, revision=1, text="So far so good.", author=ana)
    client.force_login(ana)
    before = document(layer)

    def edit(**told):
        layer.refresh_from_db()
        body = {"base_revision": layer.revision, "edits": [{"id": str(uuid.uuid4()), **told}]}
        answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return layer.edits.latest("revision")

    made = edit(op="turn.delete", uid=str(gone.uid))
    assert sorted(change["kind"] for change in made.changes) == ["conversation", "flag", "summary", "turn"]
    assert [flag["turn"] for flag in document(layer)["flags"]] == [str(kept.uid)]
    edit(op="undo", of=str(made.uid))
    after = document(layer)
    assert [row["text"] for row in after["summaries"]] == ["So far so good."]
    for kind in ("segments", "turns", "conversations", "flags"):
        assert sorted(map(str, after[kind])) == sorted(map(str, before[kind]))
