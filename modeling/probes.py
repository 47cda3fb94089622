"""Start a probe of what a base hears, and lay its scores out for a page."""

import uuid
from typing import Any

from annotation.models import Person, Project
from modeling.launch import LaunchError, queue_job
from modeling.models import Adapter, BaseModel, EncoderProbe

LEAST_CLIPS, MOST_CLIPS = 40, 2000
STAGES = {  # as modeling.probing.verdict names them, without loading what it needs
    "clip": "Clip, two channels",
    "mel": "Clip, mono (baseline)",
    "tower": "After the encoder",
    "projector": "After the projector",
    "answer": "Answers",
}
WHERE = {
    "nowhere": "not lost: the answers tell it",
    "language model": "lost in the language model: encoder and projector pass it on, the answers don't tell it",
    "projector": "lost in the projector: the encoder hears it",
    "encoder": "lost in the encoder: it is in the clip",
    "before": "lost before the encoder: it is gone once both channels are mixed to one",
    "not asked": "heard up to the language model, which was not asked",
    "unknown": "not shown by the baseline or any stage; more clips may tell",
}
PROPERTIES = {
    "tempo": "Tempo", "key": "Key", "instrument": "Instrument", "level": "Level", "pan": "Pan", "tilt": "Spectral tilt"
}  # fmt: skip


def start_probe(
    *,
    project: Project,
    base: BaseModel | None = None,
    adapter: Adapter | None = None,
    clips: int = 240,
    seed: int = 0,
    asks: bool = True,
    by: Person | None = None,
    key: uuid.UUID | None = None,
) -> EncoderProbe:
    """Queue a probe; the same key twice is one. Raises LaunchError for what can't be probed."""
    if key and (earlier := EncoderProbe.objects.filter(key=key, project=project).first()):
        return earlier
    if adapter is not None:
        if adapter.project != project:
            raise LaunchError("no-adapter", "Choose an adapter of this project.")
        base = adapter.base
    if base is None:
        raise LaunchError("no-base", "Choose a base model or an adapter.")
    if not LEAST_CLIPS <= clips <= MOST_CLIPS:
        raise LaunchError("bad-count", f"A probe listens to {LEAST_CLIPS} to {MOST_CLIPS} clips, not {clips}.")
    if not 0 <= seed < 2**31:
        raise LaunchError("bad-seed", "The seed must be a whole number from 0 to 2147483647.")
    job = EncoderProbe(
        project=project, base=base, adapter=adapter, clips=clips, seed=seed, asks=asks, created_by=by
    )  # fmt: skip
    return queue_job(job, key)


def laid_out(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each property: its scores in the order of the stages, and where it is lost."""
    rows = []
    for name, told in (record.get("properties") or {}).items():
        cells = [told["stages"].get(stage) for stage in STAGES]
        rows.append({
            "name": PROPERTIES.get(name, name),
            "is_class": bool(told["chance"]),
            "chance": told["chance"],
            "cells": [cell and cell | {"filled": max(0.0, min(1.0, cell["score"]))} for cell in cells],
            "where": WHERE.get(told["where"], told["where"]),
            "is_lost": told["where"] not in ("nowhere", "not asked"),
            "read": told["read"],
        })  # fmt: skip
    return rows
