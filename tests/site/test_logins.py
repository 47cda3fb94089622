"""A request's person comes with its session, and only while the login is still good."""

import pytest
from django.contrib.auth import SESSION_KEY

from annotation.models import Login


def asks(client):
    return client.get("/projects/").status_code == 200


def test_session_and_person_are_one_query(client, ana, project, django_assert_num_queries):
    client.force_login(ana)
    with django_assert_num_queries(1):
        assert client.get("/api/v1/me/keys/").status_code == 200


def test_a_login_names_its_person_and_ends_with_it(client, ana, sam):
    client.force_login(ana)
    assert Login.objects.get().person == ana
    client.logout()
    assert not asks(client)
    client.force_login(sam)
    assert Login.objects.get(person=sam)
    sam.delete()
    assert not Login.objects.exists()
    assert not asks(client)


@pytest.mark.parametrize("trouble", ["deactivated", "password", "expired", "gone"])
def test_a_login_that_is_no_longer_good_lets_nobody_in(client, ana, trouble):
    client.force_login(ana)
    assert asks(client)
    if trouble == "deactivated":
        type(ana).objects.filter(pk=ana.pk).update(is_active=False)
    elif trouble == "password":
        ana.set_password("another one altogether")
        ana.save()
    elif trouble == "expired":
        Login.objects.update(expire_date="2020-01-01T00:00Z")
    else:
        Login.objects.all().delete()
    assert not asks(client)


def test_the_row_does_not_outweigh_what_the_session_says(client, ana, ada):
    client.force_login(ana)
    Login.objects.update(person=ada)
    assert client.get("/projects/").wsgi_request.user.pk == ana.pk
    assert client.session[SESSION_KEY] == str(ana.pk)


def test_a_visitor_without_a_login_asks_nothing(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert not asks(client)
