"""A rater's whole world: a welcome, one pair after another, and thanks.

Its pages are rendered without the request, from the types of `blind` alone, so that nothing of the site, of an account
or of an answer's source can reach them. Every link that doesn't work gets the same answer.
"""

import logging
import re
from collections.abc import Callable
from functools import wraps
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from annotation.media import send
from evaluation import assignment, blind, ending, joining, sitting, voting
from evaluation.models import Assignment, Rater, Rating
from evaluation.rules import CRITERIA, rules_of
from evaluation.rules import quiz as quiz_of
from mixassist_site.http import VisitorRequest

log = logging.getLogger(__name__)
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[..., HttpResponse]
RaterView = Callable[[VisitorRequest, Rater, str], HttpResponse]
SAFE = ("GET", "HEAD")
KEPT = re.compile(r"pair|choice|reason|played|listened|revision|criterion-[a-z_]+")
UNCHOSEN = "Choose one of these first."
OPEN_ROW = "Say it for every row, please."
DISAGREED = "To take part, agree to the text above; without that, simply close this page."
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
            sent = {name: value for name, value in request.POST.items() if KEPT.fullmatch(name)}
            known = {"token": token, "csrf_token": get_token(request), "sent": sent}
            return blind_page("busy", known, 503)

    return answer


def at_a_link(*methods: str) -> Callable[[RaterView], View]:
    """Answer these methods at a rater's link, which needs no login; a link that doesn't work gets the one answer."""

    def of(view: RaterView) -> View:
        @login_not_required
        @patient
        @require_http_methods(methods)
        @wraps(view)
        def answer(request: VisitorRequest, token: str) -> HttpResponse:
            rater = Rater.find(token)
            return gone() if rater is None else view(request, rater, token)

        return answer

    return of


