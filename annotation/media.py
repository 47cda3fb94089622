"""Files for a browser: byte ranges from here, or handed to nginx by a setting."""

import re
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

BLOCK = 64 * 1024
_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")


def send(
    request: HttpRequest,
    path: Path,
    content_type: str,
    *,
    etag: str,
    immutable: bool = False,
    download_name: str | None = None,
) -> HttpResponseBase:
    """Answer GET or HEAD with a file or the range of it that was asked for (RFC 9110 §14).

    200 without a range, 206 with one that can be met, 416 with one that can't; several ranges at once and ranges
    under an `If-Range` that no longer holds give the whole file. The caller has checked the person's rights. With
    X_ACCEL_PREFIX set, a file under MIXASSIST_HOME or MEDIA_ROOT is named to nginx and its bytes are nginx's work.
    """
    size = path.stat().st_size
    tag = f'"{etag}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable" if immutable else "private, no-cache",
    }
    if download_name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(download_name)}"
    response: HttpResponseBase
    if (inside := _accelerated(path)) is not None:
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = inside
    elif _matches(request.headers.get("If-None-Match"), tag):
        response = HttpResponse(status=304)
    else:
        response = _answer(request, path, size, tag, content_type)
    for name, value in headers.items():
        response[name] = value
    return response


def _answer(request: HttpRequest, path: Path, size: int, tag: str, content_type: str) -> HttpResponseBase:
    asked = request.headers.get("Range")
    if asked and request.headers.get("If-Range", tag) not in (tag, formatdate(path.stat().st_mtime, usegmt=True)):
        asked = None
    span = _span(asked, size) if asked else None
    if span == "unmet":
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    if isinstance(span, tuple):
        first, last = span
        body = b"" if request.method == "HEAD" else _pieces(path, first, last)
        part = StreamingHttpResponse(body, status=206, content_type=content_type)
        part["Content-Range"] = f"bytes {first}-{last}/{size}"
        part["Content-Length"] = str(last - first + 1)
        return part
    if request.method == "HEAD":
        head = HttpResponse(content_type=content_type)
        head["Content-Length"] = str(size)
        return head
    whole = FileResponse(path.open("rb"), content_type=content_type)
    whole.block_size = BLOCK
    if "Content-Disposition" in whole:
        del whole["Content-Disposition"]  # the name on disk is ours alone
    return whole


def _span(asked: str, size: int) -> tuple[int, int] | str | None:
    """First and last byte; "unmet" for a range past the end; None where the header is to be ignored."""
    found = _RANGE.match(asked.strip())
    if not found or found.group(1) == found.group(2) == "":
        return None
    if found.group(1) == "":  # the last n bytes
        length = min(int(found.group(2)), size)
        return (size - length, size - 1) if length else "unmet"
    first = int(found.group(1))
    last = min(int(found.group(2)), size - 1) if found.group(2) else size - 1
    if found.group(2) and int(found.group(2)) < first:
        return None
    return (first, last) if first < size else "unmet"


def _pieces(path: Path, first: int, last: int) -> Iterator[bytes]:
    left = last - first + 1
    with path.open("rb") as file:
        file.seek(first)
        while left > 0 and (piece := file.read(min(BLOCK, left))):
            left -= len(piece)
            yield piece


def _matches(header: str | None, tag: str) -> bool:
    return header is not None and (header.strip() == "*" or tag in [each.strip() for each in header.split(",")])


def _accelerated(path: Path) -> str | None:
    """The address under which nginx knows this file; None where nginx isn't used or can't reach it."""
    prefix = settings.X_ACCEL_PREFIX
    if not prefix:
        return None
    for name, root in (("media", settings.MEDIA_ROOT), ("home", settings.MIXASSIST_HOME)):
        if path.resolve().is_relative_to(Path(root).resolve()):
            inside = path.resolve().relative_to(Path(root).resolve())
            return f"{prefix.rstrip('/')}/{name}/{quote(str(inside))}"
    return None
