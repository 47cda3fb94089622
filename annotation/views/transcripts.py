"""A transcript comes in: what would come of it, who is whom in it, the layer that it becomes; and a layer goes out."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import bringing
from annotation.exporting import EXPORTERS
from annotation.forms import MappingForm, ProposalForm, TranscriptForm
from annotation.importing import Repair, TranscriptError
from annotation.launch import start_proposal
from annotation.models import Layer, MixingSession, Transcript
from annotation.sending import file_of, offers_for
from annotation.views.sessions import session_page
from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import JobError


@require_POST
def transcripts(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep a transcript, and go on to what would come of it."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    form = TranscriptForm(request.POST, request.FILES)
    if form.is_valid():
        file, format = form.cleaned_data["file"], form.cleaned_data["format"] or None
        try:
            return redirect(
                bringing.keep_transcript(found, file.name or "", file.chunks(), format=format, by=request.user)
            )
        except TranscriptError as error:
            form.add_error("file", error.message)
    return session_page(request, found, transcript_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def transcript(request: MemberRequest, uid: str) -> HttpResponse:
    """What would come of a transcript; POST keeps the lanes that were chosen, and with `make` makes the layer."""
    found = _transcript(request, uid)
    if found.layer is not None:
        return redirect("layer-report", found.layer.pk)
    try:
        outlook = bringing.outlook(found)
    except TranscriptError as error:
        messages.error(request, error.message)
        return redirect(found.session)
    if request.method != "POST":
        return _outlook_page(request, found, outlook, MappingForm(outlook.survey.speakers, lanes=outlook.lanes))
    form = MappingForm(outlook.survey.speakers, request.POST)
    if not form.is_valid():
        return _outlook_page(request, found, outlook, form)
    found.lanes = form.lanes()
    found.save(update_fields=["lanes"])
    if "make" not in request.POST:
        return redirect(found)
    try:
        layer = bringing.make_layer(found, found.lanes, by=request.user)
    except TranscriptError as error:
        form.add_error(None, error.message)
        return _outlook_page(request, found, outlook, form)
    messages.success(request, f"The transcript is here as a layer with {layer.segments.count()} segments.")
    return redirect("layer-report", layer.pk)


def _transcript(request: MemberRequest, uid: str) -> Transcript:
    visible = Transcript.objects.visible_to(request.user).select_related("session__project", "layer")
    found = get_object_or_404(visible, uid=uid)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    return found


def _outlook_page(
    request: MemberRequest, found: Transcript, outlook: bringing.Outlook, form: MappingForm
) -> HttpResponse:
    told = [("Mended", each) for each in outlook.imported.repaired] + [("Lost", each) for each in outlook.imported.lost]
    context = {
        "transcript": found,
        "session": found.session,
        "project": found.project,
        "outlook": outlook,
        "survey": outlook.survey,
        "form": form,
        "rows": list(zip(outlook.survey.speakers, form.visible_fields(), strict=True)),
        "lanes": outlook.imported.lanes(),
        "coming": len(outlook.imported.rows.segments),
        "page": page_of(request, told),
        "repaired": _kinds(outlook.imported.repaired),
        "lost": _kinds(outlook.imported.lost),
    }
    return render(request, "annotation/transcript.html", context, status=400 if form.errors else 200)


@require_POST
def removal(request: MemberRequest, uid: str) -> HttpResponse:
    """Forget a transcript that is no layer yet."""
    found = _transcript(request, uid)
    if bringing.drop_transcript(found):
        messages.success(request, f"{found.name} is gone; nothing has come of it.")
    else:
        messages.error(request, f"{found.name} is a layer already; it stays.")
    return redirect(found.session)


TOLD = (("repaired", "mended"), ("lost", "lost"), ("doubtful", "doubtful"))


@require_safe
def report(request: MemberRequest, pk: int) -> HttpResponse:
    """What a layer was made of, and what was mended and lost on the way."""
    visible = Layer.objects.visible_to(request.user).select_related("session__project", "owner")
    found = get_object_or_404(visible, pk=pk)
    told = [(word.capitalize(), each) for name, word in TOLD for each in found.report.get(name, [])]
    context = {
        "layer": found,
        "session": found.session,
        "project": found.project,
        "lanes": found.report.get("lanes", {}),
        "page": page_of(request, told),
        "counts": [(word, _kinds(found.report[name])) for name, word in TOLD if found.report.get(name)],
        "origin": _origin(found.provenance),
    }
    return render(request, "annotation/report.html", context)


def _kinds(told: list[Repair]) -> int:
    return len({each["what"] for each in told})


def _origin(provenance: dict[str, object]) -> list[tuple[str, object]]:
    """What is known of a layer's making, in the order in which it was written, without what holds nothing."""
    return [(name.replace("_", " ").capitalize(), value) for name, value in provenance.items() if value not in ("", {})]


@require_safe
def export(request: MemberRequest, pk: int) -> HttpResponse:
    """The formats in which a layer can be taken along, with what each loses; with `?format=`, the file."""
    visible = Layer.objects.visible_to(request.user).select_related("session__project", "owner")
    found = get_object_or_404(visible, pk=pk)
    format = request.GET.get("format", "")
    if format in EXPORTERS:
        return file_of(found, format)
    context = {
        "layer": found,
        "session": found.session,
        "project": found.session.project,
        "offers": offers_for(found),
        "wrong": format,
    }
    return render(request, "annotation/export.html", context, status=400 if format else 200)


@require_POST
def proposals(request: MemberRequest, pk: int) -> HttpResponse:
    """Lay out from two microphones who speaks when."""
    found = get_object_or_404(MixingSession.objects.visible_to(request.user).select_related("project"), pk=pk)
    if not request.user.has_perm("annotation.add_session", found):
        raise PermissionDenied
    form = ProposalForm(request.POST, recordings=list(found.recordings.all()))
    if form.is_valid():
        try:
            start_proposal(found, *form.chosen(), by=request.user)
        except JobError as error:
            form.add_error(None, error.message)
        else:
            return redirect(found)
    return session_page(request, found, proposal_form=form)
