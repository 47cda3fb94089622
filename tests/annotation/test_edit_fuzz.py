"""Every argument of every operation as nobody means it, over the wire: an answer, and a layer that is as it was."""

import json
import os
import uuid

import pytest
from django.db import transaction

from annotation.editing import document
from annotation.models import Edit, Summary
from annotation.operations import OPERATIONS
from tests.annotation.test_editing import do, edit, require_sound
from tests.factories import LayerFactory, SessionFactory, conversation, turn

UNKNOWN = str(uuid.UUID(int=5))
EVERY = "MIXASSIST_EXAMPLES" in os.environ  # or a share of all values for each argument
SHARE = 1 if EVERY else 5
LONGEST_MESSAGE = 300


def deep(levels):
    """A list in a list in a list."""
    made = []
    for _ in range(levels):
        made = [made]
    return made


ALIKE = {"uid": UNKNOWN, "lane": "note", "start_ms": 0, "end_ms": 5, "text": "", "turns": [UNKNOWN]}
HOSTILE = {
    "nothing": None,
    "true": True,
    "false": False,
    "a negative number": -1,
    "zero": 0,
    "a fraction": 1.5,
    "2^31": 2**31,
    "2^63": 2**63,
    "400 digits": 10**400,
    "a number that is none": float("nan"),
    "a number without bounds": float("-inf"),
    "the text NaN": "NaN",
    "an empty text": "",
    "a blank": " ",
    "a long text": "x" * 100_000,
    "a NUL": "a\x00b",
    "half a character": "\ud83d",
    "a sentence of SQL": "'; DROP TABLE annotation_edit; --",
    "an empty list": [],
    "an empty object": {},
    "a list of lists": [[]],
    "a list of objects": [{}],
    "a list of nothing": [None],
    "a list of numbers": [0, -1, 2**63],
    "a list of halves": ["\ud83d"],
    "501 unknown uids": [UNKNOWN] * 501,
    "words that end before they start": [[9, 1, "x"]],
    "words beyond all": [[2**63, 2**70, "x"]],
    "a row": ALIKE,
    "unknown": UNKNOWN,
    "a list of the unknown": [UNKNOWN],
    **{f"{levels} levels": deep(levels) for levels in (20, 250, 440, 460, 480, 700, 850, 920)},
}


@pytest.fixture
def project(project):
    project.topics = [{"key": "drums", "label": "Drums"}, {"key": "tape", "label": "Tape", "retired": True}]
    project.flags = [{"key": "has_content", "label": "Has content"}, {"key": "old", "label": "Old", "retired": True}]
    project.save()
    return project


def filled(layer):
    """A layer with two turns in a conversation and a third that is free, and what an edit of it may name."""
    turns = [turn(layer, at, flag="yes") for at in (0, 10_000, 20_000)]
    home = conversation(layer, turns[:2])
    loose = layer.segments.create(lane="amateur", start_ms=40_000, end_ms=41_000, text="Loose.")
    first = layer.segments.filter(lane="amateur").order_by("start_ms").first()
    names = {"segment": first, "other": loose, "turn": turns[0], "free": turns[2], "home": home}
    return {name: str(row.uid) for name, row in names.items()}


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))


@pytest.fixture
def foreign(ana, project):
    """Uids of another layer of the same person."""
    other = LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))
    return filled(other)


def meant(op, names):
    """An edit with every argument of an operation, that makes sense."""
    new = {"uid": str(uuid.uuid4())}
    segment, turns = {"uid": names["segment"]}, [names["turn"], names["free"]]
    words = [[2000, 2500, "Is"], [2500, 3000, "it"]]
    span = {"lane": "amateur", "start_ms": 2000, "end_ms": 3000, "text": "Is it muddy?", "words": words}
    texts = {"amateur_text": "Mine.", "expert_text": None}
    cut = {"at_ms": 2500, "new_uid": str(uuid.uuid4()), "text": "Is it", "new_text": "muddy?"}
    about = {"turn": names["turn"]}
    act = {"act": str(uuid.uuid4()), "restores": True}
    lanes = {"amateur": [names["other"]], "expert": [], "music": []}
    arguments = {
        "segment.create": new | span,
        "segment.update": segment | span,
        "segment.split": segment | cut,
        "segment.merge": segment | {"other": names["other"]},
        "segment.delete": segment,
        "turn.create": new | lanes | texts,
        "turn.update": {"uid": names["turn"]} | lanes | texts,
        "turn.delete": {"uid": names["turn"]},
        "conversation.create": new | {"topic": "drums", "turns": turns},
        "conversation.update": {"uid": names["home"], "topic": "drums", "turns": turns},
        "conversation.delete": {"uid": names["home"]},
        "summary.write": about | {"text": "They looked for the noise."},
        "flag.set": about | {"flag": "has_content", "value": "no", "note": "why"},
        "undo": {"of": names.get("edit")},
    }
    return edit(op, **arguments[op], **act)


def whole(layer):
    """All that a refusal leaves as it was."""
    layer.refresh_from_db()
    return json.dumps(document(layer)), layer.revision, Edit.objects.count(), Summary.objects.count()


@pytest.fixture
def browser(client, ana):
    client.force_login(ana)
    client.raise_request_exception = False
    return client


def address(layer):
    return f"/api/v1/layers/{layer.pk}/"


def post(client, layer, body):
    return client.post(f"{address(layer)}edits/", body, content_type="application/json")


