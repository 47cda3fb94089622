"""The workbench, and a layer's way through review."""

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from annotation import playback
from annotation.forms import ReviewForm
from annotation.launch import drafter
from annotation.models import Layer
from mixassist_site.http import MemberRequest

LATER = ("workbench/history", "workbench/key-sheet", "workbench/tap-trainer")  # modules that no page needs at once


def _layer(request: MemberRequest, pk: int) -> Layer:
    visible = Layer.objects.visible_to(request.user).select_related("session__project", "owner")
    return get_object_or_404(visible, pk=pk)


@require_safe
@gzip_page  # sixty modules are named in it twice
def layer(request: MemberRequest, pk: int) -> HttpResponse:
    """The workbench with one layer."""
    found = _layer(request, pk)
    return _page(request, found, ReviewForm(initial={"seen": found.revision}))


def _page(request: MemberRequest, found: Layer, form: ReviewForm) -> HttpResponse:
    may_review = (
        found.state == Layer.State.SUBMITTED
        and found.owner_id != request.user.pk
        and request.user.has_perm("annotation.review_layer", found)
    )
    context = {
        "layer": found,
        "session": found.session,
        "project": found.session.project,
        "document_url": reverse("api-layer-document", args=[found.pk]) + "?form=packed",
        "playback_url": reverse("api-session-playback", args=[found.session_id]),
        "edits_url": reverse("api-layer-edits", args=[found.pk]),
        "outline": playback.outline_of(found.session),
        "later": LATER,
        "editable": found.is_editable_by(request.user),
        "keys": json.dumps(request.user.keys),
        "drafts": found.is_editable_by(request.user) and drafter() is not None,
        "review_form": form if may_review else None,
        "last_review": found.reviews.select_related("reviewer").first(),
    }
    return render(request, "annotation/layer.html", context, status=400 if form.errors else 200)


@require_POST
def submission(request: MemberRequest, pk: int) -> HttpResponse:
    """Hand one's layer to the reviewers."""
    found = _layer(request, pk)
    if found.owner_id != request.user.pk or found.kind != Layer.Kind.HUMAN:
        raise PermissionDenied
    if found.submit():
        messages.success(request, "The layer is with the reviewers now.")
    return redirect(found)


@require_POST
def review(request: MemberRequest, pk: int) -> HttpResponse:
    """Accept a layer that somebody else submitted, or return it."""
    found = _layer(request, pk)
    if found.owner_id == request.user.pk or not request.user.has_perm("annotation.review_layer", found):
        raise PermissionDenied
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    verdict, note, seen = (form.cleaned_data[name] for name in ("verdict", "note", "seen"))
    if found.review(request.user, verdict, note, seen=seen):
        messages.success(request, "Accepted." if verdict == "accept" else "Returned to its owner.")
    elif Layer.objects.awaiting_review().filter(pk=found.pk).exists():
        messages.error(request, "This layer has changed since you opened it; look at it again.")
    else:
        messages.error(request, "This layer does not wait for a review any more.")
    return redirect(found)
