"""Build a release of a frozen snapshot, and have its snapshot's figures drawn."""

import logging
import shutil
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from threading import Lock

from django.conf import settings

from annotation.models import Release, Snapshot
from annotation.releases.options import Options, ReleaseError
from annotation.releases.packing import pack
from annotation.releases.write import Stopped, write
from annotation.snapshots.writer import sha256_of
from mixassist_site.jobs import JobError, JobStopped, Lease

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 120
_pencil = Lock()  # the figures of a page are asked for at once, and are drawn together


def about(snapshot: Snapshot) -> dict[str, str]:
    """Who made the data set, and on which day it was frozen: what its files don't say, the same for ever."""
    day = snapshot.finished_at or snapshot.created_at
    return {"creator": snapshot.project.name, "date": day.date().isoformat()}


def build_release(release: Release, lease: Lease) -> None:
    """Write and pack a release in a folder of this attempt, then publish it in one write."""
    home = Path(settings.RELEASES_ROOT) / str(release.pk)
    shutil.rmtree(home, ignore_errors=True)  # what an attempt left that a kill cut short
    folder = home / str(lease.fence) / release.download_name
    archive = folder.with_name(f"{folder.name}.zip")

    def step(done: int, total: int, note: str) -> None:
        if lease.should_stop():
            raise Stopped
        lease.report(done, total, note)

    try:
        snapshot, options = release.snapshot, Options(**release.options)
        made = write(snapshot.path, folder, options, about=about(snapshot), report=step, should_stop=lease.should_stop)
        pack(folder, archive, step)
        shutil.rmtree(folder)
        facts = {"rows": made["rows"], "clips": made["clips"], "files": len(made["files"]) + 1}
        facts |= {"clips_missing": len(made["clips_missing"])}
        named = {"file": str(archive.relative_to(settings.RELEASES_ROOT)), "size": archive.stat().st_size}
        with lease.publication(facts=facts, sha256=sha256_of(archive), **named):
            pass
    except BaseException as error:
        shutil.rmtree(home / str(lease.fence), ignore_errors=True)
        with suppress(OSError):
            home.rmdir()
        if isinstance(error, Stopped):
            raise JobStopped from error
        if isinstance(error, ReleaseError):
            raise JobError(error.code, error.message) from error
        if isinstance(error, ValueError):
            raise JobError("not-as-frozen", str(error)) from error
        raise


class DrawingFailed(Exception):
    """The child that draws ended without figures; the log has its last words."""


def drawn(snapshot: Snapshot, name: str) -> Path:
    """A file of a snapshot's figures, `topics.svg` say: drawn in a child when it is first asked for, then kept."""
    folder = Path(settings.FIGURES_ROOT) / f"{snapshot.pk}-{snapshot.content_hash[:16]}"
    with _pencil:
        if not folder.is_dir():
            _draw(snapshot, folder)
    return folder / name


def _draw(snapshot: Snapshot, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    part.mkdir(parents=True)
    try:
        command = [sys.executable, "-m", "annotation.releases.figures", str(snapshot.path), str(part)]
        child = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, timeout=PATIENCE_SECONDS)
        if child.returncode:
            log.error("figures were not drawn: %s", child.stderr.decode(errors="replace")[-2000:])
            raise DrawingFailed
        with suppress(OSError):  # another process was as quick
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
