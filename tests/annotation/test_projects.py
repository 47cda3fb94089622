"""Who is in a project as what, and what a person who has left still sees of it."""

import pytest

from annotation.models import Layer, Project, Snapshot
from mixassist_site.jobs import State
from tests.factories import LayerFactory, SessionFactory, SnapshotFactory
from tests.people import member, person


def test_a_pseudonym_is_never_given_to_somebody_else(project, ada):
    bob, eve, ivy = (person(name) for name in ("bob", "eve", "ivy"))
    names = {}
    for someone in (bob, eve):
        project.admit(someone, "annotator")
        names[someone] = project.pseudonym_of(someone)
    project.dismiss(bob)
    project.admit(ivy, "annotator")
    assert project.pseudonym_of(ivy) not in names.values()
    assert project.pseudonym_of(bob) == names[bob]
    project.admit(bob, "reviewer")
    assert project.pseudonym_of(bob) == names[bob]


def test_the_settings_show_everyone_with_their_pseudonym(client, ada, ana, project):
    client.force_login(ada)
    page = client.get(f"/projects/{project.slug}/settings/").content.decode()
    for someone in (ada, ana):
        assert f"<td>{someone.username}</td><td>{project.pseudonym_of(someone)}</td>" in page


def test_a_role_that_is_none_changes_nothing(client, ada, ana, project):
    client.force_login(ada)
    membership = project.memberships.get(person=ana)
    for role in ("Reviewer", "owner", "\x00"):
        client.post(f"/projects/{project.slug}/memberships/{membership.pk}/", {"role": role})
        assert project.memberships.get(pk=membership.pk).role == "annotator"
    client.post(f"/projects/{project.slug}/memberships/{membership.pk}/", {"role": ""})
    assert not project.memberships.filter(pk=membership.pk).exists()


def test_the_last_administrator_stays(client, ada, project):
    client.force_login(ada)
    membership = project.memberships.get(person=ada)
    for role in ("annotator", ""):
        answer = client.post(f"/projects/{project.slug}/memberships/{membership.pk}/", {"role": role}, follow=True)
        assert "at least one administrator" in answer.content.decode()
    assert project.memberships.get(pk=membership.pk).role == "admin"


def test_who_has_left_sees_nothing_of_it_on_the_front_page(client, ana, project):
    LayerFactory(owner=ana, session=SessionFactory(project=project, title="The secret evening"))
    member(Project.objects.create(slug="next", name="Next"), "bob", "annotator")
    client.force_login(ana)
    assert b"The secret evening" in client.get("/").content
    project.dismiss(ana)
    assert b"The secret evening" not in client.get("/").content


@pytest.mark.parametrize("act", ["retry", "cancellation"])
def test_who_started_a_job_and_has_lost_the_role_cannot_steer_it(client, ada, sue, project, act):
    project.admit(sue, "admin")
    state = State.FAILED if act == "retry" else State.QUEUED
    snapshot = SnapshotFactory(project=project, created_by=ada, state=state)
    project.admit(ada, "annotator")
    client.force_login(ada)
    assert client.post(f"/jobs/snapshot/{snapshot.pk}/{act}/").status_code == 403
    assert Snapshot.objects.get(pk=snapshot.pk).state == state


def test_a_reviewer_judges_only_what_they_have_seen(client, rita, ana, project):
    layer = LayerFactory(owner=ana, session=SessionFactory(project=project))
    layer.submit()
    client.force_login(rita)
    assert f'name="seen" value="{layer.revision}"' in client.get(f"/layers/{layer.pk}/").content.decode()
    Layer.objects.filter(pk=layer.pk).update(revision=7)  # returned by somebody else, edited, submitted again
    form = {"verdict": "accept", "seen": "0"}
    answer = client.post(f"/layers/{layer.pk}/review/", form, follow=True)
    assert "has changed since you opened it" in answer.content.decode()
    assert not layer.reviews.exists()
    client.post(f"/layers/{layer.pk}/review/", {**form, "seen": "7"})
    assert layer.reviews.get().verdict == "accept"
