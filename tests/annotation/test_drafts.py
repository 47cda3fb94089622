"""A language model may draft a summary: from what came before alone, and nothing of the layer until it is accepted."""

import json
import uuid

import pytest

from annotation import drafting, editing, execute
from annotation.checks import drafts_are_configured_or_off
from annotation.models import Summary, SummaryDraft
from annotation.snapshots.rows import rows_of
from mixassist_site.jobs import State
from tests.factories import LayerFactory, SessionFactory, conversation, turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project))


@pytest.fixture
def turns(layer):
    made = [
        turn(layer, 20_000, amateur="Which delay?", expert="SECRETDOTTEDEIGHTH."),
        turn(layer, 0, amateur="Is the kick muddy?", expert="Cut at 300 Hz."),
        turn(layer, 40_000, amateur="LATERQUESTION?", expert="LATERANSWER."),
        turn(layer, 10_000, amateur="And the snare?", expert="Leave it."),
    ]
    conversation(layer, made)
    turn(layer, 5_000, amateur="OTHERTALK?", expert="OTHERANSWER.")
    return sorted(made, key=lambda each: each.members.first().segment.start_ms)


def address(layer, made):
    return f"/api/v1/layers/{layer.pk}/turns/{made.uid}/drafts/"


def ask(client, layer, made):
    return client.post(address(layer, made))


def drafted(client, layer, made):
    """A draft that was asked for and worked, and what the page reads of it."""
    execute.draft_summary(SummaryDraft.objects.get(pk=ask(client, layer, made).json()["draft"]))
    return client.get(address(layer, made)).json()


def edit(client, layer, **told):
    layer.refresh_from_db()
    edit_id = str(uuid.uuid4())
    body = json.dumps({"base_revision": layer.revision, "edits": [{"id": edit_id, **told}]})
    return edit_id, client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")


def write(client, layer, made, text, **told):
    return edit(client, layer, op="summary.write", turn=str(made.uid), text=text, **told)


def latest(made):
    row = Summary.objects.filter(turn_uid=made.uid).latest("revision")
    return row.text, row.author and row.author.username, row.model


def test_it_is_told_the_earlier_turns_and_nothing_of_the_turn_or_later(client, ana, layer, turns, pretend_model):
    client.force_login(ana)
    write(client, layer, turns[1], "They cut the kick.")
    write(client, layer, turns[2], "OWNSUMMARY")
    layer.project.rules["summary_words"]["max"] = 33
    layer.project.save(update_fields=["rules"])
    told = drafted(client, layer, turns[2])
    ((path, headers, sent),) = pretend_model.asked
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers
    for never in (b"SECRET", b"Which delay", b"LATER", b"OTHER", b"OWNSUMMARY"):
        assert never not in sent
    body = json.loads(sent)
    assert body["model"] == "pretend-1"
    assert "at most 33 words" in body["messages"][0]["content"]
    assert body["messages"][1]["content"] == (
        "Summary so far: They cut the kick.\n"
        "Amateur: Is the kick muddy?\nExpert: Cut at 300 Hz.\nAmateur: And the snare?\nExpert: Leave it."
    )
    job = SummaryDraft.objects.get()
    assert job.prompt_sha256 == drafting.digest(body["messages"])
    assert told == {
        "draft": job.pk, "state": "succeeded", "message": "", "model": "pretend-1",
        "text": "They listened to the kick.", "accepted": False,
    }  # fmt: skip


def test_a_long_conversation_is_told_from_its_end_and_a_long_draft_is_trimmed(pretend_model):
    told = drafting.prompt(drafting.Before([("begin", "x" * 30_000), ("end", "of it")]), 10)[1]["content"]
    assert len(told) == 20_000
    assert told.endswith("Amateur: end\nExpert: of it")
    pretend_model.said = " \0" + "w" * 30_000 + "\ud800"
    text = drafting.ask(drafting.Endpoint(pretend_model.address, "m"), [])
    assert text == "w" * 20_000


