"""Work an experiment: its runs one after another, in one child with one base in memory."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from mixassist_site.child import Event, run_child
from mixassist_site.jobs import JobError, Lease, State, cancelled, queued, works
from modeling import bases
from modeling.execute.files import rows_kept, written
from modeling.execute.seat import Seat
from modeling.execute.training import TrainingStory, asked_of, publish
from modeling.models import Experiment, TrainingRun


@works(Experiment)
def experiment(job: Experiment, lease: Lease) -> None:
    """Train what is missing of an experiment's runs, one after another, in one child with one base in memory."""
    missing = list(job.runs.exclude(state=State.SUCCEEDED).select_related("snapshot", "base").order_by("pk"))
    story = ExperimentStory(job, lease, missing)
    request = {
        "base": bases.request_of(job.base),
        "cache": rows_kept(),
        "runs": [{"key": str(run.pk), **asked_of(run, lease)} for run in missing],
    }
    lease.report(story.over, story.total, "Opens the base model", at_once=True)
    folder = Path(settings.RUNS_ROOT) / f"experiment-{job.pk}" / str(lease.fence)
    try:
        if missing:
            run_child("modeling.training.sweep", written(folder / "request.json", request), lease, story.hear)
    finally:
        if lease.held().exists():  # whoever holds it otherwise says how its runs are
            ended = cancelled() if lease.held().filter(cancel_requested=True).exists() else queued()
            job.runs.filter(state__in=[State.RUNNING, State.QUEUED]).update(**ended)
    shutil.rmtree(folder.parent, ignore_errors=True)
    failed = list(job.runs.filter(state=State.FAILED).order_by("pk"))
    if failed:
        first = failed[0]
        raise JobError(
            "runs-failed",
            f"{len(failed)} of {story.total} runs failed, {first.name} first: {first.error_message} "
            "The others are kept; try again repeats those that failed.",
        )
    hashes = sorted({run.record.get("validation_hash", "") for run in job.runs.all()})
    with lease.publication(record={"validation_hashes": hashes, "fence": lease.fence}, total=story.total, note=""):
        pass


class ExperimentStory:
    """What the child of an experiment tells, handed to the story of the run that it is of."""

    def __init__(self, job: Experiment, lease: Lease, missing: Sequence[TrainingRun]) -> None:
        self.lease = lease
        self.runs = {str(run.pk): run for run in missing}
        self.total = job.runs.count()
        self.over = self.total - len(missing)
        self.story: TrainingStory | None = None
        self.now = ""

    def hear(self, event: Event) -> None:
        """Take one event."""
        run = self.runs.get(str(event.get("run")))
        if run is None:
            return
        if event["event"] == "started":
            self.now = f"{run.arm}, seed {run.config.get('seed', 0)}"
            seat = Seat(run, self.lease, self.tell)
            seat.begin()
            self.story = TrainingStory(run, seat)
        assert self.story is not None
        seat = self.story.lease  # type: ignore[assignment]
        match event["event"]:
            case "failed":
                self.story.flush()
                seat.fail(event["code"], event["message"])
                self.over += 1
            case "saved":
                self.story.hear(event)
                self.story.flush()
                publish(run, seat, self.story.measured)
                self.over += 1
                self.lease.progressed()
                self.tell("")
            case _:
                self.story.hear(event)

    def tell(self, note: str) -> None:
        """Say how far the experiment is."""
        said = f"{self.now}: {note}" if note else self.now
        self.lease.report(min(self.over, self.total), self.total, said[:200], at_once=True)
