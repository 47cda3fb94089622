"""Train one adapter in a process of its own: `python -m modeling.training REQUEST.json`.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio",   # picks the preset of config.py; a missing "tiny" folder is made
              "key": "tiny",                    # the name that goes into adapter_config.json and training.json
              "path": "/…/bases/tiny",          # a checkpoint directory or a hub id (Qwen/Qwen2-Audio-7B-Instruct)
              "revision": null},                # a hub revision; null for a directory
     "snapshot": "/…/snapshots/12",             # holds data/, turns/, audio/ and manifest.json
     "config": {"learning_rate": 0.003},        # whatever differs from the preset; an unknown key is refused
     "out": "/…/runs/7/attempt-2",              # the result's folder; checkpoints lie under out/checkpoints
     "resume_from": ["/…/runs/7/attempt-1"]}    # folders searched, with out, for the newest complete checkpoint

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",    "pid", "config_hash", "snapshot_hash", "base"}
    {"event": "loaded",     "base_revision", "device", "dtype", "parameters", "seconds"}
    {"event": "cached",     "examples", "validation", "skipped": {reason: n}, "clips", "audio_cut", "history_cut",
                            "tokens", "answer_tokens", "seconds"}
    {"event": "resumed",    "step", "checkpoint"}                                     # only when a checkpoint was found
    {"event": "step",       "step", "steps", "epoch", "loss", "lr", "grad_norm", "tokens", "answer_tokens", "seconds"}
    {"event": "eval",       "step", "loss", "answer_tokens"}
    {"event": "checkpoint", "step", "path"}
    {"event": "saved",      "adapter", "record", "adapter_sha256", "steps", "first_loss", "last_loss", "eval_loss",
                            "seconds"}
    {"event": "stopped",    "step", "checkpoint"}                                     # SIGTERM was heeded
    {"event": "error",      "code", "message"}                                        # a sentence a person can act on

Exit codes: 0 saved · 1 error · 2 wrong usage · 3 stopped at a checkpoint after SIGTERM · 4 the parent is gone.
SIGTERM stops at the next optimizer step. When standard input is a pipe, its end means that the parent died, and
this process ends at once; so a parent holds the pipe open and writes nothing to it.

The result: out/adapter/{adapter_model.safetensors, adapter_config.json} and out/training.json, each written beside
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
from modeling.training.child import DONE, STOPPED, Emit, run_child
from modeling.training.config import TrainingConfig
from modeling.training.examples import content_hash


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    began = time.monotonic()
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

    lm = base.load(dtype=config.dtype, device=config.device, quantization=config.quantization)
    emit(
        {"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name,
         "parameters": sum(parameter.numel() for parameter in lm.model.parameters()),
         "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    from modeling.training import loop  # torch: see Base.load

    resume_from = tuple(map(Path, request.get("resume_from") or ()))
    run = loop.Run(base_key=base.key, snapshot=snapshot, config=config, out=out, resume_from=resume_from)
    out.mkdir(parents=True, exist_ok=True)
    try:
        record = loop.train(run, lm, report=emit, should_stop=should_stop)
    except loop.Stopped as stop:
        emit({"event": "stopped", "step": stop.step, "checkpoint": str(stop.path)})
        return STOPPED
    told = ("adapter_sha256", "steps", "first_loss", "last_loss", "eval_loss")
    emit(
        {"event": "saved", "adapter": str(out / "adapter"), "record": str(out / "training.json"),
         **{name: record[name] for name in told}, "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    return DONE


if __name__ == "__main__":
    sys.exit(run_child("modeling.training", sys.argv[1:], work))
