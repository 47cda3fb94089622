"""A recording comes in from the browser, chunk by chunk; without JavaScript, as one form."""

import io
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from annotation import uploading
from annotation.forms import UploadForm
from annotation.models import MixingSession, Project, Upload
from annotation.uploading import STATUS, UploadError
from mixassist_site.http import MemberRequest


def _refusal(error: UploadError, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": error.code, "message": error.message}, status=status)


def _told(upload: Upload) -> dict[str, Any]:
    return {
        "uid": str(upload.uid),
        "received": upload.received,
        "size": upload.size,
        "chunk_bytes": settings.UPLOAD_CHUNK_BYTES,
        "url": reverse("upload", args=[upload.uid]),
        "completion_url": reverse("upload-completion", args=[upload.uid]),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def uploads(request: MemberRequest, slug: str) -> HttpResponse:
    """The page that takes recordings; POST with name and size opens an upload, POST with a file is the whole of it."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.add_session", project):
        raise PermissionDenied
    if request.method != "POST":
        waiting = Upload.objects.visible_to(request.user).unfinished().filter(project=project).order_by("-pk")[:20]
        session = _session(request.GET.get("session", ""), project)
        context = {"project": project, "session": session, "waiting": waiting, "max_bytes": settings.UPLOAD_MAX_BYTES}
        return render(request, "annotation/uploads.html", context)
    try:
        upload = _begin(request, project)
        if "file" in request.FILES:
            return _whole(request, upload)
    except UploadError as error:
        if request.headers.get("Accept", "").startswith("application/json"):
            return _refusal(error)
        messages.error(request, error.message)
        return redirect("uploads", slug=slug)
    return JsonResponse(_told(upload), status=201)


def _session(number: str, project: Project) -> MixingSession | None:
    """The session that the recording is to join; none where a new one is to be opened."""
    if not number:
        return None
    if not number.isdecimal() or len(number) > 18:
        raise Http404
    return get_object_or_404(project.sessions, pk=int(number))


def _begin(request: MemberRequest, project: Project) -> Upload:
    """The upload that the form opens; a file that comes with it brings its own name and size."""
    data = request.POST.copy()
    if file := request.FILES.get("file"):
        data["name"], data["size"] = file.name or "", str(file.size or 0)
    data["name"] = data.get("name", "").replace("\x00", "")[:255]  # a name of whatever machine, to show and no more
    form = UploadForm(data, project=project)
    if not form.is_valid():
        raise UploadError("bad-form", form.sentence)
    told = form.cleaned_data
    more = {name: told[name] for name in ("title", "session", "fingerprint")}
    return uploading.begin(project, request.user, told["name"], told["size"], **more)


def _whole(request: MemberRequest, upload: Upload) -> HttpResponse:
    """A file that came as one form: stream it through the same door."""
    file = request.FILES["file"]
    assert isinstance(file, UploadedFile)
    try:
        for chunk in file.chunks(settings.UPLOAD_CHUNK_BYTES):
            uploading.append(upload, upload.received, len(chunk), io.BytesIO(chunk))
        recording = uploading.finish(upload)
    except OSError as error:
        uploading.discard(upload)
        raise UploadError("disk-full", "The server's disk is full; ask its keeper for space.") from error
    return redirect(recording.session)


@require_http_methods(["GET", "HEAD", "PUT", "DELETE"])
def upload(request: MemberRequest, uid: str) -> HttpResponse:
    """Where an upload stands; PUT adds a chunk at `Upload-Offset`, DELETE gives it up."""
    found = get_object_or_404(Upload.objects.visible_to(request.user), uid=uid)
    if request.method == "DELETE":
        uploading.discard(found)
        return HttpResponse(status=204)
    if request.method != "PUT":
        return JsonResponse(_told(found))
    try:
        added = uploading.append(found, *uploading.place_of(request.headers), request)
    except UploadError as error:
        return _refusal(error, status=STATUS.get(error.code, 400))
    return JsonResponse(_told(found), status=200 if added else 409)


@require_POST
def completion(request: MemberRequest, uid: str) -> HttpResponse:
    """All bytes are here: make them a recording, or say why they can't be one."""
    found = get_object_or_404(Upload.objects.visible_to(request.user), uid=uid)
    if not request.user.has_perm("annotation.add_session", found.project):
        raise PermissionDenied
    try:
        recording = uploading.finish(found)
    except UploadError as error:
        return _refusal(error, status=STATUS.get(error.code, 400))
    return JsonResponse({"session": recording.session_id, "url": recording.session.get_absolute_url()}, status=201)