def faults_of(client, layer, edit):
    """What is wrong with the answer to an edit, or with the layer after it; what it did is taken back."""
    with transaction.atomic():
        answer = post(client, layer, body_of(layer, edit))
        if answer.status_code == 200:
            require_sound(layer)
            reads = [client.get(address(layer)), client.get(f"{address(layer)}edits/")]
            transaction.set_rollback(True)
            return [f"reads as {read.status_code}" for read in reads if read.status_code != 200]
    return [] if answer.status_code == 400 and is_sentence(answer.json()) else [answer.content[:200]]


def is_sentence(told):
    """Whether a refusal has a code and one sentence that fits on the page; a body that is no JSON has a detail."""
    message = told["message"] if told.get("error") else told.get("detail", "")
    ends = message.endswith(".") if told.get("error") else "JSON" in message
    return ends and "\n" not in message and len(message) <= LONGEST_MESSAGE


def body_of(layer, *edits):
    return json.dumps({"base_revision": layer.revision, "edits": edits})


def faults_among(client, layer, good, names, values):
    """What is wrong after an edit with each value in the place of each argument."""
    before, faults = whole(layer), {}
    for turned, name in enumerate(names):
        some = list(values.items())[turned % SHARE :: SHARE]
        wrongs = [(label, {**good, name: value}) for label, value in some]
        wrongs.append(("nothing at all", {key: value for key, value in good.items() if key != name}))
        faults |= {f"{label} as {name}": found for label, wrong in wrongs if (found := faults_of(client, layer, wrong))}
        assert whole(layer) == before, name
    return faults


@pytest.mark.parametrize("op", [*OPERATIONS, "undo"])
def test_no_argument_of_an_operation_breaks_the_site_or_the_layer(browser, layer, foreign, op):
    names = filled(layer)
    _, (begun,) = do(layer, edit("segment.create", uid=str(uuid.uuid4()), lane="note", start_ms=0, end_ms=5))
    good = meant(op, {**names, "edit": str(begun.uid)})
    values = HOSTILE | {f"another layer's {name}": uid for name, uid in foreign.items()}
    values |= {"the retired topic": "tape", "the retired flag": "old", "its own id": good["id"]}
    values |= {f"a list of the {name}": [uid, uid] for name, uid in names.items()}
    arguments = [name for name in good if name not in ("id", "op", "act", "restores")]
    assert not faults_among(browser, layer, good, arguments, values)
    assert not faults_of(browser, layer, good)


@pytest.mark.parametrize("name", ["id", "op", "act", "restores", "unheard_of"])
def test_nothing_that_every_edit_has_breaks_the_site_or_the_layer(browser, layer, name):
    good = meant("summary.write", filled(layer))
    assert not faults_among(browser, layer, good, [name] * SHARE, HOSTILE)


@pytest.mark.parametrize("op", ["segment.create", "segment.update"])
def test_no_time_is_too_late_for_a_session_whose_length_nobody_knows(browser, layer, op):
    type(layer.session).objects.update(length_ms=0)
    good = meant(op, filled(layer))
    numbers = {name: value for name, value in HOSTILE.items() if isinstance(value, int | float | list)}
    assert not faults_among(browser, layer, good, [*["start_ms"] * SHARE, *["end_ms"] * SHARE, "words"], numbers)


MANY = [{"id": str(uuid.UUID(int=n)), "op": "undo"} for n in range(501)]
BODIES = {
    "no JSON": "{",
    "no object": "[]",
    "a text": '"edits"',
    "an object for the edits": json.dumps({"base_revision": 0, "edits": {}}),
    "numbers for the edits": json.dumps({"base_revision": 0, "edits": [1, 2]}),
    "lists for the edits": json.dumps({"base_revision": 0, "edits": [[], None]}),
    "501 edits": json.dumps({"base_revision": 0, "edits": MANY}),
    "5 MB": json.dumps({"base_revision": 0, "edits": [{**MANY[0], "extra": "x" * 5 * 2**20}]}),
    "20 MB": json.dumps({"base_revision": 0, "edits": [{**MANY[0], "extra": "x" * 20 * 2**20}]}),
    "a revision that is none": json.dumps({"base_revision": "new", "edits": MANY[:1]}),
    "a revision below none": json.dumps({"base_revision": -1, "edits": MANY[:1]}),
    "no revision": json.dumps({"edits": MANY[:1]}),
    "a key that is half a character": '{"base_revision": 0, "edits": [], "\\ud83d": 1}',
    "a key with a NUL": '{"base_revision": 0, "edits": [], "\\u0000": 1}',
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_makes_no_sense_is_refused(browser, layer, what):
    before = whole(layer)
    answer = post(browser, layer, BODIES[what])
    assert answer.status_code == 400, answer.content[:200]
    assert whole(layer) == before


@pytest.mark.parametrize("revision", [1, 2**31 - 1, 2**31, 2**63, 10**400])
@pytest.mark.parametrize("op", ["segment.create", "turn.delete"])
def test_a_revision_from_the_future_is_stale(browser, layer, op, revision):
    good = meant(op, filled(layer))
    before = whole(layer)
    answer = post(browser, layer, json.dumps({"base_revision": revision, "edits": [good]}))
    assert (answer.status_code, answer.json()["error"], answer.json()["revision"]) == (409, "stale", 0)
    assert "take what you missed" in answer.json()["message"]
    assert whole(layer) == before


def test_nobody_changes_the_layer_of_another_or_learns_of_a_project_of_strangers(browser, layer, sam, rita):
    good = body_of(layer, meant("segment.create", filled(layer)))
    for who, status in ((sam, 404), (rita, 404)):
        browser.force_login(who)
        before = whole(layer)
        assert (post(browser, layer, good).status_code, whole(layer)) == (status, before)
    layer.submit()
    before = whole(layer)
    assert (post(browser, layer, good).status_code, whole(layer)) == (403, before)  # Rita reviews it and may look
