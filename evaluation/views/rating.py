"""A rater's whole world: a welcome, one pair after another, and thanks.

Its pages are rendered without the request, from the types of `blind` alone, so that nothing of the site, of an account
or of an answer's source can reach them. Every link that doesn't work gets the same answer.
"""

import logging
from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from annotation.media import send
from evaluation import assignment, blind, voting
from evaluation.models import Assignment, Rater
from mixassist_site.http import VisitorRequest

log = logging.getLogger(__name__)
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[..., HttpResponse]
UNCHOSEN = "Choose one of the four first."
RETURNED = "The pair before this one had waited too long and went to somebody else; that vote was not kept."
FIRST = "You had voted on that pair before; your first vote stands."


def patient(view: View) -> View:
    """Answer with a page that tries again where the database is busy or away; what was sent stands on it."""

    @wraps(view)
    def answer(request: VisitorRequest, token: str, *more: str) -> HttpResponse:
        try:
            return view(request, token, *more)
        except OperationalError:
            log.warning("the database did not answer a rater", exc_info=True)
            sent = {name: request.POST[name] for name in ("pair", "choice", "reason") if name in request.POST}
            known = {"token": token, "csrf_token": get_token(request), "sent": sent}
            return blind_page("busy", known, 503)

    return answer


@login_not_required
@patient
@require_safe
def rate(request: VisitorRequest, token: str) -> HttpResponse:
    """The welcome, the rater's current pair, or thanks."""
    rater = Rater.find(token)
    if rater is None:
        return gone()
    if rater.started_at is None:
        return blind_page("welcome", {**world(request, rater, token)})
    return current_pair(request, rater, token)


@login_not_required
@patient
@require_POST
def visit(request: VisitorRequest, token: str) -> HttpResponse:
    """Begin: a person is here, and not a mail program that looks ahead."""
    rater = Rater.find(token)
    if rater is None:
        return gone()
    rater.start()
    return redirect("rate", token)


@login_not_required
@patient
@require_POST
def ratings(request: VisitorRequest, token: str) -> HttpResponse:
    """Save one vote on the rater's own pair, once."""
    rater = Rater.find(token)
    if rater is None:
        return gone()
    sent = {name: request.POST.get(name, "") for name in ("pair", "choice", "reason")}
    try:
        saved = voting.vote(rater, sent["pair"], sent["choice"], sent["reason"])
    except voting.NotYours:
        return gone()
    except voting.NoChoice:
        return current_pair(request, rater, token, problem=UNCHOSEN, typed=sent, status=400)
    if saved is voting.Saved.TOO_LATE:
        return current_pair(request, rater, token, problem=RETURNED, status=409)
    if saved is voting.Saved.OTHER_BEFORE:
        return current_pair(request, rater, token, problem=FIRST, status=409)
    return redirect("rate", token)


@login_not_required
@require_safe
def audio(request: VisitorRequest, token: str, audio_token: str) -> HttpResponseBase:
    """The clip of one of the rater's pairs; its name, its validators and its type tell nothing."""
    rater = Rater.find(token) if voting.TOKEN.fullmatch(audio_token) else None
    heard = Assignment.objects.filter(rater=rater, audio_token=audio_token, item__clip__gt="") if rater else None
    pair = heard.select_related("item__study__snapshot").first() if heard is not None else None
    path = pair.item.study.snapshot.path / pair.item.clip if pair else None
    if path is None or not path.is_file():
        return gone()
    return sealed(send(request, path, "audio/wav", etag=audio_token))


@csrf_exempt
@login_not_required
def nowhere(request: VisitorRequest, token: str, rest: str) -> HttpResponse:
    """Every other address under a link: the same answer as to a link that doesn't work."""
    return gone()


def current_pair(
    request: VisitorRequest,
    rater: Rater,
    token: str,
    *,
    status: int = 200,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> HttpResponse:
    """The pair that this rater has open, or the next; thanks when none is left.

    `typed` is what was sent for a pair: its reason is shown again where that pair still stands.
    """
    served = assignment.next_for(rater)
    known = world(request, rater, token)
    if served is None:
        if Rater.find(token) is None:
            return gone()
        if until := assignment.held_until(rater):
            minutes = max(1, ceil((until - timezone.now()).total_seconds() / 60))
            return blind_page("later", {**known, "minutes": minutes, "problem": problem})
        return blind_page("done", {**known, "problem": problem})
    briefing: blind.BlindBriefing = known["briefing"]
    pair = blind.comparison(served, number=briefing.saved + 1, total=briefing.total)
    reason = typed["reason"] if typed and typed["pair"] == served.token else ""
    return blind_page("pair", {**known, "pair": pair, "problem": problem, "reason": reason}, status)


def world(request: VisitorRequest, rater: Rater, token: str) -> dict[str, Any]:
    """What every page of a rater has: the study's briefing, the link itself and the form's guard."""
    saved = rater.assignments.rated().count()
    return {"briefing": blind.briefing(rater.study, saved=saved), "token": token, "csrf_token": get_token(request)}


def gone() -> HttpResponse:
    """One answer to every link that doesn't work, whatever the reason."""
    return blind_page("gone", {}, 404)


def blind_page(name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render without the request: no account, no navigation, no messages in reach of the template."""
    return sealed(HttpResponse(render_to_string(f"evaluation/rate/{name}.html", context), status=status))


def sealed(response: R) -> R:
    """Keep pages out of caches, indexes and other sites' logs."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"  # no-referrer would blank the Origin that guards the form
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
