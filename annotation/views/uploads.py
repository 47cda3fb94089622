"""A recording comes in from the browser, chunk by chunk; without JavaScript, as one form."""

import io
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from annotation import uploading
from annotation.models import MixingSession, Project, Upload
from annotation.uploading import UploadError
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
        context = {"project": project, "waiting": waiting, "max_bytes": settings.UPLOAD_MAX_BYTES}
        return render(request, "annotation/uploads.html", context)
    try:
        session = _session(request, project)
        title = request.POST.get("title", "")[:200]
        if "file" in request.FILES:
            return _whole(request, project, session, title)
        name, size = request.POST.get("name", "").strip(), request.POST.get("size", "")
        if not name or not size.isdecimal():
            raise UploadError("no-file", "Choose a recording first.")
        upload = uploading.begin(
            project,
            request.user,
            name,
            int(size),
            title=title,
            session=session,
            fingerprint=request.POST.get("fingerprint", ""),
        )
    except UploadError as error:
        if request.headers.get("Accept", "").startswith("application/json"):
            return _refusal(error)
        messages.error(request, error.message)
        return redirect("uploads", slug=slug)
    return JsonResponse(_told(upload), status=201)


def _session(request: MemberRequest, project: Project) -> MixingSession | None:
    """The session that the recording goes into; None for a new one."""
    pk = request.POST.get("session", "")
    if not pk:
        return None
    return get_object_or_404(project.sessions, pk=int(pk) if pk.isdecimal() else -1)


def _whole(request: MemberRequest, project: Project, session: MixingSession | None, title: str) -> HttpResponse:
    """A file that came as one form: stream it through the same door."""
    file = request.FILES["file"]
    assert isinstance(file, UploadedFile)
    upload = uploading.begin(project, request.user, file.name or "", file.size or 0, title=title, session=session)
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
    offset = request.headers.get("Upload-Offset", "")
    length = request.headers.get("Content-Length", "")
    if not offset.isdecimal() or not length.isdecimal() or int(length) > settings.UPLOAD_CHUNK_BYTES:
        limit = settings.UPLOAD_CHUNK_BYTES
        return _refusal(UploadError("bad-chunk", f"Send at most {limit} bytes, and say where they begin."))
    try:
        added = uploading.append(found, int(offset), int(length), request)
    except OSError:
        return _refusal(UploadError("disk-full", "The server's disk is full; what came so far is kept."), status=507)
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
        return _refusal(error, status=409 if error.code in ("incomplete", "being-completed") else 400)
    return JsonResponse({"session": recording.session_id, "url": recording.session.get_absolute_url()}, status=201)
