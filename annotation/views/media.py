"""Bytes of a session for the workbench: tiles of the waveform and the playback proxy; never the master."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.audio.errors import AudioError
from annotation.audio.tiles import read_tile
from annotation.media import send
from annotation.models import Derived, Recording
from mixassist_site.http import MemberRequest


def _derived(request: MemberRequest, pk: int, kind: str, digest: str) -> Derived:
    visible = Recording.objects.visible_to(request.user)
    return get_object_or_404(Derived, recording__in=visible, recording_id=pk, kind=kind, digest=digest)


@require_safe
def peaks_tile(request: MemberRequest, pk: int, digest: str, level: int, tile: int) -> HttpResponse:
    """One tile of a waveform; its address names the hash, so it never changes."""
    peaks = _derived(request, pk, Derived.Kind.PEAKS, digest)
    levels = peaks.facts["levels"]
    if level >= len(levels) or tile * peaks.facts["tile_points"] >= levels[level]:
        raise Http404
    try:
        content = read_tile(peaks.full_path, level, tile)
    except (AudioError, OSError):
        raise Http404 from None
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Cache-Control"] = "private, max-age=31536000, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
def proxy(request: MemberRequest, pk: int, digest: str) -> HttpResponseBase:
    """The audio that the workbench plays."""
    made = _derived(request, pk, Derived.Kind.PROXY, digest)
    if not made.full_path.is_file():
        raise Http404
    return send(request, made.full_path, "audio/mp4", etag=digest[:32], immutable=True)
