"""Work a generation: the expert's own answers, a model's in a child, or those of a server."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from mixassist_site.child import Event, run_child
from mixassist_site.jobs import JobError, JobStopped, Lease, works
from modeling import bases, servers
from modeling.backbones.errors import CoreError
from modeling.execute.files import content_hash_of, require_frozen_hash, rows_kept, written
from modeling.generation import endpoint
from modeling.generation.config import SHOWN, DecodeConfig
from modeling.models import Candidate, Generation, Source
from modeling.training.examples import content_hash, read_split

FLUSH_SECONDS = 1.0
MADE_WITH = ("base_revision", "device", "dtype", "config", "versions", "warm")


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
            case "refused":
                self._refuse({name: event[name] for name in ("row", "code", "message")})
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

    def _refuse(self, one: dict[str, Any]) -> None:
        """Keep why a row has no answer, once; what was told by its plan counted it."""
        self.total -= 1
        if one not in self.record["refused"]:
            self.record["refused"] = [*self.record["refused"], one]
            self.record["rows"] -= 1

    def _require_adapter(self, sha256: str | None) -> None:
        adapter = self.generation.adapter
        if adapter and sha256 != adapter.sha256:
            raise JobError("adapter-changed", f"The file of the adapter {adapter.name} changed; train it again.")
