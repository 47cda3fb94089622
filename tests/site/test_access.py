"""Every route, method and actor: who may, who may not (403), who may not even know (404), who logs in first."""

import json
import re
import shutil
import uuid

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from annotation.models import ApiToken, Project
from tests.conftest import homes
from tests.site.everything import one_of_everything
from tests.site.routes import ACTORS, FORBIDDEN, HIDDEN, LOGIN, MAY, METHODS, ROUTES


def walk(patterns=None):
    """Every named pattern of the site."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern


def test_every_route_has_a_name_and_a_row_here():
    names = [pattern.name for pattern in walk()]
    assert all(names), "a route has no name"
    assert sorted(set(names) - {route.name for route in ROUTES}) == []
    assert sorted({route.name for route in ROUTES} - set(names)) == []


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker, tmp_path_factory):
    """One of everything, made once: each test has a transaction within this one, and a copy of the files."""
    root = tmp_path_factory.mktemp("world")
    with django_db_blocker.unblock(), override_settings(**homes(root)), transaction.atomic():
        yield root, *one_of_everything()
        transaction.set_rollback(True)


@pytest.fixture
def world(made, db, home, settings):
    """What addresses name, the people, and a rater."""
    settings.SUMMARY_DRAFTS = '{"base_url": "http://127.0.0.1:9/v1", "model": "nobody"}'
    root, *rest = made
    shutil.copytree(root, home, dirs_exist_ok=True)
    return rest


@pytest.fixture
def project(world):
    told, _, _ = world
    return Project.objects.get(slug=told["slug"])


@pytest.fixture
def ada(world):
    _, people, _ = world
    return people["admin"]


def client_for(actor, people, rater):
    """A browser as this actor has it; a rater's has been at the rater's link and nowhere else."""
    client = Client()
    if actor in people:
        client.force_login(people[actor])
    elif actor == "rater":
        client.get(f"/rate/{rater.token}/")
    return client


def outcome(answer, route):
    """What an answer comes to."""
    if answer.status_code == 401 or (answer.status_code == 302 and answer["Location"].startswith("/login/?next=")):
        return LOGIN
    if answer.status_code in (403, 404, 405):
        return {403: FORBIDDEN, 404: HIDDEN, 405: "refused"}[answer.status_code]
    return MAY if answer.status_code < 500 or answer.status_code == 503 else f"error {answer.status_code}"


def ask(client, method, address, route, told):
    body = {name: told.get(value, value) if isinstance(value, str) else value for name, value in route.body.items()}
    if route.json:
        return client.generic(method, address, json.dumps(body, default=str), content_type="application/json")
    if method == "POST":
        return client.post(address, body)
    return client.generic(method, address, b"")


class Undone(Exception):
    """Rolls a cell back."""


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: "-".join((route.name, *route.named)))
def test_each_actor_gets_what_the_row_says_for_each_method(world, route):
    told, people, rater = world
    address = reverse(route.name, args=[told[name] for name in route.named])
    wrong = []
    for actor in ACTORS:
        client = client_for(actor, people, rater)
        for method in METHODS:
            try:
                with transaction.atomic():
                    got = outcome(ask(client, method, address, route, told), route)
                    raise Undone
            except Undone:
                pass
            if method in route.who:
                right = got == route.who[method][actor]
            else:  # nothing happens, whoever asks
                right = got in ("refused", LOGIN, HIDDEN, FORBIDDEN)
            if not right:
                wrong.append((actor, method, got, route.who.get(method, {}).get(actor, "refused")))
            if actor in people and route.name == "logout":
                client.force_login(people[actor])
    assert wrong == []


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.named and r.name.split("-")[0] not in ("rate", "job")], ids=str
)
def test_what_one_may_not_know_looks_like_what_is_not_there(world, route):
    """The answer for a foreign thing has the status and the size of the answer for a thing that never was."""
    told, people, rater = world
    foreign = reverse(route.name, args=[told[name] for name in route.named])
    first = told[route.named[0]]
    never = {int: 987_654, str: "never-was", uuid.UUID: uuid.uuid4()}[type(first)]
    missing = reverse(route.name, args=[never, *(told[name] for name in route.named[1:])])
    client = client_for("stranger", people, rater)
    for method in route.who:
        a, b = (ask(client, method, address, route, told) for address in (foreign, missing))
        plain = [re.sub(rb'(csrf|CSRF)[^>]*|nonce="[^"]*"', b"", answer.content) for answer in (a, b)]
        assert (a.status_code, len(plain[0])) == (b.status_code, len(plain[1])), method


def test_a_token_does_only_what_its_scopes_say(world, ada, project):
    _, text = ApiToken.issue(ada, "reader", ["read"])
    bearer = {"Authorization": f"Bearer {text}"}
    client = Client()
    assert client.get("/api/v1/projects/", headers=bearer).status_code == 200
    body = {"project": project.slug, "name": "by script"}
    answer = client.post("/api/v1/snapshots/", body, content_type="application/json", headers=bearer)
    assert answer.status_code == 403
    _, text = ApiToken.issue(ada, "manager", ["manage"])
    bearer = {"Authorization": f"Bearer {text}"}
    answer = client.post("/api/v1/snapshots/", body, content_type="application/json", headers=bearer)
    assert answer.status_code == 201
    assert client.get("/api/v1/projects/", headers=bearer).status_code == 403


def test_a_token_that_is_revoked_expired_or_made_up_opens_nothing(world, ada):
    token, text = ApiToken.issue(ada, "reader", ["read"])
    assert text not in str(ApiToken.objects.filter(pk=token.pk).values())
    client = Client()
    ask_with = lambda words: client.get("/api/v1/projects/", headers={"Authorization": f"Bearer {words}"})  # noqa: E731
    assert ask_with(text).status_code == 200
    assert ask_with(text + "x").status_code == 401
    ApiToken.objects.update(expires_at=timezone.now())
    assert ask_with(text).status_code == 401
    token, text = ApiToken.issue(ada, "reader", ["read"])
    token.revoke()
    assert ask_with(text).status_code == 401


def test_every_form_wants_its_csrf_token(world):
    told, people, _ = world
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["superuser"])
    for route in ROUTES:
        for method in set(route.who) & {"POST", "PUT", "DELETE"}:
            if route.name == "rate-nowhere":
                continue  # there is nothing to forge
            address = reverse(route.name, args=[told[name] for name in route.named])
            assert ask(client, method, address, route, told).status_code == 403, route.name
