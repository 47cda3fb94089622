"""Measure answers in a process of its own, without a database: `python -m evaluation.metrics REQUEST.json`.

The request, as the worker writes it:

    {"references": {item: text}, "answers": {contender: {item: text}}, "contenders": [contender, …],
     "out": "/…/result.json", "seed": 0,
     "bertscore": {"model": "tiny" | "/…/roberta-large" | "roberta-large", "layer": 0, "revision": "",
                   "baseline": null, "tiny": "/…/models/tiny-bert"} | null}

Standard output holds one JSON object a line: {"event": "step", "done", "total", "note"}, {"event": "saved", "out"},
{"event": "stopped"} or {"event": "error", "code", "message"}. Exit codes are those of `modeling.training`. A model that
can't be opened costs BERTScore alone: the result says why there is none.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotation.audio.whole import whole_file
from evaluation.metrics.measuring import measure
from modeling.backbones.errors import CoreError
from modeling.training.child import DONE, STOPPED, Emit, run_child

TINY = "tiny"


class Stopped(Exception):
    """The work was asked to stop, and has."""


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    """Open the model, score everyone, write."""
    for name in ("references", "answers", "contenders", "out"):
        if not request.get(name):
            raise CoreError("bad-request", f"The request needs {name}.")
    asked = request.get("bertscore") or {}
    reader, why = _opened(asked)

    def step(done: int, total: int, note: str) -> None:
        if should_stop():
            raise Stopped
        emit({"event": "step", "done": done, "total": total, "note": note})

    try:
        told = measure(
            request["references"],
            {name: request["answers"][name] for name in request["contenders"]},
            reader=reader,
            baseline=asked.get("baseline"),
            seed=int(request.get("seed") or 0),
            on_progress=step,
        )
    except Stopped:
        emit({"event": "stopped"})
        return STOPPED
    if why:
        told["limits"].insert(0, f"There is no BERTScore. {why}")
    with whole_file(Path(request["out"])) as part:
        part.write_text(json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    emit({"event": "saved", "out": request["out"]})
    return DONE


def _opened(asked: dict[str, Any]) -> tuple[Any, str]:
    """The model, or the sentence why there is none."""
    if not asked.get("model"):
        return None, "No model is named in BERTSCORE_MODEL."
    from evaluation.metrics.bertscore import Reader  # torch takes seconds: a wrong request is told before

    name = asked["model"]
    try:
        if name == TINY:
            from evaluation.metrics import tiny

            reader = Reader.open(str(tiny.make(Path(asked["tiny"]))), layer=int(asked.get("layer") or 0))
            reader.name = TINY
            return reader, ""
        return Reader.open(name, layer=int(asked.get("layer") or 0), revision=asked.get("revision") or ""), ""
    except CoreError as error:
        return None, error.sentence


if __name__ == "__main__":
    sys.exit(run_child("evaluation.metrics", sys.argv[1:], work))
