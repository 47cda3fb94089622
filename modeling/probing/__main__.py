"""Probe an encoder in a process of its own: `python -m modeling.probing REQUEST.json`.

The request:

    {"base": {"kind", "key", "path", "revision"}, "adapter": "/…/adapter" | null, "clips": 240, "seed": 0,
     "seconds": 6.0, "asks": true}

Events, one JSON object a line:

    {"event": "loaded",   "base_revision", "device", "dtype", "versions", "adapter_sha256"}
    {"event": "progress", "what", "done", "total"}
    {"event": "probed",   "properties": {name: {"stages": {stage: {"score", "low", "high", "floor", "heard"}}, "where",
                                                "chance", "read"}}}
    {"event": "error",    "code", "message"}

Exit codes as in modeling.generation.
"""

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modeling.backbones.base import Base
from modeling.backbones.errors import GenerationError
from modeling.training.child import DONE, STOPPED, Emit, run_child
from modeling.training.config import defaults_for

LEAST_CLIPS, MOST_CLIPS = 40, 2000


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    base = Base.from_request(request.get("base"))
    clips = request.get("clips", 240)
    if not isinstance(clips, int) or not LEAST_CLIPS <= clips <= MOST_CLIPS:
        raise GenerationError("bad-request", f"A probe listens to {LEAST_CLIPS} to {MOST_CLIPS} clips.")
    adapter = Path(request["adapter"]) if request.get("adapter") else None
    if adapter is not None:
        base.require_own(adapter)
    from modeling.probing import hearing, run  # torch takes seconds: a wrong request is told before
    from modeling.training.checkpoint import sha256_of

    preset = defaults_for(base.kind)
    lm = base.load(dtype=preset.get("dtype", "auto"), device=preset.get("device", "auto"))
    weights = adapter / "adapter_model.safetensors" if adapter else None
    emit(
        {"event": "loaded", "base_revision": lm.revision, "device": str(lm.device), "dtype": lm.dtype_name,
         "versions": {name: version(name) for name in ("torch", "transformers", "peft", "numpy", "scipy")},
         "adapter_sha256": sha256_of(weights) if weights and weights.is_file() else None}
    )  # fmt: skip
    told = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > 0.5 or done == total:
            told = time.monotonic()
            emit({"event": "progress", "what": what, "done": done, "total": total})

    try:
        properties = run.probe(
            lm,
            clips=clips,
            seed=int(request.get("seed", 0)),
            seconds=float(request.get("seconds", 6.0)),
            adapter=adapter,
            asks=bool(request.get("asks", True)),
            tell=tell,
            should_stop=should_stop,
        )
    except hearing.Stopped:
        return STOPPED
    emit({"event": "probed", "properties": properties})
    return DONE


if __name__ == "__main__":
    sys.exit(run_child("modeling.probing", sys.argv[1:], work))
