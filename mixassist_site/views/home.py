"""The front page: what waits for this person."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.models import Layer, Membership, Project, Role
from evaluation.models import Study
from mixassist_site.http import MemberRequest

SHOWN = 8


@require_safe
def home(request: MemberRequest) -> HttpResponse:
    """Layers to go on with, layers to review, studies that run: the newest few of each."""
    me = request.user
    mine = Layer.objects.visible_to(me).filter(owner=me, state__in=[Layer.State.DRAFT, Layer.State.RETURNED])
    reviewed = Membership.objects.filter(person=me, role__in=[Role.ADMIN, Role.REVIEWER]).values("project")
    waiting = Layer.objects.visible_to(me).awaiting_review().exclude(owner=me)
    if not me.is_superuser:
        waiting = waiting.filter(session__project__in=reviewed)
    context = {
        "projects": Project.objects.visible_to(me)[:SHOWN],
        "mine": mine.select_related("session__project").order_by("-pk")[:SHOWN],
        "waiting": waiting.select_related("session__project", "owner").order_by("-submitted_at", "-pk")[:SHOWN],
        "studies": Study.objects.visible_to(me).filter(state=Study.State.OPEN).order_by("-pk")[:SHOWN],
    }
    return render(request, "mixassist_site/home.html", context)
