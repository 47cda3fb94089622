"""Work a training run: the child computes, this writes what it says and publishes the adapter."""

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from mixassist_site.child import Event, run_child
from mixassist_site.jobs import Lease, LeaseLost, works
from mixassist_site.templatetags.site import lasting
from modeling import bases
from modeling.execute.files import earlier_attempts, place, require_frozen_hash, rows_kept, sha256_of, written
from modeling.execute.seat import Seat
from modeling.models import Adapter, Metric, TrainingRun

MEASURED = {  # in a step event: in the table
    "loss": "loss",
    "lr": "learning_rate",
    "grad_norm": "grad_norm",
    "tokens_per_second": "tokens_per_second",
    "memory_bytes": "memory_bytes",
}
FLUSH_SECONDS = 1.0


@works(TrainingRun)
def train(run: TrainingRun, lease: Lease) -> None:
    """Train one adapter in a child, from the newest checkpoint of any earlier attempt, and publish it."""
    attempt = run.folder / str(lease.fence)
    request = {"base": bases.request_of(run.base), "cache": rows_kept(), **asked_of(run, lease)}
    lease.report(run.done, run.total, "Opens the base model", at_once=True)
    story = TrainingStory(run, lease)
    run_child("modeling.training", written(attempt / "request.json", request), lease, story.hear)
    story.flush()
    publish(run, lease, story.measured)


def asked_of(run: TrainingRun, lease: Lease | Seat) -> dict[str, Any]:
    """What a child is told of a run, apart from its base."""
    return {
        "snapshot": str(run.snapshot.path),
        "config": run.config,
        "out": str(run.folder / str(lease.fence)),
        "resume_from": [str(folder) for folder in earlier_attempts(run, lease)],
        "card": {"title": run.name, "snapshot": run.snapshot.name, "license": run.base.license},
    }


def publish(run: TrainingRun, lease: Lease | Seat, measured: dict[str, Any]) -> None:
    """Move a finished adapter to its place, and write its row with the run's success."""
    attempt = run.folder / str(lease.fence)
    record = json.loads((attempt / "training.json").read_text())
    store(metrics_of(run, record), lease)  # a crash between two flushes leaves gaps: the record has none
    weights = attempt / "adapter" / "adapter_model.safetensors"
    if sha256_of(weights) != record["adapter_sha256"]:
        raise RuntimeError(f"the adapter of run {run.pk} is not the one that its record names")
    folder = f"{run.pk}-{lease.fence}"
    published = place(attempt / "adapter", Path(settings.ADAPTERS_ROOT) / folder)
    kept = {name: value for name, value in record.items() if name not in ("losses", "evals")}
    facts = {"bytes": (published / weights.name).stat().st_size, "steps": record["steps"]} | {
        name: record["config"][name]
        for name in ("variant", "rank", "alpha", "scope", "loss_on", "max_turns", "max_tokens", "max_audio_seconds",
                     "over_long", "summaries", "system")
    }  # fmt: skip
    try:
        with lease.publication(record=kept | {"fence": lease.fence, "measured": measured}, note=""):
            Adapter.objects.create(run=run, name=run.name, sha256=record["adapter_sha256"], folder=folder, facts=facts)
    except LeaseLost:
        shutil.rmtree(published, ignore_errors=True)
        raise
    tidy(run, lease, published)


class TrainingStory:
    """What a training child tells, kept as progress and metrics."""

    def __init__(self, run: TrainingRun, lease: Lease | Seat) -> None:
        self.run = run
        self.lease = lease
        self.measured: dict[str, Any] = {}
        self.furthest = 0  # the step of the last checkpoint that survived an earlier attempt
        self.step, self.steps, self.note = run.done, run.total, ""
        self.metrics: list[Metric] = []
        self.flushed = time.monotonic()

    def hear(self, event: Event) -> None:
        """Take one event; rows are written once a second."""
        match event.get("event"):
            case "started":
                require_frozen_hash(event["snapshot_hash"], self.run.snapshot.content_hash)
            case "loaded":
                self.note = "Listens to the clips"
            case "cached":
                self.note = f"Learns from {event['examples']} turns"
            case "resumed":
                self.furthest = self.step = int(event["step"])
                self.note = f"Goes on from step {self.furthest}"
            case "step":
                self.step, self.steps = int(event["step"]), int(event["steps"])
                self.note = pace(event)
                self.metrics += [self._metric(key, event[name]) for name, key in MEASURED.items()]
            case "eval":
                self.metrics.append(Metric(run=self.run, step=event["step"], key="eval_loss", value=event["loss"]))
            case "checkpoint" if int(event["step"]) > self.furthest:
                self.furthest = int(event["step"])
                self.lease.progressed()
            case "memory":
                self.note = "The memory ran out: goes on in smaller parts"
            case "measured":
                self.measured = {name: value for name, value in event.items() if name not in ("event", "run")}
            case "saved":
                self.note = "Stores the adapter"
        if time.monotonic() - self.flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has been heard since."""
        self.lease.report(self.step, self.steps, self.note, at_once=True)
        store(self.metrics, self.lease)
        self.metrics = []
        self.flushed = time.monotonic()

    def _metric(self, key: str, value: float) -> Metric:
        return Metric(run=self.run, step=self.step, key=key, value=value)


def pace(event: Event) -> str:
    """Where a run is, how fast it goes, and when it may be done, on one line."""
    step, steps, rate = int(event["step"]), int(event["steps"]), float(event["tokens_per_second"])
    left = (steps - step) * (event["tokens"] / step) / rate if rate else 0
    told = [f"Step {step} of {steps}", f"loss {event['loss']:.3f}", f"{rate:,.0f} tokens/s"]
    if step < steps:
        told.append(f"about {lasting(left)} left")
    return ", ".join([*told, f"{event['memory_bytes'] / 1e9:.1f} GB"])


def metrics_of(run: TrainingRun, record: dict[str, Any]) -> list[Metric]:
    """Both curves of a finished run."""
    curve = [Metric(run=run, step=step, key="loss", value=loss) for step, loss in enumerate(record["losses"], start=1)]
    evals = [Metric(run=run, step=int(step), key="eval_loss", value=loss) for step, loss in record["evals"].items()]
    return curve + evals


def store(metrics: Iterable[Metric], lease: Lease | Seat) -> None:
    """Write metrics; those of a step that was measured before a crash are there already."""
    rows = list(metrics)
    if rows:
        with lease.writing():
            Metric.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def tidy(run: TrainingRun, lease: Lease | Seat, published: Path) -> None:
    """Drop what led to the adapter: earlier attempts, checkpoints, an adapter that no row names."""
    for folder in earlier_attempts(run, lease):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(run.folder / str(lease.fence) / "checkpoints", ignore_errors=True)
    for folder in published.parent.glob(f"{run.pk}-*"):
        if folder != published:
            shutil.rmtree(folder, ignore_errors=True)
