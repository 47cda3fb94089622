"""A file comes in, in chunks that may stop and go on at any byte, and becomes a recording of a session."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.launch import start_ingest
from annotation.models import MixingSession, Person, Project, Recording, Upload
from annotation.models.recording import facts_of, master_name

KEEP_PARTIAL = timedelta(days=3)
PIECE = 256 * 1024
SPARE_BYTES = 512 * 2**20  # what stays free on the disk
SUFFIXES = {".wav", ".rf64", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4"}


class UploadError(Exception):
    """Why a file can't come in, and how to mend it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def begin(project: Project, by: Person, name: str, size: int, *, title: str = "", session: Any = None) -> Upload:
    """Open an upload of a file of a known size; an unfinished one of the same file goes on where it stopped."""
    expire()
    if size < 1:
        raise UploadError("empty-file", "This file is empty. Check that the recording was saved, then choose it again.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES / 2**30
        raise UploadError("too-large", f"This file has {size / 2**30:.1f} GB; at most {limit:.0f} GB can come in.")
    Path(settings.UPLOADS_ROOT).mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.UPLOADS_ROOT).free < size + SPARE_BYTES:
        raise UploadError("disk-full", "There is no room for this file on the server's disk; ask its keeper for space.")
    same = Upload.objects.filter(by=by, project=project, session=session, name=name[:255], size=size)
    going_on = same.order_by("-pk").first()
    if going_on and going_on.path.exists():
        if title and title != going_on.title:
            going_on.title = title[:200]
            going_on.save(update_fields=["title"])
        return going_on
    return Upload.objects.create(by=by, project=project, session=session, name=name[:255], size=size, title=title[:200])


class Body(Protocol):
    """What bytes can be read from: a request, a file."""

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""


def append(upload: Upload, offset: int, length: int, body: Body) -> bool:
    """Add bytes at an offset; False, with nothing kept, when they don't follow what is here or break off.

    They are written piece by piece as they come, so a chunk never lies in memory; the row counts them once all are
    safely on the disk.
    """
    if offset != upload.received or length < 1 or offset + length > upload.size:
        return False
    upload.path.parent.mkdir(parents=True, exist_ok=True)
    upload.path.touch(mode=0o600)
    with upload.path.open("r+b") as file:
        file.seek(offset)
        left = length
        while left and (piece := body.read(min(PIECE, left))):
            file.write(piece)
            left -= len(piece)
        file.flush()
        os.fsync(file.fileno())
    if left:
        return False
    rows = Upload.objects.filter(pk=upload.pk, received=offset)
    added = rows.update(received=offset + length, touched_at=timezone.now()) == 1
    upload.refresh_from_db(fields=["received"])
    return added


def finish(upload: Upload) -> Recording:
    """Turn a complete upload into a recording, and queue what is made of it; a bad file leaves no trace."""
    if upload.received != upload.size:
        raise UploadError("incomplete", f"{upload.received} of {upload.size} bytes are here; send the rest first.")
    try:
        recording = add_recording(
            upload.path, upload.name, upload.project, upload.by, title=upload.title, session=upload.session, move=True
        )
    except AudioError as error:
        discard(upload)
        raise UploadError(error.code, error.message) from error
    Upload.objects.filter(pk=upload.pk).delete()
    return recording


def discard(upload: Upload) -> None:
    """Forget an upload and its bytes."""
    upload.path.unlink(missing_ok=True)
    Upload.objects.filter(pk=upload.pk).delete()


def expire() -> None:
    """Forget uploads that nobody has gone on with for days."""
    for upload in Upload.objects.filter(touched_at__lt=timezone.now() - KEEP_PARTIAL)[:50]:
        discard(upload)


def add_recording(
    path: Path,
    name: str,
    project: Project,
    by: Person | None,
    *,
    title: str = "",
    session: MixingSession | None = None,
    kind: str = Recording.Kind.MIXED,
    move: bool = False,
) -> Recording:
    """Probe a file in a limited child, keep it as a master under a name of ours, and queue its jobs.

    Without a session, a new one is opened. Raises AudioError for a file that can't be a recording: then nothing of
    it stays here but the file itself.
    """
    facts = facts_of(child.run("probe", {"path": str(path)}))
    digest = sha256_of(path)
    suffix = Path(name).suffix.lower()
    master = master_name(suffix if suffix in SUFFIXES else "")
    target = Path(settings.MEDIA_ROOT) / master
    target.parent.mkdir(parents=True, exist_ok=True)
    if move:
        path.replace(target)
    else:
        shutil.copyfile(path, target)
    try:
        with transaction.atomic():
            if session is None:
                session = MixingSession.open(project, title.strip() or Path(name).stem[:200] or "Session", by)
            recording = Recording.objects.create(
                session=session,
                kind=kind,
                name=name[:255],
                master=master,
                sha256=digest,
                size=target.stat().st_size,
                **facts,
            )
            longest = session.recordings.aggregate(end=Max("length_ms"))["end"] or 0
            MixingSession.objects.filter(pk=session.pk).update(length_ms=max(longest, session.length_ms))
            start_ingest(recording, by)
    except BaseException:
        if move:
            target.replace(path)
        else:
            target.unlink(missing_ok=True)
        raise
    return recording


def sha256_of(path: Path) -> str:
    """A file's hash, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def forget_session(session: MixingSession) -> None:
    """Delete a session with its masters and all that was made of them; its layers must be gone or only imports."""
    folders = [recording.derived_folder() for recording in session.recordings.all()]
    masters = [recording.path for recording in session.recordings.all()]
    session.delete()
    _remove([*folders, *masters])


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
