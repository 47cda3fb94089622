"""Write candidates in a process of its own: `python -m modeling.generation REQUEST.json`.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio", "key": "tiny", "path": "/…/bases/tiny", "revision": null},
     "snapshot": "/…/snapshots/12", "split": "test",
     "rows": null,                                     # or a list of row keys "test/<conversation_id>/<turn_id>"
     "sources": [{"key": "base"},                      # no adapter: the zero-shot base
                 {"key": "adapter-7", "adapter": "/…/runs/7/attempt-1/adapter"}],
     "config": {"max_new_tokens": 128, "candidates": 1, "temperature": 0.0, "top_p": 1.0, "seed": 0},
     "skip": [["test/c1/2", "base", 0]]}               # row, source key, index: what the parent has already

In place of snapshot, split and rows it may bring its own examples, answered in the same way:

     "examples": [{"row": "ask/1", "audio": "/…/clip.wav" | null, "user": "Is the kick too loud?" | null,
                   "history": [{"role": "user" | "assistant", "content": "…"}], "summary": "…" | null}]

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",   "pid", "config_hash", "base"}
    {"event": "loaded",    "base_revision", "device", "dtype", "seconds"}
    {"event": "planned",   "candidates", "rows", "refused": [{"row", "code", "message"}]}
    {"event": "candidate", "row", "source", "index", "text", "tokens", "stop": "end" | "length", "seed", "flags": […],
                           "prompt_tokens", "prompt_sha256", "latency_ms", "base_revision", "adapter_sha256": … | null,
                           "audio_kept": "whole" | "tail" | "head" | null, "config_hash"}
    {"event": "done",      "candidates", "seconds"}
    {"event": "stopped",   "candidates"}                                             # SIGTERM was heeded
    {"event": "error",     "code", "message"}

Flags: empty, max-length, repeats, prompt-echo, placeholder. Candidates come as they are made, batch by batch, so a
parent stores each line at once and names what it has in `skip` when it starts again. `seed` depends on the request's
seed, row and index alone: the same question gets the same luck from every source.

Exit codes: 0 done · 1 error · 2 wrong usage · 3 stopped after SIGTERM · 4 the parent is gone (see modeling.training).
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling.backbones.base import Base
from modeling.backbones.errors import GenerationError
from modeling.backbones.example import Example, history_of
from modeling.training.child import DONE, STOPPED, Emit, run_child
from modeling.training.config import defaults_for
from modeling.training.examples import read_split

if TYPE_CHECKING:
    from modeling.generation.decode import Source


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    began = time.monotonic()
    base = Base.from_request(request.get("base"))
    examples = examples_of(request)
    from modeling.backbones.audio_lm import steady  # torch takes seconds: a wrong request is told before
    from modeling.generation import decode

    # what a kind of base needs is the same for training and for answering
    preset = {name: value for name, value in defaults_for(base.kind).items() if name in ("dtype", "device")}
    config = decode.DecodeConfig.from_dict(preset | (request.get("config") or {}))
    sources = sources_of(request)
    for source in sources:
        if source.adapter is not None:
            base.require_own(source.adapter)
    skip = {(str(row), str(source), int(index)) for row, source, index in request.get("skip") or ()}
    emit({"event": "started", "pid": os.getpid(), "config_hash": config.hash(), "base": base.key})

    lm = base.load(dtype=config.dtype, device=config.device, quantization=config.quantization)
    loaded = decode.Sources(lm, sources)
    emit(
        {"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name,
         "seconds": round(time.monotonic() - began, 3)}
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
    if made < missing:
        emit({"event": "stopped", "candidates": made})
        return STOPPED
    emit({"event": "done", "candidates": made, "seconds": round(time.monotonic() - began, 3)})
    return DONE


def sources_of(request: dict[str, Any]) -> "list[Source]":
    from modeling.generation.decode import Source

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
    sys.exit(run_child("modeling.generation", sys.argv[1:], work))
