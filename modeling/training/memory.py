"""What a step needs of a GPU's memory, and what is there."""

import gc
import resource
from collections.abc import Sequence

import torch

from modeling.backbones.audio_lm import AudioLM, Encoded
from modeling.training.config import TrainingConfig
from modeling.training.estimate import Shape, activation_bytes

SPARE = 0.85  # of what is free; fragments and work space take the rest


def peak(device: torch.device) -> int:
    """The most memory that was in use at once, in bytes: the GPU's, or this process's own."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def free() -> None:
    """Give back what no tensor holds."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def asks_for_checkpointing(config: TrainingConfig, lm: AudioLM, examples: Sequence[Encoded]) -> bool:
    """Whether layers are computed twice rather than kept: as the config says, or where the GPU is too small."""
    if config.gradient_checkpointing != "auto":
        return config.gradient_checkpointing == "on"
    if lm.device.type != "cuda":
        return False
    longest = max(map(len, examples))
    tokens = max(longest, min(config.tokens_per_microbatch, config.examples_per_step * longest))
    room, _ = torch.cuda.mem_get_info(lm.device)
    return activation_bytes(Shape.of(lm.model.config.to_dict()), tokens) > SPARE * room
