"""Train many adapters on one base in one process: `python -m modeling.training.sweep REQUEST.json`.

The request:

    {"base": {...},                                          # as of modeling.training
     "runs": [{"key": "12", "snapshot", "config", "out", "resume_from", "card"}, …],    # as of modeling.training
     "cache": {"folder", "bytes"}}

The base is opened once, every clip is heard once, and each run leaves the base as it found it, so its adapter is,
to the byte on a CPU, the one that it would leave alone. The events are those of modeling.training, each with its "run";
a run that can't be trained is told as {"event": "failed", "run", "code", "message"}, and the others go on. At the end:

    {"event": "done", "trained", "failed"}

Exit codes and SIGTERM: as of modeling.training; a stop ends the whole sweep, with a checkpoint of the run at hand.
"""

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from modeling.backbones.base import Base
from modeling.backbones.errors import CoreError, TrainingError
from modeling.backbones.keeping import cache_of, trim
from modeling.training.__main__ import saved, told_of
from modeling.training.child import DONE, STOPPED, Emit, describe, run_child
from modeling.training.config import TrainingConfig
from modeling.training.examples import content_hash

log = logging.getLogger(__name__)


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    base = Base.from_request(request.get("base"))
    wanted = request.get("runs")
    if not isinstance(wanted, list) or not all(_is_run(each) for each in wanted):
        raise TrainingError("bad-request", "The request needs runs, each with a key, a snapshot and a folder (out).")
    configs = [TrainingConfig.from_dict(each.get("config") or {}, base_kind=base.kind) for each in wanted]
    cache, lm, opened, counts = cache_of(request), None, None, {"trained": 0, "failed": 0}
    for each, config in zip(wanted, configs, strict=True):
        tell = partial(_tell, emit, each["key"])
        out, snapshot = Path(each["out"]), Path(each["snapshot"])
        try:
            tell({"event": "started", "config_hash": config.hash(), "snapshot_hash": content_hash(snapshot)})
            asked = (config.dtype, config.device, config.quantization)
            if lm is None or asked != opened:
                lm, opened = None, asked  # the one before gives its memory back first
                lm = base.load(dtype=config.dtype, device=config.device, quantization=config.quantization)
                lm.keep_rows_in(cache)
            from modeling.training import loop  # torch: see Base.load

            tell({"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name})
            out.mkdir(parents=True, exist_ok=True)
            run = loop.Run(
                base_key=base.key,
                snapshot=snapshot,
                config=config,
                out=out,
                resume_from=tuple(map(Path, each.get("resume_from") or ())),
                told=told_of(each),
            )
            try:
                record = loop.train(run, lm, report=tell, should_stop=should_stop)
            except loop.Stopped as stop:
                tell({"event": "stopped", "step": stop.step, "checkpoint": str(stop.path)})
                return STOPPED
            tell(saved(record, out))
            counts["trained"] += 1
        except CoreError as error:
            tell({"event": "failed", "code": error.code, "message": error.sentence})
            counts["failed"] += 1
        except Exception as error:  # one run's misfortune is not the others'
            log.exception("run %s failed", each["key"])
            tell({"event": "failed", **describe(error)})
            counts["failed"] += 1
    trim(cache, request)
    emit({"event": "done", **counts})
    return DONE


def _is_run(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("key", "snapshot", "out"))


def _tell(emit: Emit, key: str, event: dict[str, Any]) -> None:
    emit({**event, "run": key})


if __name__ == "__main__":
    sys.exit(run_child("modeling.training.sweep", sys.argv[1:], work))
