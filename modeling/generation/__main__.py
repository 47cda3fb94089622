"""Write candidates in a process of its own: `python -m modeling.generation REQUEST.json`.

With `--stay` in place of a request it reads the paths of requests from standard input, one a line, and says
{"event": "ready"} after each that was done. The base stays in memory for the next request of the same base; anything
but a request that was done ends it, as does the end of standard input.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio", "key": "tiny", "path": "/…/bases/tiny", "revision": null},
     "snapshot": "/…/snapshots/12", "split": "test",
     "rows": null,                                     # or a list of row keys "test/<conversation_id>/<turn_id>"
     "sources": [{"key": "base"},                      # no adapter: the zero-shot base
                 {"key": "adapter-7", "adapter": "/…/runs/7/attempt-1/adapter"}],
     "config": {"max_new_tokens": 128, "candidates": 1, "temperature": 0.0, "top_p": 1.0, "seed": 0, "max_turns": null,
                "over_long": "tail" | "head" | "windows"},
     "cache": {"folder": "/…/audio-rows", "bytes": 20000000000},         # or none: what clips sound like, kept
     "skip": [["test/c1/2", "base", 0]]}               # row, source key, index: what the parent has already

In place of snapshot, split and rows it may bring its own examples, answered in the same way:

     "examples": [{"row": "ask/1", "audio": "/…/clip.wav" | null, "user": "Is the kick too loud?" | null,
                   "history": [{"role": "user" | "assistant", "content": "…"}], "summary": "…" | null}]

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",   "pid", "config_hash", "base"}
    {"event": "loaded",    "base_revision", "device", "dtype", "seconds", "warm", "config", "versions"}
    {"event": "planned",   "candidates", "rows", "refused": [{"row", "code", "message"}]}
    {"event": "candidate", "row", "source", "index", "text", "tokens", "stop": "end" | "length", "seed", "flags": […],
                           "redrawn": […], "history_cut",
                           "prompt_tokens", "prompt_sha256", "latency_ms", "base_revision", "adapter_sha256": … | null,
                           "audio_kept": "whole" | "tail" | "head" | null, "config_hash"}
    {"event": "done",      "candidates", "seconds"}
    {"event": "stopped",   "candidates"}                                             # SIGTERM was heeded
    {"event": "error",     "code", "message"}

Flags: empty, max-length, repeats, prompt-echo, placeholder. What has one is drawn once more where the temperature lets
luck decide; the second stands if it has none, and `redrawn` keeps the flags of the first. Candidates come as they
are made, batch by batch, so a
parent stores each line at once and names what it has in `skip` when it starts again. `seed` depends on the request's
seed, row and index alone: the same question gets the same luck from every source.

Exit codes: 0 done · 1 error · 2 wrong usage · 3 stopped after SIGTERM · 4 the parent is gone (see modeling.training).
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling.backbones.base import Base
from modeling.backbones.errors import CoreError, GenerationError
from modeling.backbones.example import Example, history_of
from modeling.backbones.keeping import cache_of, trim
from modeling.generation.config import DecodeConfig
from modeling.training.child import (
    DONE,
    FAILED,
    ORPHANED,
    STOPPED,
    Emit,
    describe,
    open_events,
    read_request,
    run_child,
    stop_on_sigterm,
)
from modeling.training.config import defaults_for
from modeling.training.examples import read_split

if TYPE_CHECKING:
    from modeling.backbones.audio_lm import AudioLM
    from modeling.generation.sources import Source

HEARD_BYTES = 1 << 30  # audio rows that stay with the base between two requests


class Held:
    """The base that this process has in memory."""

    def __init__(self) -> None:
        self.key = ""
        self.lm: AudioLM | None = None

    def open(self, base: Base, config: DecodeConfig) -> "tuple[AudioLM, bool]":
        """The base as it is asked for, and whether it was here already."""
        how: dict[str, Any] = {name: getattr(config, name) for name in ("dtype", "device", "quantization")}
        key = json.dumps([asdict(base), how], sort_keys=True)
        if self.lm is not None and key == self.key:
            return self.lm, True
        self.lm = None  # its memory goes before the next one comes
        self.lm, self.key = base.load(**how), key
        return self.lm, False

    def rest(self) -> None:
        """Forget what was heard where it takes much room."""
        if self.lm and sum(rows.nbytes for rows in self.lm.heard.values()) > HEARD_BYTES:
            self.lm.heard.clear()


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool], held: Held | None = None) -> int:
    began = time.monotonic()
    base = Base.from_request(request.get("base"))
    examples = examples_of(request)
    # what a kind of base needs is the same for training and for answering
    preset = {name: value for name, value in defaults_for(base.kind).items() if name in ("dtype", "device")}
    config = DecodeConfig.from_dict(preset | (request.get("config") or {}))
    from modeling.backbones.audio_lm import steady  # torch takes seconds: a wrong request is told before
    from modeling.generation import decode

    sources = sources_of(request)
    for source in sources:
        if source.adapter is not None:
            base.require_own(source.adapter)
    skip = {(str(row), str(source), int(index)) for row, source, index in request.get("skip") or ()}
    emit({"event": "started", "pid": os.getpid(), "config_hash": config.hash(), "base": base.key})

    lm, was_here = (held or Held()).open(base, config)
    lm.keep_rows_in(cache := cache_of(request))
    loaded = decode.Sources(lm, sources)
    emit(
        {"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name,
         "seconds": round(time.monotonic() - began, 3), "warm": was_here, "config": config.to_dict(),
         "versions": {name: version(name) for name in ("torch", "transformers", "peft")}}
    )  # fmt: skip

    with steady(config.threads, lm.device):
        prompts, refused = decode.prepare(lm, examples, config)
        wanted = [
            (prompt.encoded.row, source.key, index)
            for prompt in prompts
            for source in sources
            for index in range(config.candidates)
        ]
        missing = sum(key not in skip for key in wanted)
        emit({"event": "planned", "candidates": missing, "rows": len(prompts), "refused": refused})
        made = 0
        for candidate in decode.generate(loaded, prompts, config, skip=skip, should_stop=should_stop):
            emit({"event": "candidate", **asdict(candidate)})
            made += 1
    loaded.close()
    trim(cache, request)
    if made < missing:
        emit({"event": "stopped", "candidates": made})
        return STOPPED
    emit({"event": "done", "candidates": made, "seconds": round(time.monotonic() - began, 3)})
    return DONE


def stay() -> int:
    """Do one request after the other, with the base of the last still in memory."""
    should_stop = stop_on_sigterm()
    emit = open_events()
    paths: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(paths,), name="parent", daemon=True).start()
    held = Held()
    while True:
        try:
            path = paths.get(timeout=0.1)
        except queue.Empty:
            if should_stop():
                return STOPPED
            continue
        try:
            code = work(read_request(Path(path)), emit, should_stop, held)
        except CoreError as error:
            emit({"event": "error", "code": error.code, "message": error.sentence})
            return FAILED
        except Exception as error:  # the parent needs a sentence whatever happens
            emit({"event": "error", **describe(error)})
            return FAILED
        if code != DONE:
            return code
        held.rest()
        emit({"event": "ready"})


def _listen(paths: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        paths.put(line.rstrip("\n"))
    os._exit(ORPHANED)  # its other end was the parent's


def sources_of(request: dict[str, Any]) -> "list[Source]":
    from modeling.generation.sources import Source

    named = request.get("sources")
    if not isinstance(named, list) or not named or not all(isinstance(one, dict) and one.get("key") for one in named):
        raise GenerationError("bad-request", "The request needs a list of sources, each with a key.")
    return [Source(key=one["key"], adapter=Path(one["adapter"]) if one.get("adapter") else None) for one in named]


def examples_of(request: dict[str, Any]) -> list[Example]:
    """Read the rows that are asked for, from a split or from the request itself."""
    if request.get("examples") is not None:
        return [example_of(value) for value in request["examples"]]
    if not isinstance(request.get("snapshot"), str) or not isinstance(request.get("split"), str):
        raise GenerationError("bad-request", "The request needs a snapshot and a split, or examples of its own.")
    examples = read_split(Path(request["snapshot"]), request["split"])
    if request.get("rows") is None:
        return examples
    asked = set(request["rows"])
    unknown = sorted(asked - {example.row for example in examples})
    if unknown:
        raise GenerationError("unknown-row", f"The split {request['split']} has no row {unknown[0]}.")
    return [example for example in examples if example.row in asked]


def example_of(value: Any) -> Example:
    if not isinstance(value, dict) or not isinstance(value.get("row"), str):
        raise GenerationError("bad-request", "Each example of the request needs a row, its name.")
    return Example(
        row=value["row"],
        history=history_of(value.get("history")),
        summary=(value.get("summary") or "").strip() or None,
        user=(value.get("user") or "").strip() or None,
        audio=Path(value["audio"]) if value.get("audio") else None,
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--stay"]:
        sys.exit(stay())
    sys.exit(run_child("modeling.generation", sys.argv[1:], work))
