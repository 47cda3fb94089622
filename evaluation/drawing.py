"""Has a report's figure drawn by a child process: the web process never pays for matplotlib's memory."""

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from evaluation.reports import StudyReport

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 60


class DrawingFailed(Exception):
    """The child that draws ended without a figure; the log has its last words."""


def svg(report: "StudyReport") -> bytes:
    """The figure of a report; the last few are kept, by what they were drawn from."""
    return _drawn(json.dumps(asdict(report), sort_keys=True))


@lru_cache(maxsize=16)
def _drawn(report: str) -> bytes:
    command = [sys.executable, "-m", "evaluation.figures"]
    child = subprocess.run(
        command, cwd=settings.BASE_DIR, input=report.encode(), capture_output=True, timeout=PATIENCE_SECONDS
    )
    if child.returncode:
        log.error("the figure was not drawn: %s", child.stderr.decode(errors="replace")[-2000:])
        raise DrawingFailed
    return child.stdout
