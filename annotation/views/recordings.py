"""A recording's place in its session."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotation.forms import PlacementForm
from annotation.launch import start_making
from annotation.models import Derived, Layer, Recording
from annotation.views.sessions import session_page
from mixassist_site.http import MemberRequest


@require_POST
def placement(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what a recording holds, and when in the session it begins."""
    visible = Recording.objects.visible_to(request.user).select_related("session__project")
    found = get_object_or_404(visible, pk=pk)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    form = PlacementForm(request.POST)
    if not form.is_valid():
        return session_page(request, found.session, placed=(found.pk, form))
    kind, begins = form.cleaned_data["kind"], form.cleaned_data["begins"]
    moved, other = begins != found.offset_ms, kind != found.kind
    if found.place(kind, begins):
        if other:  # what counts as playback depends on what it holds
            start_making(found, Derived.Kind.LEVELS, request.user)
        messages.success(request, f"{found.name} has its place.")
    cut = Layer.objects.filter(session=found.session, segments__isnull=False).distinct().count()
    if moved and cut:
        layers = "A layer of this session holds" if cut == 1 else f"{cut} layers of this session hold"
        messages.warning(request, f"{layers} segments already: listen whether they still fit what is heard.")
    return redirect(found.session)
