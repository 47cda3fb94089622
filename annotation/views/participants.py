"""A participant's withdrawal."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotation.models import MixingSession, Participant, Project
from annotation.withdrawing import reinstate, withdraw
from mixassist_site.http import MemberRequest


@require_POST
def withdrawal(request: MemberRequest, pk: int) -> HttpResponse:
    """Note that somebody has withdrawn, or with `back` that they have not."""
    visible = Participant.objects.filter(project__in=Project.objects.visible_to(request.user))
    found = get_object_or_404(visible.select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.manage_project", found):
        raise PermissionDenied
    if "back" in request.POST:
        reinstate(found)
        messages.success(request, f"{found.code} takes part again.")
    else:
        held = withdraw(found)
        frozen = (
            f" {held} frozen snapshot{'s hold' if held != 1 else ' holds'} their sessions and says so now."
            if held
            else ""
        )
        messages.success(request, f"{found.code} has withdrawn: new snapshots leave their sessions out.{frozen}")
    session = MixingSession.objects.filter(seats__participant=found).order_by("number").first()
    return redirect(session or found.project)
