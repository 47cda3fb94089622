"""What a snapshot holds is chosen by topic, flag, session, layer and state; what it leaves out is told by kind."""

import json

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Layer, Snapshot
from annotation.snapshots.build import SnapshotError, checked, preflight
from annotation.snapshots.choosing import distinct_names
from tests.annotation.test_snapshots import EVERYTHING, accepted, all_rows, build, record
from tests.factories import LayerFactory, RecordingFactory, SessionFactory, conversation, turn


def session_of(project, number, length=600_000):
    """A session whose recording is a row alone: a preflight opens no sound."""
    session = SessionFactory(project=project, number=number, length_ms=length)
    RecordingFactory(session=session, length_ms=length)
    return session


@pytest.fixture
def sessions(project):
    return [accepted(session_of(project, number)) for number in (1, 2, 3, 4)]


def kinds(project, **wanted):
    found = preflight(project, checked(project, {**EVERYTHING, **wanted}), 0)
    return found["rows"], {(each["kind"], each["is_excluded"]): each["rows"] for each in found["kinds"]}


def test_each_flag_value_and_none_at_all_can_be_asked_for(project, sessions):
    sessions[0].turns.first().flags.all().delete()
    asked = {value: kinds(project, flags={"has_content": [value]})[0] for value in ("yes", "no", "unset")}
    assert asked == {"yes": 15, "no": 16, "unset": 1}
    assert kinds(project, flags={"has_content": ["yes", "unset"]})[0] == 16


def test_sessions_and_layers_can_be_chosen(project, sessions, ana):
    assert kinds(project, sessions=[2, 3])[0] == 16
    other = LayerFactory(session=sessions[0].session, owner=ana, state=Layer.State.ACCEPTED)
    conversation(other, [turn(other, 0)], "bass")
    assert kinds(project, layers=[other.pk])[0] == 1
    assert kinds(project, layers=[sessions[0].pk])[0] == 8


@pytest.mark.parametrize(("state", "rows"), [("accepted", 24), ("submitted", 32), ("any", 40)])
def test_layers_stand_for_their_session_as_far_as_they_have_come(project, sessions, ana, state, rows):
    Layer.objects.filter(pk=sessions[0].pk).update(state=Layer.State.SUBMITTED)
    returned = accepted(session_of(project, 5))
    Layer.objects.filter(pk=returned.pk).update(state=Layer.State.RETURNED)
    draft = accepted(session_of(project, 6))
    Layer.objects.filter(pk=draft.pk).update(state=Layer.State.DRAFT, owner=ana, kind="human")
    assert kinds(project, state=state)[0] == rows


@pytest.fixture
def odd(project):
    """A session with one turn of each kind that is told."""
    layer = LayerFactory(session=session_of(project, 9), state=Layer.State.ACCEPTED)
    fine, dumb, silent, long = (turn(layer, at, music=at != 10_000) for at in (0, 10_000, 20_000, 30_000))
    silent.members.filter(segment__lane="expert").delete()
    layer.segments.filter(lane="music", start_ms=30_000).update(end_ms=61_000)
    layer.segments.filter(start_ms__gt=30_000).update(start_ms=61_000, end_ms=62_000)
    conversation(layer, [fine, dumb, silent, long], "drums")
    return layer


def test_what_is_told_is_kept_until_the_filter_excludes_it(project, odd):
    told = {("no-clip", False): 1, ("over-window", False): 1, ("no-expert", False): 1, ("no-consent", False): 4}
    assert kinds(project) == (4, told)
    for kind in ("no-clip", "over-window", "no-expert"):
        rows, found = kinds(project, exclude=[kind])
        assert rows == 3
        assert found[kind, True] == 1
    assert kinds(project, exclude=["no-consent"])[0] == 0
    odd.session.consent = "Signed."
    odd.session.save()
    assert kinds(project, exclude=["no-consent"])[0] == 4


def test_what_never_can_be_a_row_is_left_out_with_its_kind(project, odd):
    turn(odd, 90_000)
    short = turn(odd, 100_000, music=False)
    music = odd.segments.create(lane="music", start_ms=100_000, end_ms=100_099)
    short.members.create(segment=music, position=9)
    conversation(odd, [short], "bass")
    _, found = kinds(project, topics=["drums", "bass"])
    assert found["ungrouped", True] == 1
    assert found["short-clip", True] == 1
    assert kinds(project, topics=["bass"])[1]["topic", True] == 4


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"topics": ["tuba"]}, "no topic tuba"),
        ({"flags": {"nice": ["yes"]}}, "no flag nice"),
        ({"flags": {"has_content": ["maybe"]}}, "yes, no or unset"),
        ({"sessions": [77]}, "no session number 77"),
        ({"layers": [987_654]}, "no layer 987654"),
        ({"fraction": 0.0}, "above 0"),
    ],
)
def test_a_filter_that_the_project_does_not_know_is_refused_in_a_sentence(project, sessions, wanted, sentence):
    with pytest.raises(SnapshotError, match=sentence):
        checked(project, {**EVERYTHING, **wanted})