@at_a_link(*SAFE)
def rate(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """The welcome, the quiz, the rater's current pair, what follows a vote, a break, or thanks."""
    return here(request, rater, token)


@at_a_link("POST")
def visit(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """Begin: a person is here, and not a mail program that looks ahead."""
    knows = request.user.is_authenticated and bool(request.user.role_in(rater.study.project))
    if not sitting.consent(rater, agreed="consent" in request.POST, knows_project=knows):
        return blind_page("welcome", {**world(request, rater, token), "problem": DISAGREED}, 400)
    return redirect("rate", token)


@at_a_link("POST")
def quiz(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """Take one attempt at the questions on the task."""
    if sitting.step_of(rater)[0] is not sitting.Step.QUIZ or sitting.answer_quiz(rater, request.POST):
        return redirect("rate", token)
    rater.refresh_from_db()
    problem = "That was not right yet. Read the task again: you have one more attempt."
    return here(request, rater, token, problem=problem, status=200 if rater.outcome else 400)


@at_a_link("POST")
def ratings(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """Save one vote on the rater's own pair, once; or the revision of their last vote."""
    ballot = sent_in(request)
    if rater.started_at is None:
        return here(request, rater, token)
    try:
        saved = voting.cast(rater, ballot)
    except voting.NotYours:
        return gone()
    except voting.NoChoice:
        problem = OPEN_ROW if ballot.choice else UNCHOSEN
        return here(request, rater, token, problem=problem, typed=ballot, status=400)
    except voting.NotHeard as error:
        heard, needed = error.heard / 1000, error.required / 1000
        problem = f"Listen to the music first: {heard:.0f} of {needed:.0f} seconds are heard."
        return here(request, rater, token, problem=problem, typed=ballot, status=400)
    if saved is voting.Saved.TOO_LATE:
        return here(request, rater, token, problem=RETURNED, status=409)
    if saved is voting.Saved.OTHER_BEFORE:
        return here(request, rater, token, problem=FIRST, status=409)
    return redirect("rate", token)


@at_a_link(*SAFE)
def last_vote(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """The pair that was judged last, to judge it again; its first vote stays in the history."""
    rating = voting.revisable(rater)
    if rating is None:
        return redirect("rate", token)
    return again(request, rater, token, rating)


@at_a_link("POST")
def afterwards(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """Save what follows a vote."""
    try:
        sitting.look_back(rater, request.POST.get("pair", ""), request.POST.get("guess", ""), criteria_in(request))
    except voting.NotYours:
        return gone()
    except voting.NoChoice:
        return here(request, rater, token, problem=OPEN_ROW, status=400)
    return redirect("rate", token)


@at_a_link("POST")
def rest(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """End a break."""
    sitting.rest(rater)
    return redirect("rate", token)


@at_a_link("POST")
def code(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """End the study for good, where it has ended, for the completion code."""
    ending.show_code(rater)
    return redirect("rate", token)


@at_a_link(*SAFE, "POST")
def withdrawal(request: VisitorRequest, rater: Rater, token: str) -> HttpResponse:
    """Leave the study and have everything erased; asked twice."""
    if rater.outcome != Rater.Outcome.WITHDRAWN:
        if request.method != "POST":
            return blind_page("withdrawal", world(request, rater, token))
        sitting.withdraw(rater)
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
    answer = send(request, path, "audio/wav", etag=audio_token)
    if request.method == "GET" and heard is not None and (sent := sent_bytes(answer, path)):
        heard.update(audio_bytes=F("audio_bytes") + sent, audio_at=Coalesce("audio_at", timezone.now()))
    return sealed(answer)


def sent_bytes(answer: HttpResponseBase, path: Path) -> int:
    """How much of a file this answer brings."""
    if answer.status_code not in (200, 206):
        return 0
    return int(answer.headers.get("Content-Length") or path.stat().st_size)


@csrf_exempt
@login_not_required
def nowhere(request: VisitorRequest, token: str, rest: str) -> HttpResponse:
    """Every other address under a link: the same answer as to a link that doesn't work."""
    return gone()


def sent_in(request: VisitorRequest) -> voting.Ballot:
    """The ballot in a form."""
    told = {name: request.POST.get(name, "") for name in ("pair", "choice", "reason", "played")}
    revision = request.POST.get("revision", "")
    return voting.Ballot(
        **told,
        criteria=criteria_in(request),
        listened="listened" in request.POST,
        revision=int(revision) if re.fullmatch(r"[0-9]{1,4}", revision) else 0,
    )


def criteria_in(request: VisitorRequest) -> dict[str, str]:
    """What a form says of each criterion."""
    return {name: request.POST.get(f"criterion-{name}", "") for name in CRITERIA}


def here(
    request: VisitorRequest,
    rater: Rater,
    token: str,
    *,
    status: int = 200,
    problem: str = "",
    typed: voting.Ballot | None = None,
) -> HttpResponse:
    """The page where this rater is."""
    step, last = sitting.step_of(rater)
    known = {**world(request, rater, token), "problem": problem}
    if step is sitting.Step.ENDED:
        return ended(rater, known, status)
    if step is sitting.Step.QUIZ:
        return blind_page("quiz", {**known, "questions": questions(rater)}, status)
    if step in (sitting.Step.FEEDBACK, sitting.Step.AFTER) and last:
        return look_back(rater, last, known, status)
    if step is sitting.Step.PAIR:
        return current_pair(rater, known, status, typed)
    if step is sitting.Step.BREAK:
        known["may_change"] = voting.revisable(rater) is not None
    return blind_page(step.value, known, status)


def current_pair(rater: Rater, known: dict[str, Any], status: int, typed: voting.Ballot | None) -> HttpResponse:
    """The pair that this rater has open, or the next; thanks when none is left.

    `typed` is what was sent for a pair: it is shown again where that pair still stands.
    """
    served = assignment.next_for(rater)
    if served is None:
        if Rater.find(known["token"]) is None:
            return gone()
        if until := assignment.held_until(rater):
            minutes = max(1, ceil((until - timezone.now()).total_seconds() / 60))
            known["may_change"] = voting.revisable(rater) is not None
            return blind_page("later", {**known, "minutes": minutes})
        ending.finish(rater)
        return ended(rater, known, status)
    sent = typed if typed and typed.pair == served.token else None
    known["may_change"] = voting.revisable(rater) is not None
    return pair_page(rater, served, known, status, sent)


def again(request: VisitorRequest, rater: Rater, token: str, rating: Rating) -> HttpResponse:
    """A judged pair with its vote on it, to be judged once more."""
    one = rating.assignment
    slots = {"left": one.left_token, "right": one.right_token}
    strength = f":{rating.strength}" if rating.strength else ""
    said = {name: slots.get(side, side) for name, side in rating.criteria.items()}
    sent = voting.Ballot(one.token, f"{slots.get(rating.choice, rating.choice)}{strength}", rating.reason, said)
    return pair_page(
        rater, one, {**world(request, rater, token), "revision": rating.revision, "problem": ""}, 200, sent
    )


def pair_page(
    rater: Rater, served: Assignment, known: dict[str, Any], status: int, sent: voting.Ballot | None
) -> HttpResponse:
    """One pair, with what was chosen and written before where there is any."""
    rules = rules_of(rater.study.protocol)
    briefing: blind.BlindBriefing = known["briefing"]
    practising = served.kind == Assignment.Kind.PRACTICE
    number, total = (served.number, rules.practice) if practising else (briefing.saved + 1, briefing.total)
    pair = blind.comparison(served, number=number - ("revision" in known), total=total)
    asked = rules.criteria_when == "same" and bool(rules.criteria)
    context = {
        **known,
        "pair": pair,
        "practising": practising,
        "options": blind.options(pair, rules, sent.choice if sent else ""),
        "rows": blind.rows(pair, rules, served.criteria_order, sent.criteria if sent else None) if asked else (),
        "reason": sent.reason if sent else "",
        "played": sent.played if sent else "",
    }
    return blind_page("pair", context, status)


def look_back(rater: Rater, last: Assignment, known: dict[str, Any], status: int) -> HttpResponse:
    """The pair that was just judged, and what follows: a word after practice, or a question."""
    rules = rules_of(rater.study.protocol)
    pair = blind.comparison(last, number=last.number, total=known["briefing"].total)
    known["pair"] = pair
    if last.kind == Assignment.Kind.PRACTICE and last.check_pair:
        better = "A" if last.left_id == last.check_pair.better_id else "B"
        chosen = last.ratings.current().get().choice
        right = chosen == ("left" if better == "A" else "right")
        return blind_page("feedback", {**known, "right": right, "letter": better, "told": last.check_pair.feedback})
    asked = blind.rows(pair, rules, last.criteria_order) if last.asks_criteria else ()
    known |= {"rows": asked, "asks_source": last.asks_source, "may_change": voting.revisable(rater) is not None}
    return blind_page("after", known, status)


def ended(rater: Rater, known: dict[str, Any], status: int = 200) -> HttpResponse:
    """Thanks, and the panel's code for how it ended; while the last vote may change, the code waits to be asked for."""
    told = {"code": joining.code_for(rater.study, rater.outcome), "back": joining.way_back(rater.study, rater.outcome)}
    if rater.outcome in ending.DONE:
        may_change = voting.revisable(rater) is not None
        waits = may_change and known["briefing"].has_codes  # whether or not this outcome has one: that would tell it
        shown = {"code": "", "back": ""} if waits else told
        return blind_page("done", {**known, **shown, "may_change": may_change, "code_waits": waits}, status)
    name = "withdrawn" if rater.outcome == Rater.Outcome.WITHDRAWN else "screened"
    return blind_page(name, {**known, **told}, status)


def questions(rater: Rater) -> list[dict[str, Any]]:
    """The quiz without its answers."""
    asked = quiz_of(rules_of(rater.study.protocol))
    return [{"name": f"q{n}", "text": each["question"], "options": each["options"]} for n, each in enumerate(asked)]


def world(request: VisitorRequest, rater: Rater, token: str) -> dict[str, Any]:
    """What every page of a rater has: the study's briefing, the link itself and the form's guard."""
    saved = sitting.counted(rater)
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
