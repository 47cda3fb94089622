"""Turns are found by words and marks in what one may read, and read with their conversation and its clips."""

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import editing, finding
from annotation.finding import Wanted
from annotation.models import Derived, Layer, Summary, TurnText
from tests.factories import LayerFactory, RecordingFactory, SessionFactory, conversation, turn

RTL = "الصوت عالٍ"


@pytest.fixture
def session(project):
    session = SessionFactory(project=project, number=1)
    RecordingFactory(session=session)
    return session


@pytest.fixture
def layer(session):
    """An import, which all members may read: drums twice, then bass, then a turn in no conversation."""
    layer = LayerFactory(session=session, state="submitted", title="Imported")
    drums = [
        turn(layer, 0, amateur="Is the Snare too loud?", expert="Cut it at 300 Hz.", flag="yes"),
        turn(layer, 10_000, amateur=None, expert="Better, mm. 100% sure_thing.", flag="no"),
    ]
    conversation(layer, drums, "drums")
    conversation(layer, [turn(layer, 20_000, amateur="Café — what of the bass?", expert=RTL)], "bass")
    turn(layer, 30_000, amateur="Straße <b>loud</b>", expert=None)
    return layer


def words(person, project=None, **wanted):
    return [(row.amateur, row.expert) for row in finding.find(person, Wanted(**wanted), project=project)]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({}, [0, 1, 2, 3]),
        ({"q": "LOUD"}, [0, 3]),
        ({"q": "snare 300"}, [0]),  # on two sides
        ({"q": '"too loud"'}, [0]),
        ({"q": '"loud too"'}, []),
        ({"q": "cafe"}, [2]),
        ({"q": "strasse"}, [3]),
        ({"q": "عال"}, [2]),
        ({"q": "100%"}, [1]),
        ({"q": "e_thing"}, [1]),
        ({"q": "eXthing"}, []),
        ({"q": "cut", "side": "amateur"}, []),
        ({"q": "cut", "side": "expert"}, [0]),
        ({"topic": "drums"}, [0, 1]),
        ({"topic": "bass", "q": "loud"}, []),
        ({"flag": "has_content"}, [0]),
        ({"flag": "has_content", "value": "no"}, [1]),
        ({"flag": "has_content", "value": "unset"}, [2, 3]),
        ({"state": "submitted"}, [0, 1, 2, 3]),
        ({"state": "accepted"}, []),
    ],
    ids=str,
)
def test_turns_are_found_by_words_and_marks(ana, project, layer, wanted, places):
    found = finding.find(ana, Wanted(**wanted), project=project)
    assert [row.place for row in found] == places


def test_sessions_and_layers_narrow_the_search(ana, project, layer):
    other = LayerFactory(session=SessionFactory(project=project, number=2), state="submitted")
    turn(other, 0, amateur="Elsewhere.")
    assert len(words(ana, project)) == 5
    assert words(ana, project, session=other.session_id) == [("Elsewhere.", "Cut at 300.")]
    assert len(words(ana, project, layer=layer.pk)) == 4


def test_nobody_finds_what_they_may_not_read(ana, rita, ada, sam, sue, project, session):
    draft = LayerFactory(session=session, owner=ana)
    turn(draft, 0, amateur="My secret draft.")
    assert words(ana, project, q="secret") == [("My secret draft.", "Cut at 300.")]
    for other in (rita, ada, sam, sue):
        assert words(other, q="secret") == []
    draft.submit()
    assert len(words(rita, project, q="secret")) == 1
    assert words(sam, q="secret") == []


