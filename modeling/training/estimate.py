"""How long a run may take and how much memory it may need: an estimate from measured rates, read without torch.

The rate is that of an earlier run on the same base and device. Without one, a GPU's is guessed from the operations of a
step, 6 × parameters × tokens at most (Kaplan et al. 2020, §2.1; frozen weights spare a third), at a third of its peak.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from modeling.training.config import TrainingConfig

USUAL_TOKENS = 700  # of a turn: 15 s of audio at 25 tokens a second, and 325 of text
KEPT_PER_LAYER = 10  # numbers of a token's width that a decoder layer keeps for its backward pass, besides the MLP's
GPU_OPERATIONS = 790e12 * 0.33  # a second, of a large card in bfloat16
OPENING_BYTES_PER_SECOND = 0.6e9  # of weights, from a disk


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a base's size decides time and memory."""

    width: int
    layers: int
    inner: int  # of the MLP
    vocabulary: int
    weight_bytes: int = 0

    @property
    def parameters(self) -> int:
        """Of the decoder, about."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.inner) + 2 * self.width * self.vocabulary

    @classmethod
    def of(cls, config: Mapping[str, Any], weight_bytes: int = 0) -> Self:
        """Read it off a checkpoint's config; a part that is not told is that of a 7B model."""
        whole = config.get("thinker_config") or config
        text = whole.get("text_config") or whole
        return cls(
            width=int(text.get("hidden_size") or 4096),
            layers=int(text.get("num_hidden_layers") or 32),
            inner=int(text.get("intermediate_size") or 11008),
            vocabulary=int(text.get("vocab_size") or 152_000),
            weight_bytes=weight_bytes,
        )

    @classmethod
    def in_folder(cls, folder: Path) -> Self | None:
        """Read it off a checkpoint directory; None where there is none."""
        try:
            config = json.loads((folder / "config.json").read_text())
            size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        except (OSError, ValueError):
            return None
        return cls.of(config, size) if isinstance(config, dict) else None


@dataclass(frozen=True, slots=True)
class Rate:
    """What an earlier run on the same base measured."""

    run: str  # its name
    tokens_per_second: float
    tokens_per_example: float
    beside_seconds: float  # opening the base and hearing the clips
    memory_bytes: int
    examples: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What may be said before the start; None is not known."""

    steps: int
    tokens: int
    seconds: float | None
    memory_bytes: int | None
    why: str  # what it rests on, as a sentence


def estimate(config: TrainingConfig, examples: int, *, shape: Shape | None, rate: Rate | None) -> Estimate:
    """Estimate a run over so many examples."""
    learnt = max(1, round(examples * config.fraction))
    per_epoch = math.ceil(learnt / config.examples_per_step)
    steps = config.max_steps or config.epochs * per_epoch
    each = min(rate.tokens_per_example if rate else USUAL_TOKENS, config.max_tokens)
    tokens = round(each * learnt * steps / per_epoch)
    looks = max(1, steps // config.eval_every) if config.eval_every else min(steps, 4)
    watched = 0.15 * looks * each * learnt  # validation is a forward pass alone, of fewer turns
    slower = SLOWER.get(config.variant, 1.0) * (1.3 if config.gradient_checkpointing == "on" else 1.0)
    if rate is not None:
        seconds = rate.beside_seconds * learnt / max(1, rate.examples) + slower * tokens / rate.tokens_per_second
        return Estimate(
            steps, tokens, seconds, rate.memory_bytes, f"By what the run {rate.run} measured on the same base."
        )
    if shape is None:
        why = "Nothing has been trained on this base yet, and it is not here to be looked at: the first run will tell."
        return Estimate(steps, tokens, None, None, why)
    room = weight_bytes(shape, config) + activation_bytes(shape, min(config.tokens_per_microbatch, round(each * 8)))
    if config.device == "cpu":
        return Estimate(steps, tokens, None, room, "Nothing has been trained on this base yet: time is not known.")
    work = 4 * shape.parameters * (tokens + watched / 2)
    seconds = shape.weight_bytes / OPENING_BYTES_PER_SECOND + slower * work / GPU_OPERATIONS
    return Estimate(
        steps, tokens, seconds, room, "By the size of the base, for one large GPU: nothing has been trained on it yet."
    )


SLOWER = {"dora": 2.0, "rslora": 1.0, "pissa": 1.0, "loraplus": 1.0}


def weight_bytes(shape: Shape, config: TrainingConfig) -> int:
    """Weights of the base as they are held, and those that learn with their moments."""
    held = shape.weight_bytes // 4 if config.quantization == "4bit" else shape.weight_bytes
    learning = shape.layers * config.rank * (8 * shape.width + 3 * (shape.width + shape.inner)) * 16
    return held + learning


def activation_bytes(shape: Shape, tokens: int) -> int:
    """What the decoder keeps of a microbatch for its backward pass, in two bytes a number, with its logits."""
    a_layer = KEPT_PER_LAYER * shape.width + 3 * shape.inner
    return tokens * (2 * shape.layers * a_layer) + 4 * (tokens // 8) * shape.vocabulary * 3
