"""What a worker tells of itself at each beat, and what is shown of all; GPUs by nvidia-smi, never by torch."""

import logging
import os
import socket
import subprocess
import threading
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from annotation.models import Membership, Person, Role
from mixassist_site.child import REST
from mixassist_site.jobs import QUEUES, Job, State, kinds
from modeling.models import Worker

log = logging.getLogger(__name__)
SHOWN_JOBS = 200
SMI = ["nvidia-smi", "--query-gpu=name,memory.total,memory.used", "--format=csv,noheader,nounits"]


def name_of_this() -> str:
    """Host and process, with which the leases of this worker begin."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


def gpus() -> list[dict[str, Any]]:
    """Each GPU of this machine with its memory in MB; none where nvidia-smi is not there or does not answer."""
    try:
        told = subprocess.run(SMI, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in told.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 3 and cells[1].isdecimal() and cells[2].isdecimal():
            found.append({"name": cells[0][:80], "total_mb": int(cells[1]), "used_mb": int(cells[2])})
    return found[:64]


def tell(queues: list[str]) -> None:
    """Write this worker's row."""
    now = timezone.now()
    told = {"queues": queues, "gpus": gpus(), "keeps": REST.label[:200], "seen_at": now}
    Worker.objects.update_or_create(name=name_of_this(), defaults=told, create_defaults=told | {"started_at": now})


class Heart(threading.Thread):
    """A worker's own thread that tells of it, every JOB_HEARTBEAT_SECONDS, until it ends."""

    def __init__(self, queues: list[str]) -> None:
        super().__init__(name="heart", daemon=True)
        self.queues = queues
        self._over = threading.Event()

    def run(self) -> None:
        """Tell at once, and then at each beat; the row goes at the end."""
        try:
            Worker.objects.long_gone().delete()
        except Exception:
            log.exception("old workers could not be forgotten")
        while True:
            try:
                tell(self.queues)
            except Exception:  # the database may be away for a moment
                log.warning("this worker could not tell of itself", exc_info=True)
                connection.close()
            if self._over.wait(settings.JOB_HEARTBEAT_SECONDS):
                break
        try:
            Worker.objects.filter(name=name_of_this()).delete()
        finally:
            connection.close()

    def stop(self) -> None:
        """Take the row away and end."""
        self._over.set()
        self.join(timeout=10)


def may_look(person: Person) -> bool:
    """Whoever keeps the site, or administers a project of it."""
    return bool(person.is_superuser or Membership.objects.filter(person=person, role=Role.ADMIN).exists())


def running(person: Person) -> list[dict[str, Any]]:
    """What runs now, with the worker that holds it; of other people's projects, only that something does."""
    found = []
    for word, model in kinds().items():
        rows: Any = model._default_manager
        mine = set(rows.visible_to(person).filter(state=State.RUNNING).values_list("pk", flat=True)[:SHOWN_JOBS])
        for job in rows.filter(state=State.RUNNING).order_by("started_at")[:SHOWN_JOBS]:
            found.append(_line(word, job, job.pk in mine))
    return found


def _line(word: str, job: Job, is_mine: bool) -> dict[str, Any]:
    return {
        "kind": word,
        "queue": job.queue,
        "worker": job.lease_owner.rpartition(":")[0],
        "job": job.pk if is_mine else None,
        "url": job.get_absolute_url() if is_mine else "",  # type: ignore[attr-defined]
        "done": job.done,
        "total": job.total,
        "note": job.note if is_mine else "",
        "since": job.started_at,
    }


def queues() -> list[dict[str, Any]]:
    """How many jobs wait and run on each queue."""
    return [
        {"name": name, "waiting": _count(name, State.QUEUED), "running": _count(name, State.RUNNING)} for name in QUEUES
    ]


def _count(queue: str, state: State) -> int:
    return sum(model.on([queue]).filter(state=state).count() for model in kinds().values())
