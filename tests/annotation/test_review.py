"""A layer is handed in by its owner and judged by somebody else; until then nobody else sees it."""

import pytest

from annotation.editing import start_layer
from annotation.models import Layer
from tests.factories import LayerFactory, SessionFactory, conversation, turn


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project))


def test_a_layer_is_reviewed_by_someone_else(client, rita, layer):
    layer.submit()
    client.force_login(rita)
    client.post(f"/layers/{layer.pk}/review/", {"verdict": "accept"})
    layer.refresh_from_db()
    assert layer.state == "accepted"
    assert layer.reviews.get().reviewer == rita


def test_nobody_accepts_their_own_layer(client, ada, project):
    layer = LayerFactory(owner=ada, session=SessionFactory(project=project), state="submitted")
    client.force_login(ada)
    assert client.post(f"/layers/{layer.pk}/review/", {"verdict": "accept"}).status_code == 403
    layer.refresh_from_db()
    assert layer.state == "submitted"


def test_a_return_says_why_and_gives_the_layer_back(client, ana, rita, layer):
    layer.submit()
    client.force_login(rita)
    answer = client.post(f"/layers/{layer.pk}/review/", {"verdict": "return"})
    assert answer.status_code == 400
    assert "Say what should be done" in answer.content.decode()
    client.post(f"/layers/{layer.pk}/review/", {"verdict": "return", "note": "Flag turn 3."})
    layer.refresh_from_db()
    assert layer.state == "returned"
    assert layer.is_editable_by(ana)


@pytest.mark.parametrize("who", ["rita", "ada", "sue"])
def test_nobody_sees_a_draft_of_somebody_else(request, client, layer, who):
    person = request.getfixturevalue(who)
    client.force_login(person)
    assert client.get(f"/layers/{layer.pk}/").status_code == 404
    assert client.get(f"/api/v1/layers/{layer.pk}/document/").status_code == 404
    assert layer not in Layer.objects.visible_to(person)
    layer.submit()
    assert layer in Layer.objects.visible_to(person)


def test_an_annotator_never_sees_the_layer_of_another(client, project, layer):
    from tests.people import member

    bob = member(project, "bob", "annotator")
    for state in Layer.State.values:
        Layer.objects.update(state=state)
        assert layer not in Layer.objects.visible_to(bob)


def test_two_reviewers_at_once_make_one_review(rita, ada, layer):
    layer.submit()
    assert layer.review(rita, "accept")
    assert not Layer.objects.get(pk=layer.pk).review(ada, "return", "No.")
    assert layer.reviews.count() == 1


def test_a_layer_starts_from_another_with_all_its_rows_and_once_only(ana, project):
    session = SessionFactory(project=project)
    parent = LayerFactory(session=session, state="accepted")
    conversation(parent, [turn(parent, 0, flag="yes"), turn(parent, 6000)])
    mine = start_layer(session, ana, parent)
    assert start_layer(session, ana, None) == mine
    assert mine.segments.count() == parent.segments.count() == 6
    assert set(mine.turns.values_list("uid", flat=True)) == set(parent.turns.values_list("uid", flat=True))
    assert mine.conversations.get().turns.count() == 2
    mine.turns.all().delete()
    mine.segments.all().delete()
    assert parent.segments.count() == 6
