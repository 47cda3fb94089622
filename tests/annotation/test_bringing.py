"""A transcript comes in two steps: what would come of it is shown, then one layer is made; nothing is lost between."""

import json
import random
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import bringing
from annotation.importing import TranscriptError
from annotation.models import Layer, Transcript
from tests.factories import LayerFactory, SegmentFactory, SessionFactory

SPOKEN = {"S1": [(0.0, 1.0, "Hm?")], "S2": [(1.0, 5.0, "Cut it."), (6.0, 9.0, "And there.")], "Door": [(9.0, 9.1, "x")]}


def grid(tiers, end=60.0):
    """A TextGrid whose tiers hold these spans."""
    said = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(end), "<exists>", str(len(tiers))]
    for name, spans in tiers.items():
        said += ['"IntervalTier"', f'"{name}"', "0", str(end), str(len(spans))]
        said += [f'{start} {stop} "{text}"' for start, stop, text in spans]
    return "\n".join(said).encode()


def jsonl(*rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


def segment(text="Hm?", **more):
    return {"type": "segment", "lane": "amateur", "start_ms": 0, "end_ms": 900, "text": text, **more}


@pytest.fixture
def session(project):
    return SessionFactory(project=project, length_ms=60_000)


@pytest.fixture
def at_work(client, ada):
    client.force_login(ada)
    return client


def send(client, session, data, name="talk.TextGrid", **more):
    return client.post(f"/sessions/{session.pk}/transcripts/", {"file": SimpleUploadedFile(name, data), **more})


def files(home):
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_what_would_come_is_shown_and_nothing_is_made(at_work, session):
    page = at_work.get(send(at_work, session, grid(SPOKEN)).url).content.decode()
    for told in ("talk.TextGrid", "textgrid", "S1", "S2", "Door", "Cut it.", "Make the layer"):
        assert told in page
    assert not Layer.objects.exists()
    assert "talk.TextGrid" in at_work.get(f"/sessions/{session.pk}/").content.decode()


def test_who_speaks_most_is_proposed_as_expert_and_a_name_is_believed(at_work, session):
    send(at_work, session, grid(SPOKEN))
    assert bringing.outlook(Transcript.objects.get()).lanes == {"S1": "amateur", "S2": "expert", "Door": ""}
    send(at_work, session, grid({"Teacher": [(0, 1, "Yes.")], "Other": [(1, 9, "No.")], "More": [(9, 59, "…")]}))
    lanes = bringing.outlook(Transcript.objects.last()).lanes
    assert lanes == {"Teacher": "expert", "Other": "", "More": "amateur"}


def test_lanes_that_are_looked_at_are_kept_and_shown(at_work, session):
    address = send(at_work, session, grid(SPOKEN)).url
    assert at_work.post(address, {"lane-0": "expert", "lane-1": "", "lane-2": "note"}).url == address
    page = at_work.get(address).content.decode()
    assert "2 segments: expert 1, note 1" in page
    assert "Lost" in page
    assert not Layer.objects.exists()


def test_it_becomes_one_layer_however_often_it_is_sent(at_work, ana, session, home):
    own = LayerFactory(owner=ana, session=session)
    SegmentFactory(layer=own, text="Mine.")
    address = send(at_work, session, grid(SPOKEN)).url
    form = {"make": "1", "lane-0": "amateur", "lane-1": "expert", "lane-2": ""}
    made = at_work.post(address, form)
    layer = Layer.objects.get(kind="import")
    assert made.url == at_work.post(address, form).url == at_work.get(address).url == f"/layers/{layer.pk}/report/"
    assert Layer.objects.count() == 2
    assert list(layer.segments.values_list("lane", "text")) == [
        ("amateur", "Hm?"), ("expert", "Cut it."), ("expert", "And there.")
    ]  # fmt: skip
    assert [each.text for each in own.segments.all()] == ["Mine."]
    assert (layer.state, layer.title, layer.provenance["format"]) == ("submitted", "talk.TextGrid", "textgrid")
    assert files(home) == []


def test_two_who_make_it_at_the_same_moment_get_the_same_layer(at_work, ada, session):
    send(at_work, session, grid(SPOKEN))
    first, second = (Transcript.objects.select_related("layer").get() for _ in range(2))
    lanes = bringing.outlook(first).lanes
    data = first.path.read_bytes()
    one = bringing.make_layer(first, lanes, by=ada)
    second.path.write_bytes(data)  # the other had read it just before it went
    assert bringing.make_layer(second, lanes, by=ada) == one
    assert Layer.objects.count() == 1


def test_lanes_that_wont_do_lose_nothing(at_work, session, home):
    address = send(at_work, session, grid(SPOKEN)).url
    answer = at_work.post(address, {"make": "1", "lane-0": "", "lane-1": "", "lane-2": ""})
    assert answer.status_code == 400
    assert "No segment would come in" in answer.content.decode()
    assert at_work.post(address, {"make": "1", "lane-0": "drums"}).status_code == 400
    assert not Layer.objects.exists()
    assert at_work.post(address, {"make": "1", "lane-0": "", "lane-1": "expert", "lane-2": ""}).status_code == 302
    assert Layer.objects.get().segments.count() == 2


def test_one_of_another_recording_is_told_before_it_is_made(at_work, session):
    address = send(at_work, session, grid({"expert": [(70.0, 90.0, "Late.")]}, 90.0)).url
    assert "belong to another recording" in at_work.get(address).content.decode()
    assert at_work.post(address, {"make": "1", "lane-0": "expert"}).status_code == 400
    assert not Layer.objects.exists()


def test_the_report_stays_with_the_layer_page_by_page(at_work, ana, sam, session):
    made = at_work.post(send(at_work, session, jsonl(segment("a\x00b"))).url, {"make": "1", "lane-0": "amateur"})
    layer = Layer.objects.get()
    at_work.force_login(ana)
    page = at_work.get(made.url).content.decode()
    assert "1 kind of thing mended" in page
    assert "line 1" in page
    layer.report = {"lost": [{"what": "a point", "where": f"tier {n}"} for n in range(60)], "lanes": {"amateur": 1}}
    layer.save()
    assert at_work.get(made.url).content.decode().count("a point") == 50
    assert at_work.get(made.url + "?page=2").content.decode().count("a point") == 10
    told = at_work.get(f"/api/v1/layers/{layer.pk}/report/?page_size=20").json()
    assert (told["count"], len(told["results"]), told["lanes"]) == (60, 20, {"amateur": 1})
    assert told["provenance"]["sha256"] == Transcript.objects.get().sha256
    at_work.force_login(sam)
    assert at_work.get(made.url).status_code == 404


def test_it_waits_for_a_week_and_for_nobody_else(at_work, ada, rita, sue, session, home):
    address = send(at_work, session, grid(SPOKEN)).url
    for other in (rita, sue):
        at_work.force_login(other)
        assert at_work.get(address).status_code == 404
    Transcript.objects.update(created_at=timezone.now() - timedelta(days=6))
    bringing.expire_transcripts()
    at_work.force_login(ada)
    assert at_work.get(address).status_code == 200
    Transcript.objects.update(created_at=timezone.now() - timedelta(days=8))
    bringing.expire_transcripts()
    assert at_work.get(address).status_code == 404
    assert files(home) == []


def test_thrown_away_it_is_gone_but_a_layer_stays(at_work, session, home):
    address = send(at_work, session, grid(SPOKEN)).url
    at_work.post(address + "removal/")
    assert (Transcript.objects.count(), files(home)) == (0, [])
    address = send(at_work, session, grid(SPOKEN)).url
    at_work.post(address, {"make": "1", "lane-1": "expert"})
    at_work.post(address + "removal/")
    assert Layer.objects.count() == 1


def test_a_file_that_is_gone_from_the_disk_is_a_sentence(at_work, session):
    address = send(at_work, session, grid(SPOKEN)).url
    Transcript.objects.get().path.unlink()
    answer = at_work.get(address, follow=True)
    assert "choose the file again" in answer.content.decode()
    with pytest.raises(TranscriptError):
        bringing.make_layer(Transcript.objects.get(), {}, by=None)


def test_a_file_with_a_crowd_in_it_is_a_sentence(at_work, session, home):
    answer = send(at_work, session, jsonl(*(segment(lane=f"S{n}") for n in range(201))))
    assert "more than 200 speakers" in answer.content.decode()
    assert files(home) == []


def test_random_bytes_are_a_sentence_and_leave_nothing(at_work, session, home):
    dice = random.Random(4)
    whole = grid(SPOKEN), jsonl(segment(), segment("Cut it.", lane="expert"))
    for number in range(150):
        data = bytearray(dice.choice(whole)) if number % 3 else bytearray(dice.randbytes(dice.randint(1, 400)))
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        answer = send(at_work, session, bytes(data), dice.choice(["", "a\x00.txt", "../../x", "y.eaf"]) or "n")
        if answer.status_code == 302:
            assert at_work.get(answer.url).status_code == 200
            assert at_work.post(answer.url, {"make": "1", "lane-0": "expert"}).status_code in (302, 400)
        else:
            assert answer.status_code == 400, data
            assert 'class="errors"' in answer.content.decode(), data
    waiting = Transcript.objects.waiting().count()
    assert len(files(home)) == waiting
    assert all(layer.segments.exists() for layer in Layer.objects.all())


AWFUL = "🎚️ \u202eעברית\u202c العربية\ttab “q” \"d\" 'a'\nline\r\n\\n <b>&amp; \x00 ,;=+@ e\u0301 \u200f end"


def test_awful_text_comes_in_whole_through_the_pages(at_work, session):
    data = jsonl(segment(AWFUL), segment("=1+1", start_ms=1000, end_ms=2000, lane="expert"))
    at_work.post(
        send(at_work, session, data, "é “x”.jsonl").url, {"make": "1", "lane-0": "amateur", "lane-1": "expert"}
    )
    layer = Layer.objects.get()
    assert [each.text for each in layer.segments.all()] == [AWFUL.replace("\x00", ""), "=1+1"]
    assert layer.title == "é “x”.jsonl"
    assert at_work.get(f"/layers/{layer.pk}/report/").status_code == 200


def test_a_script_does_the_same_in_two_steps(at_work, session):
    address = f"/api/v1/sessions/{session.pk}/transcripts/"
    answer = at_work.post(address, {"file": SimpleUploadedFile("talk.TextGrid", grid(SPOKEN))})
    told = answer.json()
    assert (answer.status_code, told["format"], told["segments"], told["layer"]) == (201, "textgrid", 4, None)
    assert [(one["name"], one["lane"], one["is_proposed"]) for one in told["speakers"]][:2] == [
        ("S1", "amateur", True), ("S2", "expert", True)
    ]  # fmt: skip
    mine = f"/api/v1/transcripts/{told['uid']}/"
    assert at_work.get(mine).json() == told
    for wrong in ({"lanes": {"Nobody": "expert"}}, {"lanes": {"S1": "drums"}}, {"lanes": []}, {"lane": {}}):
        assert at_work.post(mine + "layer/", wrong, content_type="application/json").status_code == 400
    right = {"lanes": {"S1": "expert", "S2": "amateur"}}
    made = [at_work.post(mine + "layer/", right, content_type="application/json").json()["id"] for _ in range(2)]
    assert made == [Layer.objects.get().pk] * 2
    assert Layer.objects.get().segments.first().lane == "expert"
    assert at_work.delete(mine).status_code == 409
    assert at_work.post(address, {}).json()["error"] == "bad-form"
    assert at_work.post(address, {"file": SimpleUploadedFile("x", b"\xff\x00")}).status_code == 400


def test_its_page_asks_as_often_for_one_segment_as_for_many(at_work, session):
    def asked(count):
        rows = [segment(start_ms=n * 10, end_ms=n * 10 + 5) for n in range(count)]
        address = send(at_work, session, jsonl(*rows)).url
        with CaptureQueriesContext(connection) as queries:
            assert at_work.get(address).status_code == 200
        return len(queries)

    assert asked(1) == asked(300) <= 6
