"""A file comes in, in chunks that may stop and go on at any byte, and becomes a recording of a session."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Greatest
from django.utils import timezone

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.launch import start_ingest
from annotation.models import Layer, MixingSession, Person, Project, Recording, Upload
from annotation.models.recording import facts_of, master_name

KEEP_PARTIAL = timedelta(days=3)
PIECE = 256 * 1024
TROUBLE = {"too-slow", "too-hungry", "disk-full", "stopped"}  # perhaps the machine's, and not the file's
SPARE_BYTES = 512 * 2**20  # what stays free on the disk
STATUS = {"incomplete": 409, "being-completed": 409, "completed": 409, "disk-full": 507}  # all others: 400
FULL = "The server's disk is full; what came so far is kept."
SUFFIXES = {".wav", ".rf64", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4"}


class UploadError(Exception):
    """Why a file can't come in, and how to mend it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def begin(
    project: Project,
    by: Person,
    name: str,
    size: int,
    *,
    title: str = "",
    session: MixingSession | None = None,
    fingerprint: str = "",
) -> Upload:
    """Open an upload of a file of a known size; an unfinished one of the same file goes on where it stopped.

    Which file is the same is told by `fingerprint`, the client's word for its content: two takes of one length often
    have one name and one size. Without it every upload is a new one.
    """
    expire()
    if size < 1:
        raise UploadError("empty-file", "This file is empty. Check that the recording was saved, then choose it again.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES / 2**30
        raise UploadError("too-large", f"This file has {size / 2**30:.1f} GB; at most {limit:.0f} GB can come in.")
    Path(settings.UPLOADS_ROOT).mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.UPLOADS_ROOT).free < size + SPARE_BYTES:
        raise UploadError("disk-full", "There is no room for this file on the server's disk; ask its keeper for space.")
    facts: dict[str, Any] = {"name": name[:255], "size": size, "fingerprint": fingerprint[:80]}
    same = Upload.objects.unfinished().filter(by=by, project=project, session=session, **facts)
    going_on = same.order_by("-pk").first() if fingerprint else None
    if going_on and (going_on.path.exists() or not going_on.received):
        if title and title != going_on.title:
            going_on.title = title[:200]
            going_on.save(update_fields=["title"])
        return going_on
    return Upload.objects.create(by=by, project=project, session=session, title=title[:200], **facts)


def place_of(headers: Mapping[str, str]) -> tuple[int, int]:
    """Where a chunk begins and how long it is, by its request's headers."""
    told = [headers.get(name) or "" for name in ("Upload-Offset", "Content-Length")]
    if not all(number.isdecimal() and len(number) < 19 for number in told):
        raise UploadError(
            "bad-chunk", "Say in Upload-Offset where the chunk begins, and in Content-Length how long it is."
        )
    offset, length = map(int, told)
    if length > settings.UPLOAD_CHUNK_BYTES:
        raise UploadError("bad-chunk", f"Send at most {settings.UPLOAD_CHUNK_BYTES} bytes at once.")
    return offset, length


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
    try:
        whole = _write(upload.path, offset, length, body)
    except OSError as error:
        raise UploadError("disk-full", FULL) from error
    if not whole:
        return False
    rows = Upload.objects.filter(pk=upload.pk, received=offset)
    added = rows.update(received=offset + length, touched_at=timezone.now()) == 1
    now = Upload.objects.filter(pk=upload.pk).values_list("received", flat=True).first()
    if now is None:
        upload.path.unlink(missing_ok=True)
        raise UploadError("given-up", "This upload was given up; choose the file again.")
    upload.received = now
    return added


def _write(path: Path, offset: int, length: int, body: Body) -> bool:
    """Put bytes safely on the disk; False when the body breaks off."""
    with path.open("r+b") as file:
        file.seek(offset)
        left = length
        while left and (piece := body.read(min(PIECE, left))):
            file.write(piece)
            left -= len(piece)
        file.flush()
        os.fsync(file.fileno())
    return not left


