"""Typed requests, and how lists are paged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django_htmx.middleware import HtmxDetails
    from rest_framework.request import Request
    from rest_framework.views import APIView  # REST framework reads this module while it builds its views

    from annotation.models import Person


class MemberRequest(HttpRequest):
    """A request of a person who is logged in."""

    user: Person
    htmx: HtmxDetails


class VisitorRequest(HttpRequest):
    """A request of somebody who may not be logged in."""

    user: Person | AnonymousUser
    htmx: HtmxDetails


class PlainJSON(JSONParser):
    """JSON that is not nested beyond what anybody means."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """The body; one that is nested too deep is as bad as one that is no JSON."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("This JSON is nested too deep.") from None


def me(request: Request) -> Person:
    """The person behind an API request; the default permission has refused everyone else."""
    return cast("Person", request.user)


class Pages(PageNumberPagination):
    """Fifty rows a page, two hundred at the most."""

    page_size_query_param = "page_size"
    max_page_size = 200


class _SortsKeys(Paginator):  # type: ignore[type-arg]
    """Pages of wide rows: the database sorts their keys, and reads only the rows of the page."""

    def page(self, number: int | str) -> Page[Any]:
        """The rows of one page, by their keys."""
        number = self.validate_number(number)
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        keys = rows.values("pk")[(number - 1) * self.per_page : number * self.per_page]
        return Page(rows.filter(pk__in=keys), number, self)


def page_of(request: HttpRequest, rows: QuerySet[Any] | list[Any], size: int = 50, *, wide: bool = False) -> Page[Any]:
    """The page of a list that the address asks for; a number out of range gives the nearest page.

    `wide` rows, which hold long texts, are sorted by their keys alone.
    """
    return (_SortsKeys if wide else Paginator)(rows, size).get_page(request.GET.get("page"))


class HasScope(BasePermission):
    """A token needs the view's scope: `read` for reading, `view.scope` for everything else."""

    message = "This token does not have the scope that this act needs; make another on the tokens page."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """People in a browser have every scope; tokens have those they were made with."""
        scopes = getattr(request.auth, "scopes", None)
        if scopes is None:
            return True
        needed = "read" if request.method in SAFE_METHODS else getattr(view, "scope", "manage")
        return needed in scopes
