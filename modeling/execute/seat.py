"""A run's place in an experiment."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db.models import F
from django.utils import timezone

from mixassist_site.jobs import Lease, State
from modeling.models import TrainingRun


class Seat:
    """A run's place in an experiment, whose lease it is held under."""

    def __init__(self, run: TrainingRun, lease: Lease, tell: Callable[[str], None]) -> None:
        self.run = run
        self.lease = lease
        self.fence = lease.fence
        self.tell = tell
        self._rows = TrainingRun.objects.filter(pk=run.pk)

    def begin(self) -> None:
        """Say that its turn has come."""
        with self.lease.writing():
            self._rows.update(state=State.RUNNING, started_at=timezone.now(), finished_at=None, fence=self.fence)

    def report(self, done: int, total: int, note: str = "", *, at_once: bool = False) -> None:
        """Write progress, of the run and of the experiment."""
        with self.lease.writing():
            self._rows.update(done=max(0, done), total=max(0, total), note=note[:200])
        self.tell(note)

    def progressed(self) -> None:
        """Say that the experiment got further."""
        self.lease.progressed()

    def writing(self) -> AbstractContextManager[None]:
        """Write what the run has made so far."""
        return self.lease.writing()

    @contextmanager
    def publication(self, **fields: Any) -> Iterator[None]:
        """Write the results and the run's success as one."""
        ended = {"state": State.SUCCEEDED, "finished_at": timezone.now(), "done": F("total")}
        with self.lease.writing():
            self._rows.update(**ended, **fields)
            yield

    def fail(self, code: str, message: str) -> None:
        """End the run in its own words; the experiment goes on."""
        with self.lease.writing():
            self._rows.update(
                state=State.FAILED, finished_at=timezone.now(), error_code=code[:40], error_message=message
            )
