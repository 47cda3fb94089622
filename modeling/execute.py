"""Work training runs and generations: the child computes, this writes what it says and publishes the result."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from annotation.audio.facts import clock
from annotation.filling import fill_layer
from annotation.importing.rows import MAX_TEXT, LayerRows, Repair, uid_at
from annotation.models import Layer
from annotation.words import LONGEST, MOST
from mixassist_site.child import Event, run_child
from mixassist_site.jobs import JobError, JobStopped, Lease, LeaseLost, State, cancelled, queued, works
from mixassist_site.templatetags.site import lasting
from modeling import bases, servers
from modeling.backbones.errors import CoreError
from modeling.generation import endpoint
from modeling.generation.config import SHOWN, DecodeConfig
from modeling.models import (
    Adapter,
    Candidate,
    EncoderProbe,
    Experiment,
    Generation,
    Metric,
    Source,
    TrainingRun,
    Transcription,
)
from modeling.training.examples import content_hash, read_split

MEASURED = {  # in a step event: in the table
    "loss": "loss",
    "lr": "learning_rate",
    "grad_norm": "grad_norm",
    "tokens_per_second": "tokens_per_second",
    "memory_bytes": "memory_bytes",
}
FLUSH_SECONDS = 1.0
MADE_WITH = ("base_revision", "device", "dtype", "config", "versions", "warm")


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


def asked_of(run: TrainingRun, lease: "Lease | Seat") -> dict[str, Any]:
    """What a child is told of a run, apart from its base."""
    return {
        "snapshot": str(run.snapshot.path),
        "config": run.config,
        "out": str(run.folder / str(lease.fence)),
        "resume_from": [str(folder) for folder in earlier_attempts(run, lease)],
        "card": {"title": run.name, "snapshot": run.snapshot.name, "license": run.base.license},
    }


def rows_kept() -> dict[str, Any]:
    """Where children keep what clips sound like."""
    return {"folder": str(settings.AUDIO_ROWS_ROOT), "bytes": settings.AUDIO_ROWS_BYTES}


def publish(run: TrainingRun, lease: "Lease | Seat", measured: dict[str, Any]) -> None:
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


class TrainingStory:
    """What a training child tells, kept as progress and metrics."""

    def __init__(self, run: TrainingRun, lease: "Lease | Seat") -> None:
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


def store(metrics: Iterable[Metric], lease: "Lease | Seat") -> None:
    """Write metrics; those of a step that was measured before a crash are there already."""
    rows = list(metrics)
    if rows:
        with lease.writing():
            Metric.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def earlier_attempts(run: TrainingRun | Transcription, lease: "Lease | Seat") -> list[Path]:
    """The folders of this run's other attempts, oldest first."""
    folders = run.folder.iterdir() if run.folder.is_dir() else iter(())
    fences = sorted(int(folder.name) for folder in folders if folder.name.isdecimal())
    return [run.folder / str(fence) for fence in fences if fence != lease.fence]


def tidy(run: TrainingRun, lease: "Lease | Seat", published: Path) -> None:
    """Drop what led to the adapter: earlier attempts, checkpoints, an adapter that no row names."""
    for folder in earlier_attempts(run, lease):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(run.folder / str(lease.fence) / "checkpoints", ignore_errors=True)
    for folder in published.parent.glob(f"{run.pk}-*"):
        if folder != published:
            shutil.rmtree(folder, ignore_errors=True)


@works(Generation)
def generate(generation: Generation, lease: Lease) -> None:
    """Let one source answer every row of a split, store the answers as they come, and freeze them."""
    work = {Source.EXPERT: quote_expert, Source.ENDPOINT: ask_server}.get(Source(generation.source), ask_model)
    record = work(generation, lease)
    stored = generation.candidates.count()
    if stored == 0:
        raise JobError("no-candidates", f"No row of the {generation.split} split can be answered by this source.")
    record |= {"candidates": stored, "fence": lease.fence, "snapshot_hash": generation.snapshot.content_hash}
    with lease.publication(record=record, total=stored, note=""):
        pass


