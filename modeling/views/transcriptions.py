"""A session's transcriptions: those that were made, and a new one."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from annotation.models import MixingSession
from mixassist_site.http import MemberRequest, page_of
from modeling import launch
from modeling.forms import TranscriptionForm


@require_http_methods(["GET", "HEAD", "POST"])
def transcriptions(request: MemberRequest, pk: int) -> HttpResponse:
    """The transcriptions of a session; POST queues one."""
    session = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    may_start = request.user.has_perm("modeling.transcribe", session)
    if request.method == "POST":
        if not may_start:
            raise PermissionDenied
        form = TranscriptionForm(request.POST, session=session)
        if form.is_valid():
            try:
                return redirect(launch.start_transcription(by=request.user, **form.cleaned_data))
            except launch.LaunchError as error:
                form.add_error(None, error.message)
    else:
        form = TranscriptionForm(session=session)
    rows = session.transcriptions.select_related("recording", "layer").order_by("-pk")
    context = {
        "session": session,
        "project": session.project,
        "page": page_of(request, rows),
        "form": form,
        "model": settings.TRANSCRIBE_MODEL,
        "has_recording": form.fields["recording"].queryset.exists(),  # type: ignore[attr-defined]
        "may_start": may_start,
        "may_steer": request.user.has_perm("modeling.steer_job", session),
    }
    return render(request, "modeling/transcriptions.html", context, status=400 if form.errors else 200)
