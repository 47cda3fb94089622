"""The adapter: where LoRA goes, how its variants begin and learn, and the folder that peft and vLLM load.

lora      h = W x + (α / r) B A x                             Hu et al. 2021
rslora    the scale is α / √r                                 Kalajdzievski 2023
dora      direction and magnitude apart                       Liu et al. 2024
pissa     A, B begin as W's principal parts                   Meng et al. 2024
loraplus  B learns `loraplus_ratio` times as fast as A        Hayou et al. 2024
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peft
import safetensors.torch
import torch
from torch import Tensor

from modeling.backbones.audio_lm import AudioLM
from modeling.backbones.errors import TrainingError
from modeling.training import checkpoint as checkpoints
from modeling.training.config import TrainingConfig

WIDE = 2048  # from here on, the principal parts are found by iterations: a whole decomposition takes minutes a layer


def add_adapter(lm: AudioLM, config: TrainingConfig, *, checkpointing: bool = False) -> Any:
    """Put LoRA into the layers that may learn, and check that it went nowhere else."""
    names = lm.linear_names(config.scope)
    settings = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="|".join(name.replace(".", r"\.") for name in names),  # a pattern matches whole names
        bias="none",
        use_rslora=config.variant == "rslora",
        use_dora=config.variant == "dora",
        init_lora_weights=_beginning(lm, names, config),
    )
    if checkpointing:
        lm.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model = peft.get_peft_model(lm.model, settings, autocast_adapter_dtype=True)
    adapted = sorted(
        name.removeprefix("base_model.model.") for name, module in model.named_modules() if hasattr(module, "lora_A")
    )
    if adapted != names:
        raise TrainingError("wrong-layers", "The adapter went into other layers than it was meant for.")
    return model


def _beginning(lm: AudioLM, names: list[str], config: TrainingConfig) -> Any:
    if config.variant != "pissa":
        return True
    shapes = [tuple(lm.model.get_submodule(name).weight.shape) for name in names]
    if narrow := [name for name, shape in zip(names, shapes, strict=True) if min(shape) < config.rank]:
        raise TrainingError(
            "rank-too-high", f"The layer {narrow[0]} has fewer principal parts than the rank {config.rank}; lower it."
        )
    return "pissa" if max(max(shape) for shape in shapes) < WIDE else "pissa_niter_16"


@contextmanager
def adapted(lm: AudioLM, config: TrainingConfig, *, checkpointing: bool = False) -> Iterator[Any]:
    """Give the base an adapter for a while, and leave it as it was: the next run begins on the same bytes."""
    kept: dict[str, Tensor] = {}
    if config.variant == "pissa":  # what learns is taken out of the weights
        kept = {name: lm.model.get_submodule(name).weight.data.cpu().clone() for name in lm.linear_names(config.scope)}
    model = add_adapter(lm, config, checkpointing=checkpointing)
    try:
        yield model
    finally:
        model.unload()
        if hasattr(lm.model, "peft_config"):
            del lm.model.peft_config
        for name, value in kept.items():
            lm.model.get_submodule(name).weight.data.copy_(value)
        if checkpointing:
            lm.model.gradient_checkpointing_disable()
        lm.model.requires_grad_(False)
        lm.model.eval()


def groups(learning: dict[str, torch.nn.Parameter], config: TrainingConfig) -> list[dict[str, Any]]:
    """Parameter groups of the optimizer, each with how many times the run's learning rate it takes."""
    if config.variant != "loraplus":
        return [{"params": list(learning.values()), "times": 1.0}]
    fast = [value for name, value in learning.items() if ".lora_B." in name]
    slow = [value for name, value in learning.items() if ".lora_B." not in name]
    return [{"params": slow, "times": 1.0}, {"params": fast, "times": config.loraplus_ratio}]


def beginning_of(learning: dict[str, torch.nn.Parameter], config: TrainingConfig) -> dict[str, Tensor]:
    """The first values of what learns, where the saved adapter needs them; they follow from base and seed."""
    if config.variant != "pissa":
        return {}
    return {name: value.detach().cpu().clone() for name, value in learning.items()}


def save_adapter(
    model: Any,
    base_key: str,
    folder: Path,
    *,
    began: dict[str, Tensor] | None = None,
    describe: Callable[[str], dict[str, str]] = lambda sha256: {},
) -> str:
    """Write the adapter in peft's own form, the same bytes for the same weights, and return its sha256.

    An adapter that began as a part of the weights (pissa) is written as the difference that it makes to the untouched
    base, W + s (B A − B₀ A₀), which is a LoRA of twice the rank: any base that was never taken apart can load it.
    `describe` gives the texts of further files by name, from the sha256.
    """
    weights: dict[str, Tensor] = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    weights = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    # peft would write the path that the base was loaded from; the base's key is the same on every machine
    told: dict[str, Any] = {"base_model_name_or_path": base_key, "revision": None, "inference_mode": True}
    told |= {"auto_mapping": None}
    settings = model.peft_config["default"].to_dict()
    if began:
        weights = {name: _difference(name, value, began) for name, value in weights.items()}
        told |= {"r": 2 * settings["r"], "lora_alpha": 2 * settings["lora_alpha"], "init_lora_weights": True}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in (settings | told).items()}
    with checkpoints.placing(folder.with_name(f".{folder.name}-writing"), folder) as beside:
        safetensors.torch.save_file(weights, beside / "adapter_model.safetensors", metadata={"format": "pt"})
        (beside / "adapter_config.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n")
        sha256 = checkpoints.sha256_of(beside / "adapter_model.safetensors")
        for name, text in describe(sha256).items():
            (beside / name).write_text(text)
    return sha256


def _difference(name: str, value: Tensor, began: dict[str, Tensor]) -> Tensor:
    first = began[name.replace(".lora_A.weight", ".lora_A.default.weight").replace(
        ".lora_B.weight", ".lora_B.default.weight"
    )].to(value.dtype)  # fmt: skip
    if ".lora_A." in name:
        return torch.cat([value, first], dim=0).contiguous()
    return torch.cat([value, -first], dim=1).contiguous()