def test_an_edit_is_found_at_once_and_what_it_took_away_is_not(ana, project, session):
    mine = LayerFactory(session=session, owner=ana)
    first, second = turn(mine, 0, amateur="Before."), turn(mine, 10_000, amateur="Untouched.")
    assert len(words(ana, project)) == 2
    kept = TurnText.objects.get(turn_uid=second.uid).pk
    segment = mine.segments.get(text="Before.")
    op = {"id": str(uuid.uuid4()), "op": "segment.update", "uid": str(segment.uid), "text": "Afterwards."}
    editing.apply_edits(mine, ana, 0, [op])
    assert [amateur for amateur, _ in words(ana, project)] == ["Afterwards.", "Untouched."]
    assert TurnText.objects.get(turn_uid=second.uid).pk == kept  # what has not changed is not written again
    editing.apply_edits(mine, ana, 1, [{"id": str(uuid.uuid4()), "op": "turn.delete", "uid": str(first.uid)}])
    assert [amateur for amateur, _ in words(ana, project)] == ["Untouched."]


def test_a_written_text_stands_for_the_words_of_its_segments(ana, project, layer):
    first = layer.turns.order_by("pk").first()
    first.amateur_text = ""
    first.expert_text = "Edited."
    first.save()
    assert words(ana, project, q="edited") == [("", "Edited.")]
    assert words(ana, project, q="snare") == []


def test_the_page_marks_matches_and_leads_on(client, ana, project, layer):
    client.force_login(ana)
    page = client.get(f"/projects/{project.slug}/turns/?q=loud").content.decode()
    assert "2 turns found" in page
    assert "too <mark>loud</mark>?" in page
    assert "&lt;b&gt;<mark>loud</mark>&lt;/b&gt;" in page
    first = layer.turns.order_by("pk").first()
    assert f'href="/layers/{layer.pk}/#turn={first.uid}"' in page
    assert f'href="/layers/{layer.pk}/conversations/{first.conversation.uid}/#turn-{first.uid}"' in page


def test_pages_keep_what_was_asked(client, ana, project, session):
    many = LayerFactory(session=session, state="submitted")
    for number in range(30):
        turn(many, number * 6000, amateur=f"Snare {number}?")
    client.force_login(ana)
    page = client.get(f"/projects/{project.slug}/turns/?q=snare&side=amateur").content.decode()
    assert page.count("<article") == 25
    assert "?q=snare&amp;side=amateur&amp;page=2" in page
    page = client.get(f"/projects/{project.slug}/turns/?q=snare&page=2").content.decode()
    assert page.count("<article") == 5
    places = [page.index(f"{number}?") for number in range(25, 30)]
    assert places == sorted(places)


@pytest.mark.parametrize("asked", ["q=%00", "topic=none", "session=x", "session=999999", "q=" + "x" * 201, "layer=-1"])
def test_what_can_not_be_asked_is_said(client, ana, project, layer, asked):
    client.force_login(ana)
    answer = client.get(f"/projects/{project.slug}/turns/?{asked}")
    assert answer.status_code == 400
    assert b"errorlist" in answer.content
    assert b"<article" not in answer.content


def test_a_search_asks_as_often_for_one_turn_as_for_forty(client, ana, project, session):
    client.force_login(ana)
    many = LayerFactory(session=session, state="submitted")

    def asked(address):
        client.get(address)  # reads what has changed
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    for number in range(2):
        conversation(many, [turn(many, number * 6000, flag="yes")])
    addresses = ["/projects/songs/turns/?q=muddy", "/api/v1/turns/?q=muddy", _read(many)]
    few = [asked(address) for address in addresses]
    home = many.conversations.first()
    for number in range(2, 40):
        turn(many, number * 6000, flag="yes").__class__.objects.filter(conversation=None).update(conversation=home)
    finding.index(many.pk)
    assert [asked(address) for address in addresses] == few
    assert max(few) <= 14


def _read(layer):
    return f"/layers/{layer.pk}/conversations/{layer.conversations.first().uid}/"


