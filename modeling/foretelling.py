"""What a run may take, told before its start: from earlier runs on the same base, or from the base's size."""

from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.models import Snapshot
from mixassist_site.jobs import State
from modeling.models import BaseModel, TrainingRun
from modeling.models.base_model import TINY
from modeling.training.config import TrainingConfig
from modeling.training.estimate import Estimate, Rate, Shape, estimate


def foretell(snapshot: Snapshot, base: BaseModel, config: TrainingConfig) -> Estimate:
    """Estimate a run of a snapshot's train split; with turns of content alone it may be shorter."""
    folder = Path(base.location) if base.location else Path(settings.MODELS_ROOT) / TINY
    return estimate(
        config, int(snapshot.counts.get("train") or 0), shape=Shape.in_folder(folder), rate=rate_on(base, config)
    )


def rate_on(base: BaseModel, config: TrainingConfig) -> Rate | None:
    """What the last run on this base measured, where it ran from its first step to its last and on such a device."""
    rows = TrainingRun.objects.filter(base=base, state=State.SUCCEEDED).order_by("-pk").only("name", "record")
    for run in rows[:10]:
        told: dict[str, Any] = run.record.get("measured") or {}
        fits = config.device in ("auto", run.record.get("config", {}).get("device"), run.record.get("device"))
        quantized = run.record.get("config", {}).get("quantization")
        if not told or not fits or quantized != config.quantization or told["steps"] != run.record["steps"]:
            continue
        seen = told["steps"] * run.record["config"]["examples_per_step"]
        return Rate(
            run=run.name,
            tokens_per_second=max(1e-9, told["tokens_per_second"]),
            tokens_per_example=told["tokens"] / max(1, seen),
            beside_seconds=max(0.0, told["seconds"] - told["learning_seconds"]),
            memory_bytes=told["memory_bytes"],
            examples=run.record["examples"],
        )
    return None