def quote_expert(generation: Generation, lease: Lease) -> dict[str, Any]:
    """Take the expert's own answers from the snapshot's rows."""
    try:
        require_frozen_hash(content_hash(generation.snapshot.path), generation.snapshot.content_hash)
        examples = read_split(generation.snapshot.path, generation.split)
    except CoreError as error:
        raise JobError(error.code, error.sentence) from None
    rows = [
        Candidate(generation=generation, row=example.row, text=example.answer, stop_reason="end")
        for example in examples
        if example.answer
    ]
    lease.report(0, len(rows), "Reads the expert's answers", at_once=True)
    with lease.writing():
        Candidate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return {"rows": len(rows), "silent": len(examples) - len(rows)}


def ask_model(generation: Generation, lease: Lease) -> dict[str, Any]:
    """Let a child answer what has not been answered by an earlier attempt."""
    assert generation.base is not None
    source: dict[str, Any] = {"key": "base"}
    if generation.adapter:
        source = {"key": f"adapter-{generation.adapter.pk}", "adapter": str(generation.adapter.path)}
    have = list(generation.candidates.values_list("row", "index"))
    request = {
        "base": bases.request_of(generation.base),
        "snapshot": str(generation.snapshot.path),
        "split": generation.split,
        "rows": None,
        "sources": [source],
        "config": decode_options(generation),
        "cache": rows_kept(),
        "skip": [[row, source["key"], index] for row, index in have],
    }
    lease.report(len(have), generation.total, "Opens the base model", at_once=True)
    attempt = Path(settings.RUNS_ROOT) / f"generation-{generation.pk}" / str(lease.fence)
    story = GenerationStory(generation, lease, have=len(have))
    holds = json.dumps(request["base"], sort_keys=True)
    run_child("modeling.generation", written(attempt / "request.json", request), lease, story.hear, holds=holds)
    story.flush()
    shutil.rmtree(attempt.parent, ignore_errors=True)
    return story.record


def decode_options(generation: Generation) -> dict[str, Any]:
    """How answers are drawn: an adapter is shown what its training showed it, unless somebody chose otherwise."""
    taught: dict[str, Any] = {}
    if generation.adapter:
        config = generation.adapter.run.record.get("config") or {}
        taught = {name: config[name] for name in SHOWN if name in config}
    chosen: dict[str, Any] = generation.decoding | {"candidates": generation.answers, "seed": generation.seed}
    return taught | chosen


def ask_server(generation: Generation, lease: Lease) -> dict[str, Any]:
    """Ask a configured server for what has not been answered by an earlier attempt."""
    server = servers.named(generation.name)
    have = list(generation.candidates.values_list("row", "index"))
    lease.report(len(have), generation.total, "Asks the server", at_once=True)
    story = GenerationStory(generation, lease, have=len(have))
    facts = {"server": server.host, "model": server.model}
    try:
        config = DecodeConfig.from_dict(decode_options(generation))
        examples = read_split(generation.snapshot.path, generation.split)
        told = endpoint.generate(
            server, examples, config, source=generation.name, skip=have, should_stop=lease.should_stop
        )
        for event in told:
            story.hear(event)
            if event.get("served_by"):
                facts["served_by"] = event["served_by"]
    except CoreError as error:
        raise JobError(error.code, error.sentence) from None
    finally:
        story.flush()  # what was answered stays, whatever came then
    if lease.should_stop():
        raise JobStopped
    return story.record | facts | {"config_hash": config.hash(), "config": config.to_dict()}


