"""What a model has of a clip at each stage: mel statistics, encoder rows, projected rows, pooled over time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modeling.backbones.audio_lm import AudioLM
from modeling.backbones.errors import BackboneError
from modeling.backbones.example import Example
from modeling.probing.clips import Clip, mel_statistics

PROJECTORS = ("multi_modal_projector", "audio_tower.proj")  # as the families call what follows their encoder


class Stopped(Exception):
    """Somebody asked to stop."""


def features(
    lm: AudioLM,
    clips: Sequence[Clip],
    folder: Path,
    *,
    heard: Callable[[int], None] = lambda done: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, np.ndarray]:
    """Features of each stage, shape (clips, width): clip (stereo mel), mel (mono), tower, projector.

    The clips are written to `folder` as clip-<number>.wav and heard as any example is. Raises Stopped between clips.
    """
    projector = projector_of(lm.model)
    stages: dict[str, list[np.ndarray]] = {"clip": [], "mel": [], "tower": [], "projector": []}
    for at, clip in enumerate(clips):
        if should_stop():
            raise Stopped
        example = Example(row=f"probe/{at}", user="Listen.", audio=clip.write(folder / f"clip-{at}.wav"))
        encoded = lm.encode(example, with_answer=False)
        lm.heard.pop(str(encoded.clip_key), None)
        with _caught(projector) as caught:
            rows = lm.hear(encoded)
        stages["clip"].append(mel_statistics([clip.sound[:, 0], clip.sound[:, 1]]))
        stages["mel"].append(mel_statistics([clip.mono]))
        stages["tower"].append(_pooled(_rows_of(caught, len(rows))))
        stages["projector"].append(_pooled(rows))
        heard(at + 1)
    return {stage: np.stack(found) for stage, found in stages.items()}


def projector_of(model: nn.Module) -> nn.Module:
    """The module between encoder and language model; BackboneError for a family where it is not known."""
    for name, module in model.named_modules():
        if name.endswith(PROJECTORS):
            found: nn.Module = module
            return found
    raise BackboneError(
        "no-projector", "This family's encoder and projector can't be told apart here; probe one of another family."
    )


@contextmanager
def _caught(projector: nn.Module) -> Iterator[list[Tensor]]:
    """What goes into the projector: the encoder's output."""
    found: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        found.append(given[0].detach())

    hook = projector.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        yield found
    finally:
        hook.remove()


def _rows_of(caught: list[Tensor], count: int) -> Tensor:
    """The rows that belong to the clip; those of the padding come after them."""
    whole = torch.cat([one.reshape(-1, one.shape[-1]) for one in caught])
    return whole[:count] if len(whole) >= count else whole


def _pooled(rows: Tensor) -> np.ndarray:
    """Mean and greatest value over time, shape (2 × width,)."""
    rows = rows.float().cpu()
    pooled: np.ndarray = torch.cat([rows.mean(0), rows.max(0).values]).numpy().astype(np.float64)
    return pooled
