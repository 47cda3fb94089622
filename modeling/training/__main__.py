"""Train one adapter in a process of its own: `python -m modeling.training RUN_DIR`, or with the path of a request.

A folder holds its request as request.json; relative paths start there, and without `out` the result goes there too.
No database and no site is needed. `accelerate launch -m modeling.training RUN_DIR` shares the work between GPUs.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio",   # picks the preset of config.py; a missing "tiny" folder is made
              "key": "tiny",                    # the name that goes into adapter_config.json and training.json
              "path": "/…/bases/tiny",          # a checkpoint directory or a hub id (Qwen/Qwen2-Audio-7B-Instruct)
              "revision": null},                # a hub revision; null for a directory
     "snapshot": "/…/snapshots/12",             # holds data/, turns/, audio/ and manifest.json
     "config": {"learning_rate": 0.003},        # whatever differs from the preset; an unknown key is refused
     "out": "/…/runs/7/attempt-2",              # the result's folder; checkpoints lie under out/checkpoints
     "resume_from": ["/…/runs/7/attempt-1"],    # folders searched, with out, for the newest complete checkpoint
     "cache": {"folder": "/…/audio-rows", "bytes": 20000000000},   # what clips sound like to this base, shared by all
     "card": {"title": "spring", "snapshot": "first", "license": "Apache-2.0"}}    # words for the model card

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",    "pid", "config_hash", "snapshot_hash", "base"}
    {"event": "loaded",     "base_revision", "device", "dtype", "parameters", "seconds"}
    {"event": "cached",     "examples", "validation", "skipped": {reason: n}, "clips", "audio_cut", "audio_windows",
                            "history_cut", "tokens", "answer_tokens", "seconds"}
    {"event": "resumed",    "step", "checkpoint"}                                     # only when a checkpoint was found
    {"event": "step",       "step", "steps", "epoch", "loss", "lr", "grad_norm", "tokens", "answer_tokens",
                            "tokens_per_second", "memory_bytes", "seconds"}
    {"event": "memory",     "step", "tokens_per_microbatch"}    # it ran out once; the same step again, in smaller parts
    {"event": "eval",       "step", "loss", "answer_tokens"}
    {"event": "checkpoint", "step", "path"}
    {"event": "measured",   "learning_seconds", "tokens", "steps", "tokens_per_second", "memory_bytes", "seconds"}
    {"event": "saved",      "adapter", "record", "adapter_sha256", "steps", "first_loss", "last_loss", "eval_loss",
                            "seconds"}
    {"event": "stopped",    "step", "checkpoint"}                                     # SIGTERM was heeded
    {"event": "error",      "code", "message"}                                        # a sentence a person can act on

Exit codes: 0 saved · 1 error · 2 wrong usage · 3 stopped at a checkpoint after SIGTERM · 4 the parent is gone.
SIGTERM stops at the next optimizer step. When standard input is a pipe, its end means that the parent died, and
this process ends at once; so a parent holds the pipe open and writes nothing to it.

The result: out/adapter/{adapter_model.safetensors, adapter_config.json, README.md, training.json} and
out/training.json, each written beside
and renamed. On one machine type the adapter's bytes depend on the request's content alone, never on its paths, and
not on how often the run was stopped, killed and resumed.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modeling.backbones.base import Base
from modeling.backbones.errors import TrainingError
from modeling.backbones.keeping import cache_of, trim
from modeling.training.child import DONE, STOPPED, Emit, run_child
from modeling.training.config import TrainingConfig
from modeling.training.examples import content_hash


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    began = time.monotonic()
    if (folder := request.get("folder")) is not None:  # it was read from a run's folder
        request = anchored(request, Path(folder))
    for name in ("snapshot", "out"):
        if not isinstance(request.get(name), str):
            raise TrainingError("bad-request", f"The request needs {name}, a folder.")
    base = Base.from_request(request.get("base"))
    snapshot, out = Path(request["snapshot"]), Path(request["out"])
    config = TrainingConfig.from_dict(request.get("config") or {}, base_kind=base.kind)
    snapshot_hash = content_hash(snapshot)
    emit(
        {"event": "started", "pid": os.getpid(), "config_hash": config.hash(), "snapshot_hash": snapshot_hash,
         "base": base.key}
    )  # fmt: skip

    from modeling.training.world import World  # torch: see Base.load

    world = World.joined()
    lm = base.load(dtype=config.dtype, device=world.device or config.device, quantization=config.quantization)
    lm.keep_rows_in(cache := cache_of(request))
    tell = emit if world.is_first else _silent
    tell(
        {"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name,
         "parameters": sum(parameter.numel() for parameter in lm.model.parameters()),
         "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    from modeling.training import loop

    resume_from = tuple(map(Path, request.get("resume_from") or ()))
    told = told_of(request)
    run = loop.Run(base_key=base.key, snapshot=snapshot, config=config, out=out, resume_from=resume_from, told=told)
    out.mkdir(parents=True, exist_ok=True)
    try:
        record = loop.train(run, lm, report=emit, should_stop=should_stop, world=world)
    except loop.Stopped as stop:
        tell({"event": "stopped", "step": stop.step, "checkpoint": str(stop.path)})
        return STOPPED
    finally:
        world.left()
        trim(cache, request)
    if world.is_first:
        emit(saved(record, out) | {"seconds": round(time.monotonic() - began, 3)})
    return DONE


def anchored(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Read a request's paths from its own folder."""
    whole = {"out": str(folder), **request}
    for name in ("snapshot", "out"):
        if isinstance(whole.get(name), str):
            whole[name] = str(folder / whole[name])
    if isinstance(whole.get("resume_from"), list):
        whole["resume_from"] = [str(folder / str(each)) for each in whole["resume_from"]]
    base = whole.get("base")
    if isinstance(base, dict) and isinstance(base.get("path"), str) and (folder / base["path"]).exists():
        whole["base"] = {**base, "path": str(folder / base["path"])}
    return whole


def saved(record: dict[str, Any], out: Path) -> dict[str, Any]:
    """The event that tells of a result."""
    told = ("adapter_sha256", "steps", "first_loss", "last_loss", "eval_loss")
    return {
        "event": "saved", "adapter": str(out / "adapter"), "record": str(out / "training.json"),
        **{name: record[name] for name in told},
    }  # fmt: skip


def told_of(request: dict[str, Any]) -> dict[str, str]:
    """What the model card says beyond the record."""
    return {str(name): str(text) for name, text in (request.get("card") or {}).items()}


def _silent(event: dict[str, Any]) -> None:
    """What the processes beside the first tell."""


if __name__ == "__main__":
    sys.exit(run_child("modeling.training", sys.argv[1:], work))