def test_a_draft_can_not_be_chosen_as_a_layer(project, ana):
    draft = LayerFactory(session=session_of(project, 1), owner=ana)
    with pytest.raises(SnapshotError, match="no layer"):
        checked(project, {"layers": [draft.pk]})


def test_the_command_takes_every_filter_and_says_beforehand_what_it_would_hold(project, sessions, capsys):
    options = ["--name", "x", "--flag", "has_content=yes", "--sessions", "1,2", "--topics", "drums", "--preflight"]
    call_command("build_snapshot", project.slug, *options, "--exclude", "no-clip", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 2
    assert {each["kind"] for each in told["kinds"]} == {"flag", "topic", "no-consent"}
    assert not Snapshot.objects.exists()
    for wrong in (["--flag", "has_content=perhaps"], ["--sessions", "1,x"], ["--layers", "99999"]):
        with pytest.raises(CommandError):
            call_command("build_snapshot", project.slug, "--name", "x", *wrong)


def test_two_sessions_are_split_by_conversation_and_the_card_says_so(project, tmp_path):
    accepted(record(tmp_path, project))
    snapshot = build(project)
    manifest = json.loads((snapshot.path / "manifest.json").read_text())
    assert "but sessions are, since there are fewer than 3" in manifest["split_note"]
    assert manifest["split_note"] in (snapshot.path / "README.md").read_text()
    assert manifest["vocabulary"] == 1
    assert manifest["consent"] == {"Group1": ""}


def test_the_manifest_names_chosen_layers_without_their_numbers(project, tmp_path, ana):
    layer = accepted(record(tmp_path, project))
    Layer.objects.filter(pk=layer.pk).update(owner=ana, kind="human")
    snapshot = build(project, layers=[layer.pk])
    manifest = json.loads((snapshot.path / "manifest.json").read_text())
    assert manifest["filter"]["layers"] == ["Group1/P1"]
    assert len(all_rows(snapshot)) == 8


def test_conversations_that_share_a_name_get_names_of_their_own():
    given = [("a", 2, 1, "u1"), ("a", 0, 1, "u2"), ("a-2", 0, 1, "u3"), ("b", 0, 1, "u4"), ("a", 0, 3, "u5")]
    assert distinct_names(given) == {"u5": "a-3", "u1": "a-4"}
    assert distinct_names(list(reversed(given))) == distinct_names(given)


# --- the pages and the API --------------------------------------------------------------------------------------------

FORM = {"name": "one", "fraction": "1.0", "seed": "0", "key": "8d3f7d3c-7d5e-4f0e-9f7e-2b0f5f9b1c11"}


def test_the_form_stores_every_filter(client, ada, project, sessions):
    client.force_login(ada)
    more = {
        "flag_has_content": "no",
        "sessions": ["1"],
        "layers": [sessions[0].pk],
        "state": "any",
        "exclude": ["no-clip"],
    }
    assert client.post(f"/projects/{project.slug}/snapshots/new/", {**FORM, **more}).status_code == 302
    stored = Snapshot.objects.get().filter
    assert stored["flags"] == {"has_content": ["no"]}
    assert (stored["sessions"], stored["layers"]) == ([1], [sessions[0].pk])
    assert (stored["state"], stored["exclude"], stored["split"]) == ("any", ["no-clip"], "session")


def test_findings_have_pages_whose_addresses_hold_the_form(client, ada, project, sessions):
    for layer in sessions:
        for number in range(15):
            conversation(layer, [turn(layer, 100_000 + number * 6000)])
    client.force_login(ada)
    page = client.post(f"/projects/{project.slug}/snapshots/new/", {**FORM, "topics": "drums", "look": "1"})
    text = page.content.decode()
    assert "Page 1 of" in text
    assert "Another topic" in text
    link = f"/projects/{project.slug}/snapshots/new/?" + text.split('rel="next" href="?')[1].split('"')[0]
    assert "csrf" not in link
    second = client.get(link.replace("&amp;", "&"))
    assert second.status_code == 200
    assert "Page 2 of" in second.content.decode()
    assert not Snapshot.objects.exists()


def test_scripts_ask_beforehand_and_build_with_the_same_words(client, ada, ana, project, sessions):
    client.force_login(ada)
    body = {"project": project.slug, "flags": {"has_content": ["no"]}, "sessions": [1, 2], "exclude": ["no-expert"]}
    post = lambda address, body: client.post(address, body, content_type="application/json")  # noqa: E731
    told = post("/api/v1/snapshots/preflight/?page_size=5", body).json()
    assert told["rows"] == 8
    assert len(told["findings"]["results"]) == 5
    assert told["findings"]["count"] == 8 + 8  # eight of another flag, eight without a consent
    assert post("/api/v1/snapshots/", {**body, "name": "x"}).json()["filter"]["flags"] == {"has_content": ["no"]}
    for wrong in ({"topics": ["tuba"]}, {"state": "draft"}, {"flags": {"has_content": ["x"]}}, {"layers": [-1]}):
        assert post("/api/v1/snapshots/preflight/", {**body, **wrong}).status_code == 400
    client.force_login(ana)
    assert post("/api/v1/snapshots/preflight/", body).status_code == 403
