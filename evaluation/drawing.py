"""Has a report's figures drawn by a child process: no other process pays for matplotlib's memory."""

import json
import logging
import shutil
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from threading import Lock

from django.conf import settings

from evaluation.models import Analysis

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 120
_pencil = Lock()  # the figures of a page are asked for at once, and are drawn together


class DrawingFailed(Exception):
    """The child that draws ended without figures; the log has its last words."""


def folder_of(analysis: Analysis) -> Path:
    """Where the figures of a finished analysis lie: drawn when they are first asked for, then kept."""
    folder = analysis.folder
    with _pencil:
        if not folder.is_dir():
            _draw(analysis, folder)
    return folder


def _draw(analysis: Analysis, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    part.mkdir(parents=True)
    try:
        source = part / "result.json"
        source.write_text(json.dumps(analysis.result), encoding="utf-8")
        command = [sys.executable, "-m", "evaluation.figures", str(source), str(part)]
        child = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, timeout=PATIENCE_SECONDS)
        if child.returncode:
            log.error("figures were not drawn: %s", child.stderr.decode(errors="replace")[-2000:])
            raise DrawingFailed
        source.unlink()
        with suppress(OSError):  # another process was as quick
            part.rename(folder)
    except subprocess.TimeoutExpired:
        log.error("figures were not drawn within %s seconds", PATIENCE_SECONDS)
        raise DrawingFailed from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
