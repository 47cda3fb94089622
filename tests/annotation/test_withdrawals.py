"""Who withdraws or is deleted marks the snapshots that hold them, and is in no new one."""

import pytest

from annotation.models import Participant, Seat
from annotation.withdrawing import reinstate, withdraw
from tests.annotation.test_snapshots import accepted, all_rows, build, record


@pytest.fixture
def layers(project, tmp_path):
    made = []
    for number, codes in enumerate((("A1", "E1"), ("A2", "E1"), ("A3", "E2")), 1):
        layer = accepted(record(tmp_path, project, number, seconds=15), conversations=1)
        for code, role in zip(codes, ("amateur", "expert"), strict=True):
            participant, _ = Participant.objects.get_or_create(project=project, code=code)
            Seat.objects.create(session=layer.session, participant=participant, role=role)
        made.append(layer)
    return made


def marks(snapshot):
    snapshot.refresh_from_db()
    return [(mark["participant"], mark["why"]) for mark in snapshot.withdrawn]


def test_a_withdrawal_marks_what_is_frozen_and_keeps_sessions_out_of_what_is_new(project, layers):
    before, others = build(project, "before"), build(project, "others", sessions=[3])
    assert before.participants == ["A1", "A2", "A3", "E1", "E2"]
    e1 = Participant.objects.get(code="E1")
    assert withdraw(e1) == 1
    assert withdraw(e1) == 1  # again, and still one mark
    assert (marks(before), marks(others)) == ([("E1", "withdrawn")], [])
    after = build(project, "after")
    assert (after.rows, after.participants, marks(after)) == (2, ["A3", "E2"], [])
    assert {each["kind"] for each in after.excluded} == {"withdrawn"}
    reinstate(Participant.objects.get(code="E1"))
    assert marks(before) == []
    assert len(all_rows(build(project, "again"))) == 6


@pytest.mark.parametrize("delete", [lambda: Participant.objects.get(code="A1").delete(),
                                    lambda: Participant.objects.filter(code="A1").delete()])  # fmt: skip
def test_a_deletion_marks_for_good(project, layers, delete):
    before = build(project, "before")
    delete()
    assert marks(before) == [("A1", "deleted")]
    Participant.objects.create(project=project, code="A1")
    assert marks(before) == [("A1", "deleted")]


def test_who_withdraws_while_a_snapshot_is_built_marks_it(project, layers, monkeypatch):
    from annotation.snapshots import build as building

    cut = building.cut_clips

    def and_meanwhile(*arguments):
        withdraw(Participant.objects.get(code="A2"))
        Participant.objects.get(code="E2").delete()
        return cut(*arguments)

    monkeypatch.setattr(building, "cut_clips", and_meanwhile)
    assert marks(build(project, "meanwhile")) == [("A2", "withdrawn")]


def test_the_page_and_the_api_say_so(client, ada, ana, project, layers):
    snapshot = build(project, "before")
    client.force_login(ada)
    session = layers[0].session
    assert "E1 has withdrawn" in client.get(session.get_absolute_url()).content.decode()
    pk = Participant.objects.get(code="E1").pk
    answer = client.post(f"/participants/{pk}/withdrawal/", follow=True)
    assert "1 frozen snapshot holds their sessions" in answer.content.decode()
    assert "holds sessions of E1, who withdrew on" in client.get(snapshot.get_absolute_url()).content.decode()
    told = client.get(f"/api/v1/snapshots/{snapshot.pk}/").json()
    assert told["withdrawn"][0]["participant"] == "E1"
    assert client.get("/api/v1/participants/?project=songs").json()["count"] == 5
    assert client.delete(f"/api/v1/participants/{pk}/withdrawal/").json()["withdrawn_at"] is None
    assert client.get(f"/api/v1/snapshots/{snapshot.pk}/").json()["withdrawn"] == []
    assert client.post(f"/api/v1/participants/{pk}/withdrawal/").json()["withdrawn_at"]
    client.post(f"/participants/{pk}/withdrawal/", {"back": "1"})
    assert marks(snapshot) == []
    client.force_login(ana)
    page = client.get(session.get_absolute_url()).content.decode()
    assert "E1" in page
    assert "has withdrawn" not in page