def test_asking_twice_is_one_job_until_it_is_over(client, ana, layer, turns, pretend_model):
    client.force_login(ana)
    assert client.get(address(layer, turns[1])).json() is None
    first = ask(client, layer, turns[1])
    assert (first.status_code, first.json()["state"]) == (202, "queued")
    assert ask(client, layer, turns[1]).json() == first.json()
    assert ask(client, layer, turns[2]).json()["draft"] != first.json()["draft"]
    SummaryDraft.objects.filter(pk=first.json()["draft"]).update(state=State.RUNNING)
    assert ask(client, layer, turns[1]).json() == {**first.json(), "state": "running"}
    SummaryDraft.objects.filter(pk=first.json()["draft"]).update(state=State.FAILED)
    assert ask(client, layer, turns[1]).json()["draft"] != first.json()["draft"]


def test_a_first_turn_has_nothing_to_summarise(client, ana, layer, turns, pretend_model):
    client.force_login(ana)
    alone = turn(layer, 60_000)
    for made in (turns[0], alone):
        answer = ask(client, layer, made)
        assert (answer.status_code, answer.json()["error"]) == (400, "first-turn")
        assert answer.json()["message"].startswith("Nothing was said before this turn")
    answer = client.post(f"/api/v1/layers/{layer.pk}/turns/{uuid.uuid4()}/drafts/")
    assert (answer.status_code, answer.json()["error"]) == (400, "no-turn")
    assert not SummaryDraft.objects.exists()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 401, "body": b"KEY"}, "refused"),
        ({"status": 500}, "refused"),
        ({"status": 307, "headers": {"Location": "http://127.0.0.1:9/v1"}}, "refused"),
        ({"body": b"<html>"}, "malformed"),
        ({"body": b'{"choices": []}'}, "malformed"),
        ({"said": None}, "malformed"),
        ({"said": " \n "}, "empty"),
        ({"body": b" " * (2**20 + 1)}, "too-long"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(client, ana, layer, turns, pretend_model, fault, code):
    client.force_login(ana)
    for name, value in fault.items():
        setattr(pretend_model, name, value)
    told = drafted(client, layer, turns[1])
    assert told["state"] == "failed"
    assert SummaryDraft.objects.get().error_code == code
    assert told["message"].endswith((".", "again."))
    assert "127.0.0.1" not in told["message"]
    assert not told["text"]


def test_the_key_comes_from_the_workers_environment_and_is_never_told(
    client, ana, layer, turns, pretend_model, settings, monkeypatch
):  # fmt: skip
    client.force_login(ana)
    said = {"base_url": pretend_model.address, "model": "m", "api_key_env": "DRAFT_KEY"}
    settings.SUMMARY_DRAFTS = json.dumps(said)
    assert "DRAFT_KEY" in drafted(client, layer, turns[1])["message"]
    monkeypatch.setenv("DRAFT_KEY", "sesame")
    assert drafted(client, layer, turns[1])["state"] == "succeeded"
    assert pretend_model.asked[0][1]["Authorization"] == "Bearer sesame"
    monkeypatch.setenv("DRAFT_KEY", "sesame\nopen")
    told = drafted(client, layer, turns[1])
    assert (told["state"], "sesame" in told["message"]) == ("failed", False)
    settings.SUMMARY_DRAFTS = json.dumps({**said, "base_url": "http://127.0.0.1:9/v1"})
    monkeypatch.setenv("DRAFT_KEY", "sesame")
    assert "could not be reached" in drafted(client, layer, turns[1])["message"]


def test_only_the_owner_of_an_open_layer_asks(client, ana, rita, sam, layer, turns, pretend_model, settings):
    for person, state, expected in (
        (rita, "draft", 404),
        (sam, "draft", 404),
        (rita, "submitted", 403),
        (ana, "submitted", 403),
        (sam, "submitted", 404),
        (ana, "returned", 202),
    ):
        type(layer).objects.filter(pk=layer.pk).update(state=state)
        client.force_login(person)
        assert ask(client, layer, turns[1]).status_code == expected
        assert client.get(address(layer, turns[1])).status_code == (200 if expected == 202 else expected)
    for off in ("", "{"):
        settings.SUMMARY_DRAFTS = off
        assert ask(client, layer, turns[1]).status_code == 404
        assert client.get(address(layer, turns[1])).status_code == 404
        assert "data-drafts" not in client.get(f"/layers/{layer.pk}/").content.decode()


def test_a_draft_is_nothing_of_the_layer_until_a_person_accepts_it(client, ana, layer, turns, pretend_model):
    client.force_login(ana)
    pretend_model.said = "UNACCEPTED words."
    told = drafted(client, layer, turns[2])
    assert not Summary.objects.exists()
    layer.refresh_from_db()
    assert layer.revision == 0
    for each in (client.get(f"/api/v1/layers/{layer.pk}/document/").json(), snapshot_of(layer)):
        assert "UNACCEPTED" not in str(each)
    _, answer = write(client, layer, turns[2], told["text"], draft=told["draft"])
    (change,) = answer.json()["applied"][0]["changes"]
    assert (change["after"]["author"], change["after"]["model"]) == ("ana", "pretend-1")
    assert latest(turns[2]) == ("UNACCEPTED words.", "ana", "pretend-1")
    assert client.get(address(layer, turns[2])).json()["accepted"] is True
    authors = [row.summary_author for row in snapshot_of(layer)[0]]
    assert authors == [None, None, "pretend-1", None]
    (version,) = client.get(f"/api/v1/layers/{layer.pk}/turns/{turns[2].uid}/summaries/").json()["results"]
    assert (version["author"], version["model"]) == ("ana", "pretend-1")


def snapshot_of(layer):
    return rows_of(editing.document(layer), session="s", group=1, master_sha256=None, layer=layer.pk, annotator="a")


def test_undo_and_redo_restore_who_wrote_and_who_accepted(client, ana, rita, layer, turns, pretend_model):
    client.force_login(ana)
    write(client, layer, turns[2], "Ana's own.")
    told = drafted(client, layer, turns[2])
    accepted, _ = write(client, layer, turns[2], told["text"], draft=told["draft"])
    undone, _ = edit(client, layer, op="undo", of=accepted)
    assert latest(turns[2]) == ("Ana's own.", "ana", "")
    edit(client, layer, op="undo", of=undone)
    assert latest(turns[2]) == (told["text"], "ana", "pretend-1")
    gone, _ = edit(client, layer, op="turn.delete", uid=str(turns[2].uid))
    edit(client, layer, op="undo", of=gone)
    assert latest(turns[2]) == (told["text"], "ana", "pretend-1")
    copied = editing.start_layer(layer.session, rita, layer)
    row = copied.summaries.get(turn_uid=turns[2].uid)
    assert (row.author, row.model) == (rita, "pretend-1")


def test_an_imports_summary_stays_its_models_alone(client, ana, layer, turns):
    client.force_login(ana)
    Summary.objects.create(layer=layer, turn_uid=turns[2].uid, revision=1, text="Machine words.", model="old-model")
    written, _ = write(client, layer, turns[2], "Better words.")
    edit(client, layer, op="undo", of=written)
    assert latest(turns[2]) == ("Machine words.", None, "old-model")


def test_what_a_person_rewrote_is_theirs_and_what_is_no_draft_is_refused(client, ana, layer, turns, pretend_model):
    client.force_login(ana)
    told = drafted(client, layer, turns[2])
    _, answer = write(client, layer, turns[2], told["text"] + " And more.", draft=told["draft"])
    assert answer.status_code == 200
    assert latest(turns[2]) == (told["text"] + " And more.", "ana", "")
    waiting = ask(client, layer, turns[1]).json()["draft"]
    for made, draft in (
        (turns[1], told["draft"]),
        (turns[1], waiting),
        (turns[2], 2**70),
        (turns[2], True),
        (turns[2], "1"),
    ):
        _, answer = write(client, layer, made, told["text"], draft=draft)
        assert (answer.status_code, answer.json()["error"]) == (400, "no-draft"), draft


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        '{"model": "m"}',
        '{"base_url": "ftp://host/v1", "model": "m"}',
        '{"base_url": "file:///etc", "model": "m"}',
        '{"base_url": "https://me:secret@host/v1", "model": "m"}',
        '{"base_url": "https://host/v1", "model": ""}',
        '{"base_url": "https://host/v1", "model": "m", "timeout_s": "long"}',
        '{"base_url": "https://host/v1", "model": "m", "api_key": "secret"}',
        '{"base_url": "https://[host/v1", "model": "m"}',
    ],
)
def test_a_malformed_setting_is_told_by_the_check(settings, said):
    settings.SUMMARY_DRAFTS = said
    (fault,) = drafts_are_configured_or_off()
    assert fault.msg.startswith("SUMMARY_DRAFTS")
    assert "secret" not in fault.msg
    settings.SUMMARY_DRAFTS = '{"base_url": "https://host/v1", "model": "m"}'
    assert drafts_are_configured_or_off() == []
