"""Typed requests, and how lists are paged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.pagination import PageNumberPagination

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django_htmx.middleware import HtmxDetails

    from annotation.models import Person


class MemberRequest(HttpRequest):
    """A request of a person who is logged in."""

    user: Person
    htmx: HtmxDetails


class VisitorRequest(HttpRequest):
    """A request of somebody who may not be logged in."""

    user: Person | AnonymousUser  # type: ignore[assignment]
    htmx: HtmxDetails


class Pages(PageNumberPagination):
    """Fifty rows a page, two hundred at the most."""

    page_size_query_param = "page_size"
    max_page_size = 200


def page_of(request: HttpRequest, rows: QuerySet[Any] | list[Any], size: int = 50) -> Page[Any]:
    """The page of a list that the address asks for; a number out of range gives the nearest page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
