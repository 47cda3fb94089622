"""A transcript comes to a session: a new layer, nobody's own is touched, and what can't be is one sentence."""

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from annotation import bringing, editing
from annotation.models import Layer, Transcript
from tests.factories import LayerFactory, SessionFactory


@pytest.fixture
def session(project):
    return SessionFactory(project=project, length_ms=60_000)


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


def segment(end=900, **more):
    return {"type": "segment", "lane": "amateur", "start_ms": 0, "end_ms": end, "text": "Hm?", **more}


def send(client, session, data, name="evening.jsonl", **more):
    return client.post(f"/sessions/{session.pk}/transcripts/", {"file": SimpleUploadedFile(name, data), **more})


def bring(client, session, data, name="evening.jsonl", **lanes):
    """Send a file, and make a layer of it with the lanes that are proposed, or with these."""
    sent = send(client, session, data, name)
    if sent.status_code != 302:
        return sent
    kept = Transcript.objects.get(uid=sent.url.split("/")[-2])
    names = [speaker.name for speaker in bringing.outlook(kept).survey.speakers]
    chosen = bringing.outlook(kept).lanes | lanes
    return client.post(sent.url, {"make": "1", **{f"lane-{n}": chosen[name] for n, name in enumerate(names)}})


def test_it_becomes_a_submitted_layer_and_leaves_the_others_alone(client, ada, ana, session):
    own = LayerFactory(owner=ana, session=session)
    client.force_login(ada)
    assert bring(client, session, lines(segment())).status_code == 302
    layer = session.layers.get(kind="import")
    assert (layer.title, layer.state, layer.segments.get().text) == ("evening.jsonl", "submitted", "Hm?")
    assert not own.segments.exists()


def test_a_models_summary_stays_the_models_when_somebody_goes_on_from_it(client, ada, ana, session):
    s, t = (str(uuid.uuid4()) for _ in range(2))
    rows = [segment(uid=s), {"type": "turn", "uid": t, "amateur": [s]}]
    client.force_login(ada)
    bring(client, session, lines(*rows, {"type": "summary", "turn": t, "text": "They began.", "model": "some-model 2"}))
    own = editing.start_layer(session, ana, session.layers.get())
    summary = own.summaries.get()
    assert (summary.model, summary.author) == ("some-model 2", None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "file is empty"),
        (b"\xff\xfe\x00", "in none of the formats"),
        (lines(segment(end=90_000)), "belong to another recording"),
        (lines(segment(uid=5)), "Line 1"),
        (b"[" * 100_000, "in none of the formats"),
    ],
)
def test_a_bad_one_is_one_sentence_and_leaves_nothing(client, ada, session, data, says):
    client.force_login(ada)
    answer = bring(client, session, data)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Layer.objects.exists()


def test_codes_of_people_that_are_none_seat_nobody(client, ada, session):
    client.force_login(ada)
    bring(client, session, lines({"type": "session", "amateur": ["x"], "expert": "E1\x00", "license": 5}, segment()))
    assert [seat.participant.code for seat in session.seats.all()] == ["E1"]


def test_from_the_shell_it_says_what_came_and_what_was_mended(session, tmp_path, capsys):
    path = tmp_path / "evening.jsonl"
    path.write_bytes(lines(segment(end=60_500, text="a\x00b")))
    call_command("import_transcript", str(session.pk), str(path), "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["segments"], told["lanes"]) == (1, {"amateur": 1})
    assert [each["where"] for each in told["repaired"]] == ["line 1", "0 ms"]
    with pytest.raises(CommandError, match="no transcript"):
        call_command("import_transcript", str(session.pk), str(tmp_path / "nothing"))


def test_words_are_cut_at_the_sessions_end_with_their_segment(client, ada, session):
    client.force_login(ada)
    bring(client, session, lines(segment(end=60_500, words=[[59_000, 60_400, "Hm?"], [60_400, 60_500, "Oh."]])))
    words = session.layers.get(kind="import").segments.get().words
    assert words == [[59_000, 60_000, "Hm?"], [60_000, 60_000, "Oh."]]
