"""Jobs are rows: who may work one, for how long, and how it ends.

    queued ──claim──▶ running ──publication──▶ succeeded
      ▲ │               │ │ └──JobError──────▶ failed
      │ └──cancel──▶ cancelled ◀──stop─────────┘
      └──lease lost, child died (up to MAX_ATTEMPTS without progress)

The row is the truth; a Celery message only rings the bell. Every write after a claim names the fence it was
claimed under, so a worker that was thought dead and wakes up again changes nothing.
"""

import logging
import os
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
UNEXPECTED = "This job stopped on an error of ours; the log of the worker has the details. Try it again."
LOST = "The worker that ran this job died three times without getting further. Look at the worker's memory and log."
KILLED = "The process that did this work died three times without getting further; perhaps its memory ran out."


class State(models.TextChoices):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobError(Exception):
    """What went wrong in words that a person can act on; the job fails and is not tried again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ChildDied(Exception):
    """The child process ended without an answer (killed, out of memory); trying again may help."""


class JobStopped(Exception):
    """The job was asked to stop, and has."""


class LeaseLost(Exception):
    """Another worker holds this job now: write nothing more."""


QUEUES = ("cpu", "gpu")
J = TypeVar("J", bound="Job")


class JobQuerySet(models.QuerySet[J]):
    """Reads over one kind of job."""

    def claimable(self) -> Self:
        """Jobs that a worker may claim now; a kind whose jobs build on each other says more."""
        return self.filter(free())


def all_of(model: type[J]) -> JobQuerySet[J]:
    """Every job of a kind."""
    rows: JobQuerySet[J] = model._default_manager.all()  # type: ignore[assignment]
    return rows


def free() -> Q:
    """Match jobs that nobody holds: queued, or running under a lease that ran out."""
    return (Q(state=State.QUEUED) | lapsed()) & Q(attempt__lt=MAX_ATTEMPTS, cancel_requested=False)


def lapsed() -> Q:
    """Match jobs whose worker has not been heard of for the length of a lease."""
    return Q(state=State.RUNNING, lease_until__lt=timezone.now())


class Job(models.Model):
    """One piece of long work, held by at most one worker at a time."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the same form sent twice is one job
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    kind: ClassVar[str]  # the word in addresses and on the jobs page
    home: ClassVar[str] = "cpu"  # the queue of this kind
    doorbell: ClassVar[str]  # dotted name of the Celery task that answers for this kind

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["state", "created_at"])]

    def claim(self, worker: str) -> bool:
        """Take this job under a lease; False when another worker holds it."""
        lease = {"lease_owner": worker, "lease_until": lease_end(), "fence": F("fence") + 1}
        fresh = {"attempt": F("attempt") + 1, "started_at": timezone.now(), "finished_at": None}
        with transaction.atomic():  # a worker that sleeps between the two must not read its successor's fence
            one_at_a_time(self.kind)
            taken = self._rows().claimable().update(state=State.RUNNING, **lease, **fresh)
            if taken == 1:
                self.refresh_from_db()
        return taken == 1

    def request_cancel(self) -> bool:
        """Stop this job: at once while it waits, at its next safe point while it runs."""
        asked = self._rows().filter(state__in=[State.QUEUED, State.RUNNING]).update(cancel_requested=True)
        self._rows().filter(state=State.QUEUED, cancel_requested=True).update(**cancelled())
        return asked == 1

    def retry(self) -> bool:
        """Queue a failed or cancelled job again, with a fresh count of attempts."""
        ended = self._rows().filter(state__in=[State.FAILED, State.CANCELLED])
        cleared = {"error_code": "", "error_message": "", "cancel_requested": False, "finished_at": None, "note": ""}
        again = ended.update(attempt=0, **queued(), **cleared) == 1
        if again:
            transaction.on_commit(lambda: ring(self))
        return again

    @classmethod
    def on(cls, queues: Collection[str]) -> JobQuerySet[Self]:
        """The jobs of this kind that wait on these queues, or run there."""
        rows = all_of(cls)
        return rows if cls.home in queues else rows.none()

    @property
    def queue(self) -> str:
        """The queue whose workers do this job."""
        return self.home

    @property
    def is_over(self) -> bool:
        """Whether this job has ended, however it ended."""
        return self.state in (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    @property
    def percent(self) -> int | None:
        """Progress in whole per cent; None while the size of the work isn't known."""
        return min(100, self.done * 100 // self.total) if self.total else None

    def is_steered_by(self, person: Any) -> bool:
        """Whether this person may stop and repeat it: who runs its project, as whoever started it did."""
        return bool(person.has_perm("modeling.steer_job", self))

    def _rows(self) -> JobQuerySet[Self]:
        return all_of(type(self)).filter(pk=self.pk)


def one_at_a_time(kind: str) -> None:
    """Let the claims of a kind follow each other: whether a job may run can hang on another that is just being claimed.

    SQLite has one writer anyway; PostgreSQL would let two claims pass each other unseen.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(f"claim {kind}".encode())])


def queued() -> dict[str, Any]:
    """What a job is when it waits again."""
    return {"state": State.QUEUED, "lease_until": None, "lease_owner": ""}


def cancelled() -> dict[str, Any]:
    """What a job is once somebody has stopped it."""
    return {"state": State.CANCELLED, "finished_at": timezone.now(), "lease_until": None}


class Lease:
    """A worker's hold on one job: the only way to write to a job that runs."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.fence = job.fence
        self._gone = threading.Event()
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._reported = 0.0
        self._thread = threading.Thread(target=self._beat, name=f"lease-{job.kind}-{job.pk}", daemon=True)

    def held(self) -> models.QuerySet[Any]:
        """The job's row, as long as this lease holds it."""
        return self.job._rows().filter(state=State.RUNNING, fence=self.fence)

    def should_stop(self) -> bool:
        """Whether the work must end: cancelled, shut down, or lost to another worker."""
        return self._cancelled.is_set() or self._gone.is_set() or SHUTDOWN.is_set()

    def report(self, done: int, total: int, note: str = "", *, at_once: bool = False) -> None:
        """Write progress, every second at most; a lost lease raises LeaseLost."""
        if not at_once and time.monotonic() - self._reported < 1.0:
            return
        self._reported = time.monotonic()
        progress = {"done": max(0, done), "total": max(0, total), "note": note[:200]}
        if not self.held().update(lease_until=lease_end(), **progress):
            self._gone.set()
            raise LeaseLost
        self._look()

    def progressed(self) -> None:
        """Say that this attempt got further than those before it, so that a later crash starts a new count."""
        self.held().update(attempt=1)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write what the work has made so far; LeaseLost writes nothing."""
        with transaction.atomic():
            if not self.held().update(lease_until=lease_end()):
                self._gone.set()
                raise LeaseLost
            yield

    @contextmanager
    def publication(self, **fields: Any) -> Iterator[None]:
        """Write the results and the job's success as one; LeaseLost writes nothing."""
        with transaction.atomic():
            ended = {"state": State.SUCCEEDED, "finished_at": timezone.now(), "done": F("total"), "lease_until": None}
            if not self.held().update(**ended, **fields):
                raise LeaseLost
            yield

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keep the lease alive while the work goes on."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join(timeout=5)

    def _beat(self) -> None:
        try:
            while not self._over.wait(min(settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS / 3)):
                try:
                    if not self.held().update(lease_until=lease_end()):
                        self._gone.set()
                        return
                    self._look()
                except Exception:  # the database may be away for a moment: the lease decides
                    log.warning("lease of %s %s could not be renewed", self.job.kind, self.job.pk, exc_info=True)
                    close_old_connections()
        finally:
            connection.close()

    def _look(self) -> None:
        if self.held().filter(cancel_requested=True).exists():
            self._cancelled.set()


def lease_end() -> Any:
    """When a lease taken now runs out."""
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


SHUTDOWN = threading.Event()  # set when this worker is asked to end: work goes back to the queue
Work = Callable[[Any, Lease], None]
_work: dict[type[Job], Work] = {}


def works(model: type[J]) -> Callable[[Callable[[J, Lease], None]], Callable[[J], bool]]:
    """Name the function that works one kind of job; what is decorated becomes its `execute`."""

    def register(work: Callable[[J, Lease], None]) -> Callable[[J], bool]:
        _work[model] = work

        def execute_this(job: J) -> bool:
            return execute(job)

        execute_this.__doc__ = work.__doc__
        return execute_this

    return register


def kinds() -> dict[str, type[Job]]:
    """Every kind of job that the installed apps know, by its word."""
    return {model.kind: model for model in apps.get_models() if issubclass(model, Job)}


def worker_name() -> str:
    """A name for this worker that people can find: host, process, thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 10000}"[:80]


def execute(job: Job) -> bool:
    """Claim this job and work it to its end; False when another worker holds it."""
    autodiscover_modules("execute")
    if not job.claim(worker_name()):
        return False
    lease = Lease(job)
    log.info("%s %s: attempt %s", job.kind, job.pk, job.attempt)
    try:
        with lease.beating():
            _work[type(job)](job, lease)
        if lease.held().exists():  # a worker that forgets to publish is a defect, and is shown as one
            raise RuntimeError(f"{job.kind} ended without a publication")
    except LeaseLost:
        log.warning("%s %s: the lease was lost, nothing more is written", job.kind, job.pk)
    except JobStopped:
        _put_back_or_cancel(lease, attempt=F("attempt") - 1)  # a stop is no fault of the job's
    except JobError as error:
        log.info("%s %s failed: %s", job.kind, job.pk, error.code)
        _fail(lease, error.code, error.message)
    except ChildDied as error:
        log.warning("%s %s: %s", job.kind, job.pk, error)
        _try_again(lease, "child-died", KILLED)
    except Exception:
        log.exception("%s %s stopped on an error", job.kind, job.pk)
        _try_again(lease, "unexpected", UNEXPECTED)
    return True


def _fail(lease: Lease, code: str, message: str) -> None:
    ended = {"finished_at": timezone.now(), "lease_until": None}
    lease.held().update(state=State.FAILED, error_code=code, error_message=message, **ended)


def _try_again(lease: Lease, code: str, message: str) -> None:
    if lease.held().filter(attempt__gte=MAX_ATTEMPTS, cancel_requested=False).exists():
        _fail(lease, code, message)
    else:
        _put_back_or_cancel(lease)


def _put_back_or_cancel(lease: Lease, **fields: Any) -> None:
    """Queue the job again for whoever is free, or end it if a person asked for that."""
    if lease.held().filter(cancel_requested=False).update(**queued(), **fields):
        ring(lease.job)
    else:
        lease.held().update(**cancelled())


def ring(job: Job) -> None:
    """Tell a Celery worker that this job waits; silent without a broker, where workers look for themselves."""
    if not settings.CELERY_BROKER_URL:
        return
    from mixassist_site.celery import app

    try:
        app.send_task(job.doorbell, args=[job.pk], queue=job.queue)
    except Exception as error:  # the row is queued: the reaper rings again when the broker is back
        log.warning("could not ring for %s %s: %s", job.kind, job.pk, error)


def reap() -> int:
    """End what was stopped or lost too often, and ring for what waits; return how many rows were found."""
    found = 0
    now = timezone.now()
    for model in kinds().values():
        rows = model._default_manager
        found += rows.filter(Q(state=State.QUEUED) | lapsed(), cancel_requested=True).update(**cancelled())
        lost = {"finished_at": now, "lease_until": None, "error_code": "worker-lost", "error_message": LOST}
        found += rows.filter(lapsed(), attempt__gte=MAX_ATTEMPTS).update(state=State.FAILED, **lost)
    if settings.CELERY_BROKER_URL:
        found += _ring_again()
    return found


def _ring_again() -> int:
    """Ring for the jobs that wait, on each queue that holds fewer messages than that."""
    from mixassist_site.celery import app

    waiting = [job for model in kinds().values() for job in all_of(model).claimable()]
    rung = 0
    for name in {job.queue for job in waiting}:
        jobs = [job for job in waiting if job.queue == name]
        with app.connection_for_write() as connection_:  # a long queue must not grow by itself at every look
            held = app.amqp.queues[name](connection_.default_channel).queue_declare().message_count
        if held < len(jobs):
            for job in jobs:
                ring(job)
            rung += len(jobs)
    return rung


class Reaper(threading.Thread):
    """A worker's own timer that puts back what a dead worker left."""

    def __init__(self) -> None:
        super().__init__(name="reaper", daemon=True)
        self._over = threading.Event()

    def run(self) -> None:
        """Look at once, and then every JOB_REAPER_SECONDS."""
        while True:
            try:
                reap()
            except Exception:
                log.exception("the reaper could not look")
            finally:
                connection.close()
            if self._over.wait(settings.JOB_REAPER_SECONDS):
                return

    def stop(self) -> None:
        """End with the worker."""
        self._over.set()


def next_job(queues: set[str]) -> Job | None:
    """The job that has waited longest on one of these queues."""
    first: Job | None = None
    for model in kinds().values():
        job = model.on(queues).claimable().order_by("created_at", "pk").first()
        if job and (first is None or job.created_at < first.created_at):
            first = job
    return first


def work_off(queues: set[str], *, once: bool = False, idle_seconds: float = 0.2) -> int:
    """Work jobs off the table, oldest first, until shut down or, with `once`, until none waits."""
    worked = 0
    while not SHUTDOWN.is_set():
        close_old_connections()
        try:
            job = next_job(queues)
            if job and execute(job):
                worked += 1
        except DatabaseError:  # it may be away for a moment; what was running comes back when its lease runs out
            if once:
                raise
            log.exception("the database could not be asked")
            SHUTDOWN.wait(10 * idle_seconds)
            continue
        if job is None:
            if once:
                break
            SHUTDOWN.wait(idle_seconds)
    return worked