def finish(upload: Upload) -> Recording:
    """Turn a complete upload into a recording, and queue what is made of it; a bad file leaves no trace.

    Again, or by two at once: one recording, and the same answer.
    """
    if upload.received != upload.size:
        raise UploadError("incomplete", f"{upload.received} of {upload.size} bytes are here; send the rest first.")
    if not upload.claim_completion():
        made = Recording.objects.filter(uploads=upload).first()
        if made is None:
            raise UploadError("being-completed", "This file is being checked already; its session appears in a moment.")
        return made
    try:
        recording = add_recording(
            upload.path, upload.name, upload.project, upload.by, title=upload.title, session=upload.session, of=upload
        )
    except AudioError as error:
        if error.code in TROUBLE:
            upload.release_completion()
        else:
            discard(upload)
        raise UploadError(error.code, error.message) from error
    except OSError as error:
        upload.release_completion()
        raise UploadError("disk-full", FULL) from error
    except BaseException:
        upload.release_completion()
        raise
    upload.path.unlink(missing_ok=True)
    return recording


def discard(upload: Upload) -> None:
    """Forget an upload and its bytes."""
    upload.path.unlink(missing_ok=True)
    Upload.objects.filter(pk=upload.pk).delete()


def expire() -> None:
    """Forget uploads that nobody has gone on with for days, and bytes that no upload names."""
    until = timezone.now() - KEEP_PARTIAL
    for upload in Upload.objects.filter(touched_at__lt=until)[:50]:
        discard(upload)
    for part in Path(settings.UPLOADS_ROOT).glob("*.part"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < until.timestamp():
                part.unlink()


def add_recording(
    path: Path,
    name: str,
    project: Project,
    by: Person | None,
    *,
    title: str = "",
    session: MixingSession | None = None,
    kind: str = Recording.Kind.MIXED,
    of: Upload | None = None,
) -> Recording:
    """Probe a file in a limited child, keep it as a master under a name of ours, and queue its jobs.

    Without a session, a new one is opened. Raises AudioError for a file that can't be a recording: then nothing of
    it stays here but the file itself. The file of an upload is given a second name instead of being copied.
    """
    with ThreadPoolExecutor(1) as beside:  # a gigabyte is hashed while the child looks at it
        hashing = beside.submit(sha256_of, path)
        facts = facts_of(child.run("probe", {"path": str(path)}))
        digest = hashing.result()
    suffix = Path(name).suffix.lower()
    master = master_name(suffix if suffix in SUFFIXES else "")
    target = Path(settings.MEDIA_ROOT) / master
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _keep(path, target, linked=of is not None)
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
            MixingSession.objects.filter(pk=session.pk).update(length_ms=Greatest("length_ms", recording.length_ms))
            if of is not None and not Upload.objects.unfinished().filter(pk=of.pk).update(recording=recording):
                raise UploadError("completed", "This upload has become a recording meanwhile; look at the project.")
            start_ingest(recording, by)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return recording


def _keep(path: Path, target: Path, *, linked: bool) -> None:
    """Give the file its lasting place; until the row is written, its old name holds it too."""
    if linked:
        try:
            os.link(path, target)
        except OSError:  # a file system without links
            pass
        else:
            return
    shutil.copyfile(path, target)


def sha256_of(path: Path) -> str:
    """A file's hash, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def forget_session(session: MixingSession) -> bool:
    """Delete a session with its masters and all that was made of them; False when somebody has a layer of it."""
    with transaction.atomic():
        MixingSession.objects.select_for_update().get(pk=session.pk)  # who starts a layer waits here
        if session.layers.filter(kind=Layer.Kind.HUMAN).exists():
            return False
        gone = _files_of(session)
        session.delete()
    _remove(gone)
    return True


def _files_of(session: MixingSession) -> list[Path]:
    folders = [recording.derived_folder() for recording in session.recordings.all()]
    masters = [recording.path for recording in session.recordings.all()]
    parts = [upload.path for upload in session.uploads.all()]
    return [*folders, *masters, *parts]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