def test_a_conversation_is_read_with_its_music_summary_and_flags(client, ana, project, layer, session):
    first = layer.turns.order_by("pk").first()
    Summary.objects.create(layer=layer, turn_uid=first.uid, revision=1, text="They begin with the drums.", author=ana)
    client.force_login(ana)
    page = client.get(_read(layer)).content.decode()
    recording = session.recordings.get()
    assert f'src="/recordings/{recording.pk}/clips/{recording.clip_digest}/0-2000/"' in page
    for told in ("They begin with the drums.", "Is the Snare too loud?", "conversation 1 of 2", "says nothing", ": no"):
        assert told in page, told
    later = layer.conversations.get(topic="bass")
    assert f'rel="next" href="/layers/{layer.pk}/conversations/{later.uid}/"' in page
    page = client.get(f"/layers/{layer.pk}/conversations/{later.uid}/").content.decode()
    assert RTL in page
    assert 'rel="next"' not in page


def test_a_long_clip_comes_in_parts_and_one_that_nobody_can_play_says_so(client, ana, project, layer, session):
    music = layer.segments.filter(lane="music").order_by("start_ms").first()
    music.end_ms = 65_000
    music.save()
    client.force_login(ana)
    page = client.get(_read(layer)).content.decode()
    assert page.count("part ") == 3
    assert "/0-30000/" in page
    assert "/60000-65000/" in page
    session.recordings.update(container="mp3")
    assert "can be played yet" in client.get(_read(layer)).content.decode()
    recording = session.recordings.get()
    Derived.objects.create(recording=recording, kind="proxy", digest="a", path="a", facts={})
    assert "/60000-65000/" in client.get(_read(layer)).content.decode()


def test_the_api_finds_the_same_and_pages(client, ana, project, layer):
    client.force_login(ana)
    told = client.get("/api/v1/turns/?q=loud&project=songs&page_size=1").json()
    assert (told["count"], len(told["results"])) == (2, 1)
    assert told["next"]
    row = told["results"][0]
    assert (row["amateur"], row["topic"], row["flags"]) == ("Is the Snare too loud?", "drums", {"has_content": "yes"})
    assert row["layer"] == layer.pk
    silent = client.get("/api/v1/turns/?q=better").json()["results"][0]
    assert silent["amateur"] is None
    for bad in ("q=%00", "nonsense=1", "side=left", "session=x", "state=odd", "flag=a%7Cb"):
        assert client.get(f"/api/v1/turns/?{bad}").status_code == 400, bad
    assert client.get("/api/v1/turns/?project=elsewhere").status_code == 404


def test_the_api_tells_conversations_with_all_their_turns(client, ana, project, layer):
    client.force_login(ana)
    told = client.get(f"/api/v1/layers/{layer.pk}/conversations/").json()
    assert [(row["topic"], row["turns"]) for row in told["results"]] == [("drums", 2), ("bass", 1)]
    assert client.get(f"/api/v1/layers/{layer.pk}/conversations/?topic=bass").json()["count"] == 1
    one = client.get(f"/api/v1/layers/{layer.pk}/conversations/{told['results'][0]['id']}/").json()
    assert [row["expert"] for row in one["turns"]] == ["Cut it at 300 Hz.", "Better, mm. 100% sure_thing."]
    assert one["turns"][0]["clips"][0]["parts"]
    assert json.dumps(one)
    assert client.get(f"/api/v1/layers/{layer.pk}/conversations/{uuid.uuid4()}/").status_code == 404


def test_a_layer_that_goes_takes_its_texts_along(ana, project, layer):
    assert len(words(ana, project)) == 4
    Layer.objects.filter(pk=layer.pk).delete()
    assert not TurnText.objects.exists()


def test_a_search_that_finds_nothing_says_so(client, ana, project, session):
    client.force_login(ana)
    address = f"/projects/{project.slug}/turns/"
    assert "No turn yet." in client.get(address).content.decode()
    turn(LayerFactory(session=session, state="submitted", title="Imported"), 0)
    told = client.get(address, {"q": "nothinglikethis"}).content.decode()
    assert "0 turns found." in told
    assert "No turn matches." in told
