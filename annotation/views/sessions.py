"""A session: its recordings, its layers, and the ways to a layer."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation import editing, uploading
from annotation.forms import LayerForm, PlacementForm, ProposalForm, SongForm, TranscriptForm
from annotation.models import Ingest, Layer, MixingSession, MixTrack, Recording, Transcript
from mixassist_site.http import MemberRequest, page_of


@require_safe
def session(request: MemberRequest, pk: int) -> HttpResponse:
    """The session's page."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    return session_page(request, found)


def session_page(
    request: MemberRequest,
    found: MixingSession,
    *,
    transcript_form: TranscriptForm | None = None,
    placed: tuple[int, PlacementForm] | None = None,
    proposal_form: ProposalForm | None = None,
) -> HttpResponse:
    """The session's page, with a form that needs mending where there is one; `placed` names its recording."""
    transcript_form = transcript_form or TranscriptForm()
    recordings = list(found.recordings.all())
    proposal_form = proposal_form or ProposalForm(recordings=recordings)
    visible = Layer.objects.visible_to(request.user).for_session(found)
    counted = (
        visible.select_related("owner")
        .defer("report", "provenance")
        .order_by("pk")
        .annotate(
            segment_count=Count("segments", distinct=True),
            turn_count=Count("turns", distinct=True),
            conversation_count=Count("conversations", distinct=True),
        )
    )
    may_add = request.user.has_perm("annotation.add_session", found)
    jobs = Ingest.objects.filter(recording__session=found).select_related("recording").order_by("pk")
    own = visible.filter(owner=request.user, kind=Layer.Kind.HUMAN).first()
    context = {
        "session": found,
        "project": found.project,
        "recordings": [(each, _placement_of(each, placed)) for each in recordings],
        "jobs": jobs,
        "proposal_form": proposal_form,
        "proposals": found.lane_proposals.select_related("session", "layer").order_by("-pk")[:3],
        "page": page_of(request, counted),
        "own": own,
        "layer_form": LayerForm(visible=visible),
        "transcript_form": transcript_form,
        "waiting": Transcript.objects.visible_to(request.user).waiting().filter(session=found) if may_add else (),
        "seats": found.seats.select_related("participant").order_by("role", "participant__code"),
        **_tracks_of(request, found),
        "may_add": may_add,
        "may_steer": request.user.has_perm("annotation.manage_project", found),
    }
    wrong = transcript_form.errors or placed or proposal_form.errors
    return render(request, "annotation/session.html", context, status=400 if wrong else 200)


def _tracks_of(request: MemberRequest, found: MixingSession) -> dict[str, object]:
    """Track settings of the session's song, where the project has some of any."""
    if not MixTrack.objects.filter(project=found.project_id).exists():
        return {}
    page = Paginator(MixTrack.objects.beside(found), 25).get_page(request.GET.get("tracks"))
    return {"has_tracks": True, "tracks": page, "song_form": SongForm(session=found, initial={"song": found.song})}


@require_POST
def song(request: MemberRequest, pk: int) -> HttpResponse:
    """Say which song was mixed, so that its track settings stand beside the session."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    form = SongForm(request.POST, session=found)
    if form.is_valid():
        found.song = form.cleaned_data["song"]
        found.save(update_fields=["song"])
    else:
        messages.error(request, "Choose one of the songs whose track settings are here.")
    return redirect(found)


def _placement_of(recording: Recording, placed: tuple[int, PlacementForm] | None) -> PlacementForm:
    if placed and placed[0] == recording.pk:
        form = placed[1]
    else:
        begins = f"{recording.offset_ms / 1000:g}"
        form = PlacementForm(initial={"kind": recording.kind, "begins": begins})
    form.auto_id = f"id_{recording.pk}_%s"
    return form


@require_POST
def layers(request: MemberRequest, pk: int) -> HttpResponse:
    """Start one's own layer, empty or from one that is already here."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.annotate", found):
        raise PermissionDenied
    form = LayerForm(request.POST, visible=Layer.objects.visible_to(request.user).for_session(found))
    if not form.is_valid():
        messages.error(request, "Choose one of the layers that you can see, or an empty one.")
        return redirect(found)
    return redirect(editing.start_layer(found, request.user, form.cleaned_data["parent"]))


@require_POST
def removal(request: MemberRequest, pk: int) -> HttpResponse:
    """Delete a session that nobody has annotated."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    project = found.project
    if not uploading.forget_session(found):
        messages.error(request, "Somebody has annotated this session; it stays.")
        return redirect(found)
    messages.success(request, "The session is gone.")
    return redirect(project)