class GenerationStory:
    """What a generation child tells, kept as candidates and as the record that leads back to their making."""

    def __init__(self, generation: Generation, lease: Lease, *, have: int) -> None:
        require_frozen_hash(content_hash_of(generation), generation.snapshot.content_hash)
        self.generation = generation
        self.lease = lease
        self.done, self.total, self.note = have, 0, ""
        adapter = generation.adapter
        self.record: dict[str, Any] = {"refused": [], "adapter_sha256": adapter.sha256 if adapter else None}
        self.candidates: list[Candidate] = []
        self.flushed = time.monotonic()

    def hear(self, event: Event) -> None:
        """Take one event; rows are written once a second."""
        match event.get("event"):
            case "started":
                self.record["config_hash"] = event["config_hash"]
            case "loaded":
                self.record |= {name: event[name] for name in MADE_WITH}
                self.note = "Listens to the clips"
            case "planned":
                self.total = self.done + int(event["candidates"])
                self.record |= {"rows": event["rows"], "refused": event["refused"]}
                self.note = "Answers"
            case "candidate":
                self._require_adapter(event["adapter_sha256"])
                self.candidates.append(self._candidate(event))
        if time.monotonic() - self.flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has been heard since."""
        if self.candidates:
            with self.lease.writing():
                Candidate.objects.bulk_create(self.candidates, ignore_conflicts=True, batch_size=500)
            self.lease.progressed()
        self.done += len(self.candidates)
        self.candidates = []
        self.lease.report(self.done, self.total, self.note, at_once=True)
        self.flushed = time.monotonic()

    def _candidate(self, event: Event) -> Candidate:
        return Candidate(
            generation=self.generation,
            row=event["row"],
            index=event["index"],
            text=event["text"],
            seed=event["seed"],
            prompt_sha256=event["prompt_sha256"],
            tokens=event["tokens"],
            stop_reason=event["stop"],
            guards=event["flags"],
            redrawn=event["redrawn"],
            audio_kept=event["audio_kept"] or "",
            history_cut=event["history_cut"],
            latency_ms=event["latency_ms"],
        )

    def _require_adapter(self, sha256: str | None) -> None:
        adapter = self.generation.adapter
        if adapter and sha256 != adapter.sha256:
            raise JobError("adapter-changed", f"The file of the adapter {adapter.name} changed; train it again.")


@works(EncoderProbe)
def probe(job: EncoderProbe, lease: Lease) -> None:
    """Let a child listen to diagnostic clips, and keep where each property is lost."""
    folder = Path(settings.RUNS_ROOT) / f"probe-{job.pk}" / str(lease.fence)
    request = {
        "base": bases.request_of(job.base),
        "adapter": str(job.adapter.path) if job.adapter else None,
        "clips": job.clips,
        "seed": job.seed,
        "asks": job.asks,
    }
    record: dict[str, Any] = {}

    def hear(event: Event) -> None:
        match event.get("event"):
            case "loaded":
                record.update({name: value for name, value in event.items() if name != "event"})
            case "progress":
                lease.report(event["done"], event["total"], event["what"])
            case "probed":
                record["properties"] = event["properties"]

    lease.report(0, 0, "Opens the base model", at_once=True)
    run_child("modeling.probing", written(folder / "request.json", request), lease, hear)
    if job.adapter and record["adapter_sha256"] != job.adapter.sha256:
        raise JobError("adapter-changed", f"The file of the adapter {job.adapter.name} changed; train it again.")
    with lease.publication(record=record, note=""):
        pass
    shutil.rmtree(folder.parent, ignore_errors=True)


@works(Transcription)
def transcribe(job: Transcription, lease: Lease) -> None:
    """Let a child transcribe a recording, on from the last window that any attempt has heard; make a layer of it."""
    attempt = job.folder / str(lease.fence)
    request = {
        "audio": str(job.recording.path),
        "out": str(attempt / "transcript.json"),
        "model": job.model,
        "tiny": str(Path(settings.MODELS_ROOT) / "tiny-whisper"),
        "revision": job.revision or None,
        "language": job.language,
        "resume_from": [str(folder) for folder in earlier_attempts(job, lease)],
    }
    for folder in earlier_attempts(job, lease):
        (folder / "transcript.wav").unlink(missing_ok=True)  # of a child that was killed
    lease.report(0, 0, "Decodes the recording", at_once=True)
    run_child("modeling.transcribing", written(attempt / "request.json", request), lease, partial(_hear, lease))
    told = json.loads((attempt / "transcript.json").read_text())
    rows, lost = rows_of(told["segments"], job)
    recording = job.recording
    source = {"recording": recording.name, "recording_sha256": recording.sha256}
    report = {"lost": lost, "doubtful": told["doubtful"], "lanes": {job.lane: len(rows.segments)}}
    with lease.publication(note=""):
        layer = Layer.objects.create(
            session=job.session,
            kind=Layer.Kind.MODEL,
            title=f"{recording.name} by {job.model_name}"[:200],
            state=Layer.State.SUBMITTED,
            report=report,
            provenance=told["made_by"] | source,
        )
        fill_layer(layer, rows, by=None)
        Transcription.objects.filter(pk=job.pk).update(layer=layer)
    shutil.rmtree(job.folder, ignore_errors=True)


def _hear(lease: Lease, event: Event) -> None:
    """Keep what a transcribing child tells as progress."""
    match event.get("event"):
        case "decoding":
            lease.report(0, 0, f"Decodes the recording, {event['share']:.0%}")
        case "decoded":
            lease.report(0, 0, "Opens the model", at_once=True)
        case "window":
            if not event["resumed"]:
                lease.progressed()
            note = f"Has heard {clock(event['at_ms'] / 1000)}"
            lease.report(event["done"], event["windows"], note)


def rows_of(segments: Iterable[dict[str, Any]], job: Transcription) -> tuple[LayerRows, list[Repair]]:
    """Put a model's segments, told in seconds of the recording, on the session's time line; say what lies off it."""
    rows, lost = LayerRows(), []
    length_ms, offset_ms = job.session.length_ms, job.recording.offset_ms

    def at(seconds: float) -> int:
        moment = max(0, round(seconds * 1000) + offset_ms)
        return min(moment, length_ms) if length_ms else moment

    for number, said in enumerate(segments):
        start, end = at(said["start"]), at(said["end"])
        if start >= end:
            what = f"“{said['text'][:80]}”, which lies outside the session"
            lost.append(Repair(what=what, where=f"{said['start']} s"))
            continue
        row = {"uid": uid_at("segment", number, said["text"]), "lane": job.lane, "start_ms": start, "end_ms": end}
        words = [[at(each["start"]), at(each["end"]), each["word"][:LONGEST]] for each in said.get("words", [])][:MOST]
        rows.segments.append({**row, "text": said["text"][:MAX_TEXT], **({"words": words} if words else {})})
    return rows, lost


def content_hash_of(generation: Generation) -> str:
    """The hash in the snapshot's own manifest."""
    try:
        return content_hash(generation.snapshot.path)
    except CoreError as error:
        raise JobError(error.code, error.sentence) from None


def require_frozen_hash(found: str, frozen: str) -> None:
    """Refuse a snapshot whose files are not those that were frozen."""
    if found != frozen:
        raise JobError("snapshot-changed", "The snapshot's files are not those that were frozen; build it again.")


def written(path: Path, request: dict[str, Any]) -> Path:
    """The request, whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".writing")
    beside.write_text(json.dumps(request, indent=1, sort_keys=True) + "\n")
    return beside.rename(path)


def place(folder: Path, final: Path) -> Path:
    """Put a finished folder in its place by one rename."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_dev != final.parent.stat().st_dev:  # runs may lie on a scratch disk
        beside = final.with_name(f".{final.name}")
        shutil.rmtree(beside, ignore_errors=True)
        folder = shutil.copytree(folder, beside)
    return folder.rename(final)


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
