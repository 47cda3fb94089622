"""Bytes of a session for the workbench: tiles of the waveform, the playback proxy, a moment's own samples."""

import gzip

from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from annotation import excerpts
from annotation.audio.errors import AudioError
from annotation.audio.tiles import picture_name, read_tile
from annotation.audio.timing import frames_at
from annotation.media import send
from annotation.models import Derived, Recording
from mixassist_site.http import MemberRequest


def _derived(request: MemberRequest, pk: int, kind: str, digest: str) -> Derived:
    visible = Recording.objects.visible_to(request.user)
    return get_object_or_404(Derived, recording__in=visible, recording_id=pk, kind=kind, digest=digest)


@require_safe
@gzip_page  # a third less, and much less where somebody is silent
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
    return _forever(content, "application/octet-stream")


def _forever(content: bytes, content_type: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
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


@require_safe
def levels(request: MemberRequest, pk: int, digest: str) -> HttpResponse:
    """How loud a recording is, and where it is silence, speech and playback: JSON that lies here compressed."""
    made = _derived(request, pk, Derived.Kind.LEVELS, digest)
    try:
        content = made.full_path.read_bytes()
    except OSError:
        raise Http404 from None
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    answer = _forever(content if packed else gzip.decompress(content), "application/json")
    if packed:
        answer["Content-Encoding"] = "gzip"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


@require_safe
def spectrogram_tile(request: MemberRequest, pk: int, digest: str, level: int, tile: int) -> HttpResponse:
    """One picture of a spectrogram."""
    painted = _derived(request, pk, Derived.Kind.SPECTROGRAM, digest)
    try:
        content = (painted.full_path / picture_name(level, tile)).read_bytes()
    except OSError:
        raise Http404 from None
    return _forever(content, "image/png")


@require_safe
def clip(request: MemberRequest, pk: int, digest: str, start_ms: int, end_ms: int) -> HttpResponse:
    """The samples of a moment as WAV, cut while one waits; the times are the recording's own, half-open."""
    recording = get_object_or_404(Recording.objects.visible_to(request.user), pk=pk)
    if digest != recording.clip_digest:
        raise Http404
    if not 0 < end_ms - start_ms <= excerpts.MOST_MS:
        return _refusal("bad-span", f"Ask for a clip that starts before it ends and lasts {_MOST} at most.", 400)
    start = frames_at(start_ms, recording.sample_rate)
    stop = min(frames_at(end_ms, recording.sample_rate), recording.frames)
    if start >= stop:
        raise Http404
    try:
        return _forever(excerpts.cut(recording, start, stop), "audio/wav")
    except excerpts.Busy:
        refusal = _refusal("busy", "Other clips are being cut just now. Ask for this one again in a moment.", 503)
        refusal["Retry-After"] = "2"
        return refusal
    except AudioError as error:
        return _refusal(error.code, error.message, 404 if error.code in excerpts.NOT_HERE else 422)


_MOST = f"{excerpts.MOST_MS // 1000} seconds"


def _refusal(code: str, message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": code, "message": message}, status=status)
