"""Who is behind a request: found together with the browser's session, and checked as Django checks it."""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore as TableOfSessions
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from annotation.models import Login, Person


class SessionStore(TableOfSessions):
    """Sessions in the table `login`; the person of one that is loaded stands beside its data."""

    person: Person | None = None

    @classmethod
    def get_model_class(cls) -> type[Login]:
        """The table."""
        return Login

    def create_model_instance(self, data: dict[str, Any]) -> Login:
        """A row that names who has logged in."""
        row = super().create_model_instance(data)
        assert isinstance(row, Login)
        row.person_id = int(data[auth.SESSION_KEY]) if auth.SESSION_KEY in data else None
        return row

    def load(self) -> dict[str, Any]:
        """The data of the session; empty where there is none any more."""
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        self.person = row.person if row else None
        return self.decode(row.session_data) if row else {}


class WhoAsks(AuthenticationMiddleware):
    """Django's own, which needs no second query for the person."""

    def process_request(self, request: HttpRequest) -> None:
        """Say who asks, once somebody wants to know."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _person_of(request))  # type: ignore[assignment]


def _person_of(request: HttpRequest) -> Person | AnonymousUser:
    """The person of the session if all is as it was at the login; Django's answer in every other case."""
    session = request.session
    told, digest = session.get(auth.SESSION_KEY), session.get(auth.HASH_SESSION_KEY, "")  # these load it
    person = session.person if isinstance(session, SessionStore) else None
    if (
        person is not None
        and person.is_active
        and told == str(person.pk)
        and session.get(auth.BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(digest, person.get_session_auth_hash())
    ):
        return person
    found: Person | AnonymousUser = auth.get_user(request)
    return found
