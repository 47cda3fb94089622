"""A layer goes out in other tools' formats, to whoever may read it, and comes in again as it was."""

import json
import uuid

import pytest

from annotation.exporting import EXPORTERS
from annotation.models import Layer
from annotation.sending import file_name
from tests.annotation.test_bringing import AWFUL, jsonl, segment, send
from tests.factories import LayerFactory, SegmentFactory, SessionFactory, conversation, turn


@pytest.fixture
def session(project):
    return SessionFactory(project=project, title='Mix: "é" / <b>', length_ms=60_000)


@pytest.fixture
def layer(session, ana):
    made = LayerFactory(session=session, owner=ana, title="Ana’s", state="submitted")
    conversation(made, [turn(made, 0, amateur="=1+1", flag="yes"), turn(made, 6_000, expert=AWFUL.replace("\x00", ""))])
    SegmentFactory(layer=made, lane="note", start_ms=20_000, end_ms=21_000, text='A "quoted"\ttab, ;')
    return made


def test_its_page_says_what_each_format_loses(layer, ana, client):
    client.force_login(ana)
    page = client.get(f"/layers/{layer.pk}/export/").content.decode()
    for name in EXPORTERS:
        assert f'href="?format={name}"' in page
    assert "holds all of it" in page  # the site's own lines
    assert "1 conversations" in page
    assert f"/layers/{layer.pk}/export/" in client.get(f"/layers/{layer.pk}/").content.decode()


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_file_has_a_name_and_the_same_bytes_each_time_and_comes_in_again(layer, ana, ada, session, name, client):
    client.force_login(ana)
    answer = client.get(f"/layers/{layer.pk}/export/?format={name}")
    exporter = EXPORTERS[name]
    assert (answer.status_code, answer["Content-Type"]) == (200, exporter.media_type)
    assert int(answer["Content-Length"]) == len(answer.content)
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert client.get(f"/api/v1/layers/{layer.pk}/export/?format={name}").content == answer.content
    client.force_login(ada)
    sent = send(client, session, answer.content, f"again{exporter.suffix}")
    assert sent.status_code == 302, sent.content.decode()
    assert client.get(sent.url).status_code == 200
    told = client.get(f"/api/v1{sent.url}").json()
    assert told["format"] == name
    made = client.post(f"/api/v1{sent.url}layer/", {}, content_type="application/json")
    assert made.status_code == 201, made.json()
    lanes = {row["lane"] for row in layer.segments.values("lane")}
    again = Layer.objects.get(pk=made.json()["id"])
    assert {each.lane for each in again.segments.all()} <= lanes
    assert again.segments.exists()


def test_in_the_sites_own_lines_nothing_is_lost_with_whatever_text(ada, session, client):
    rows = [segment(AWFUL, uid=str(uuid.uuid4())), segment("=1+1", start_ms=950, end_ms=2_000, uid=str(uuid.uuid4()))]
    client.force_login(ada)
    form = {"make": "1", "lane-0": "amateur"}
    client.post(send(client, session, jsonl(*rows)).url, form)
    first = Layer.objects.get()
    client.post(send(client, session, client.get(f"/layers/{first.pk}/export/?format=jsonl").content).url, form)
    second = Layer.objects.exclude(pk=first.pk).get()
    texts = [[(str(each.uid), each.text, each.start_ms) for each in one.segments.all()] for one in (first, second)]
    assert texts[0] == texts[1]
    assert texts[0][0][1] == AWFUL.replace("\x00", "")
    files = [client.get(f"/layers/{one.pk}/export/?format=jsonl").content for one in (first, second)]
    assert files[0] == files[1]


def test_who_may_read_a_layer_may_take_it_along_and_nobody_else(layer, rita, sam, client):
    draft = LayerFactory(session=layer.session, owner=rita)
    client.force_login(rita)
    assert client.get(f"/layers/{layer.pk}/export/?format=srt").status_code == 200
    for person, other in ((sam, layer), (layer.owner, draft)):
        client.force_login(person)
        for address in ("/layers/{}/export/?format=srt", "/layers/{}/export/", "/api/v1/layers/{}/export/?format=srt"):
            assert client.get(address.format(other.pk)).status_code == 404


def test_a_format_that_is_none_is_a_sentence(layer, ana, client):
    client.force_login(ana)
    answer = client.get(f"/layers/{layer.pk}/export/?format=docx")
    assert answer.status_code == 400
    assert "There is no format of this name" in answer.content.decode()
    answer = client.get(f"/api/v1/layers/{layer.pk}/export/?format=docx")
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown-format")


def test_a_script_is_told_what_there_is(layer, ana, client):
    client.force_login(ana)
    told = client.get(f"/api/v1/layers/{layer.pk}/export/").json()["formats"]
    assert [each["format"] for each in told] == list(EXPORTERS)
    assert next(each["lost"] for each in told if each["format"] == "jsonl") == []
    assert json.dumps(told).count("2 turns") >= 5


def test_its_file_name_is_one_that_every_system_takes(layer):
    assert file_name(layer, ".srt") == "Mix é b - Ana’s - 0.srt"
    layer.session.title = "\u202e../..\\x\n" + "y" * 300
    assert file_name(layer, ".srt").startswith("x y")
    assert len(file_name(layer, ".srt")) == 124
