"""Finding turns of a project, and reading them with their conversation and its clips."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation import finding, reading
from annotation.folding import marked, terms
from annotation.forms import SearchForm
from annotation.models import Layer, Project, TurnText
from mixassist_site.http import MemberRequest, page_of


@require_safe
def turns(request: MemberRequest, slug: str) -> HttpResponse:
    """The turns that a person may read and that match; all of them while nothing is asked for."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    form = SearchForm(request.GET, project=project)
    page, shown, asked = None, [], False
    if form.is_valid():
        wanted = form.wanted()
        page = page_of(request, finding.find(request.user, wanted, project=project), 25, wide=True)
        asked = wanted != finding.Wanted(side=wanted.side, value=wanted.value)
        shown = [_shown(row, wanted, project) for row in page]
    context = {"project": project, "form": form, "page": page, "turns": shown, "asked": asked}
    return render(request, "annotation/turns.html", context, status=400 if form.errors else 200)


def _shown(row: TurnText, wanted: finding.Wanted, project: Project) -> dict[str, Any]:
    looked_at = [wanted.side] if wanted.side in finding.SIDES else finding.SIDES
    words = terms(wanted.q)
    sides = [
        (side, marked(text, words if side in looked_at else []))
        for side in finding.SIDES
        if (text := getattr(row, side))
    ]
    labels = {flag["key"]: flag["label"] for flag in project.flags}
    set_flags = [flag.partition("=") for flag in row.flags.strip("|").split("|") if flag]
    flags = [(labels.get(flag, flag), value) for flag, _, value in set_flags]
    topic = project.topic_label(row.topic) if row.topic else ""
    home = {"layer": row.layer, "session": row.layer.session}
    return {"row": row, **home, "sides": sides, "flags": flags, "topic": topic}


@require_safe
def conversation(request: MemberRequest, pk: int, uid: uuid.UUID) -> HttpResponse:
    """One conversation of a layer, to be read and heard."""
    visible = Layer.objects.visible_to(request.user).select_related("session__project", "owner")
    layer = get_object_or_404(visible, pk=pk)
    found = reading.conversation(layer, uid)
    if found is None:
        raise Http404
    project = layer.session.project
    labels = {flag["key"]: flag["label"] for flag in project.flags}
    context = {"layer": layer, "session": layer.session, "project": project, "conversation": found, "labels": labels}
    context |= {"topic": project.topic_label(found.topic)}
    return render(request, "annotation/conversation.html", context)
