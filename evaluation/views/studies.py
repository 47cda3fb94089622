"""Studies: their list, a new one, one study with its raters, and its opening and closing."""

import re
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.models import Project
from evaluation import assignment, launch, protocol
from evaluation.balance import balance_of
from evaluation.errors import StudyError
from evaluation.forms import RatersForm, StudyForm, comparable_rows
from evaluation.models import Assignment, Comparison, Rater, Study
from evaluation.rules import RuleError, rules_of
from mixassist_site.http import MemberRequest, page_of

FIELDS = {
    "too-few-contenders": "contenders",
    "raters": "raters",
    "ratings": "ratings",
    "trials": "trials",
    "name-in-text": "question",
    "repeats": "repeats",
    "sample": "sample",
}


@require_safe
def studies(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's studies."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    rated = Q(raters__assignments__state=Assignment.State.RATED, raters__assignments__kind=Assignment.Kind.MAIN)
    rows = project.studies.select_related("snapshot").annotate(votes=Count("raters__assignments", filter=rated))
    context = {
        "project": project,
        "page": page_of(request, rows.order_by("-pk")),
        "may_manage": request.user.has_perm("evaluation.manage_study", project),
        "may_read": request.user.has_perm("evaluation.read_results", project),
        "can_compare": bool(comparable_rows(project)),
    }
    return render(request, "evaluation/studies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_study(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose the rows, the contenders, the question and the raters; the study begins as a draft."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("evaluation.manage_study", project):
        raise PermissionDenied
    options = comparable_rows(project)
    asked = (request.POST if request.method == "POST" else request.GET).get("rows", "")
    rows = asked if asked in options else next(iter(options), "")
    context: dict[str, Any] = {"project": project, "options": options, "rows": rows}
    if not options:
        return render(request, "evaluation/study_form.html", context)
    snapshot, split = options[rows]
    generations = protocol.latest_generations(snapshot, split)
    before = earlier(request, project)
    initial = {"contenders": list(generations), **(told_by(before) if before else {})}
    form = StudyForm(request.POST or None, generations=generations, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            plan = replace(form.plan(snapshot, split), replaces=before)
            return redirect(protocol.create(plan, by=request.user))
        except StudyError as error:
            form.add_error(FIELDS.get(error.code), error.message)
        except RuleError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context["before"] = before
    return render(request, "evaluation/study_form.html", {**context, "form": form}, status=400 if form.errors else 200)


@require_safe
def study(request: MemberRequest, pk: int) -> HttpResponse:
    """A study; who may read results sees the contenders and the raters, who manages it sees the links."""
    found = visible_study(request, pk)
    may_read = request.user.has_perm("evaluation.read_results", found)
    may_manage = request.user.has_perm("evaluation.manage_study", found)
    comparisons = Comparison.objects.filter(item__study=found).count()
    context: dict[str, Any] = {
        "study": found,
        "project": found.project,
        "may_read": may_read,
        "may_manage": may_manage,
        "items": found.items.filter(is_check=False).count(),
        "votes": Assignment.objects.rated().main().filter(rater__study=found).count(),
        "wanted": comparisons * found.ratings_per_comparison,
    }
    if may_read:
        context |= {
            "comparisons": comparisons,
            "contenders": found.contenders.select_related("generation__base", "generation__adapter"),
            "balance": balance_of(found),
            "page": page_of(request, raters_of(found)),
            "raters_form": RatersForm(),
        }
    if may_manage:
        root = request.build_absolute_uri("/").rstrip("/")
        for rater in context["page"]:
            rater.address = f"{root}{rater.get_absolute_url()}" if rater.token else ""
    return render(request, "evaluation/study.html", context)


@require_POST
def opening(request: MemberRequest, pk: int) -> HttpResponse:
    """Freeze the study and let its raters in."""
    found = managed_study(request, pk)
    try:
        if not protocol.open_study(found, request.user, accept="accept" in request.POST):
            messages.warning(request, "This study was opened before.")
    except StudyError as error:
        messages.error(request, error.message)
        return redirect("study-monitor", pk)
    return redirect(found)


@require_POST
def closing(request: MemberRequest, pk: int) -> HttpResponse:
    """End the voting; the links stop working."""
    found = managed_study(request, pk)
    if not launch.close_study(found, request.user):
        messages.warning(request, "Only an open study can be closed.")
    return redirect(found)


@require_POST
def raters(request: MemberRequest, pk: int) -> HttpResponse:
    """Invite more raters."""
    found = managed_study(request, pk)
    form = RatersForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Give a number of raters between 1 and {protocol.MAX_RATERS}.")
        return redirect(found)
    try:
        protocol.invite(found, form.cleaned_data["count"])
    except StudyError as error:
        messages.error(request, error.message)
    return redirect(found)


@require_POST
def revocation(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """Take one rater's link back; their votes stay."""
    found = managed_study(request, pk)
    rater = get_object_or_404(found.raters, number=number)
    assignment.revoke(rater)
    return redirect(found)


def earlier(request: MemberRequest, project: Project) -> Study | None:
    """The study of which a new version is asked for; None where it is a new study."""
    asked = request.POST.get("replaces") or request.GET.get("replaces", "")
    if not re.fullmatch(r"[0-9]{1,15}", asked):
        return None
    return get_object_or_404(Study.objects.filter(project=project), pk=int(asked))


def told_by(before: Study) -> dict[str, Any]:
    """What the form of a new version begins with."""
    asked = rules_of(before.protocol).as_dict()
    kept = {name: before.protocol.get(name) for name in ("with_clip", "sample", "raters")}
    topics = ", ".join(before.protocol.get("topics", []))
    words = {name: getattr(before, name) for name in ("title", "question", "instructions", "seed")}
    contenders = list(before.contenders.values_list("name", flat=True))
    ratings, trials = before.ratings_per_comparison, before.trials_per_rater
    return {**asked, **kept, **words, "topics": topics, "contenders": contenders, "ratings": ratings, "trials": trials}


def visible_study(request: MemberRequest, pk: int) -> Study:
    """A study of one of the person's projects; 404 otherwise."""
    return get_object_or_404(Study.objects.visible_to(request.user).select_related("project", "snapshot"), pk=pk)


def managed_study(request: MemberRequest, pk: int) -> Study:
    """A visible study that this person manages; 403 otherwise."""
    found = visible_study(request, pk)
    if not request.user.has_perm("evaluation.manage_study", found):
        raise PermissionDenied
    return found


def raters_of(found: Study) -> Any:
    """The study's raters with the number of their votes."""
    rated = Q(assignments__state=Assignment.State.RATED, assignments__kind=Assignment.Kind.MAIN)
    return Rater.objects.filter(study=found).annotate(votes=Count("assignments", filter=rated)).order_by("number")
