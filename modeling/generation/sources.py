"""Who answers: a base and its adapters in one model, each row of a batch by a source of its own."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
from peft.tuners.lora import LoraLayer
from torch import nn

from modeling.backbones.audio_lm import AudioLM
from modeling.backbones.errors import GenerationError
from modeling.training.checkpoint import sha256_of

THE_BASE = "__base__"  # peft's word for a row that no adapter touches
Voices = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Who answers: the base by itself, or one of its adapters."""

    key: str
    adapter: Path | None = None


class Sources:
    """The base and its adapters in one model; each adapter is loaded once."""

    def __init__(self, lm: AudioLM, sources: Sequence[Source]) -> None:
        self.lm = lm
        self.sha256: dict[str, str | None] = {}
        self.apart: set[str] = set()  # sources that share no batch with others
        self.model: Any = None
        for source in sources:
            if source.key in self.sha256:
                raise GenerationError("doubled-source", f"The source {source.key} is named more than once.")
            self.sha256[source.key] = None if source.adapter is None else self._load(source.key, source.adapter)
        lm.model.eval()

    def _load(self, key: str, folder: Path) -> str:
        weights = folder / "adapter_model.safetensors"
        if not weights.is_file() or not (folder / "adapter_config.json").is_file():
            raise GenerationError(
                "adapter-missing", f"The adapter {key} has no safetensors weights in {folder}; train it again."
            )
        name = self._name(key)
        try:
            config = json.loads((folder / "adapter_config.json").read_text())
            if self.model is None:
                self.model = peft.PeftModel.from_pretrained(self.lm.model, folder, adapter_name=name)
            else:
                self.model.load_adapter(folder, adapter_name=name)
        except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GenerationError("adapter-misfit", f"The adapter {key} does not fit this base: {reason}") from None
        if config.get("use_dora") or config.get("bias", "none") != "none" or config.get("modules_to_save"):
            self.apart.add(key)  # peft mixes plain low-rank updates alone
        return sha256_of(weights)

    def close(self) -> None:
        """Take the adapters out again and leave the base as it was."""
        if self.model is not None:
            self.lm.model = self.model.unload()
            self.model = None
            vars(self.lm.model).pop("peft_config", None)  # what is left of it warns of a second adapter

    def together(self) -> list[list[str]]:
        """The sources in the groups that may share a batch."""
        mixed = [key for key in self.sha256 if key not in self.apart]
        return ([mixed] if mixed else []) + [[key] for key in self.sha256 if key in self.apart]

    @contextmanager
    def answering(self, keys: Sequence[str]) -> Iterator[Voices]:
        """Let each row of a batch be answered by its source; tell what is yielded when rows are copied or dropped."""
        names = [self._name(key) if self.sha256[key] else THE_BASE for key in keys]
        if self.model is None:
            yield _nobody
        elif set(names) == {THE_BASE}:
            with self.model.disable_adapter():
                yield _nobody
        elif len(set(names)) == 1:
            self.model.set_adapter(names[0], inference_mode=True)
            yield _nobody
        else:
            with _mixed(self.model, names) as tell:
                yield lambda kept: tell([self._name(key) if self.sha256[key] else THE_BASE for key in kept])

    @staticmethod
    def _name(key: str) -> str:
        return "a" + hashlib.sha256(key.encode()).hexdigest()[:16]  # torch takes no dots in a module's name


def _nobody(keys: Sequence[str]) -> None:
    """All rows have one voice: there is nothing to tell."""


@contextmanager
def _mixed(model: nn.Module, names: list[str]) -> Iterator[Callable[[list[str]], None]]:
    """Hand every LoRA layer the adapter of each row (peft's `adapter_names`), below peft's own forward."""
    current = names

    def whose(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"adapter_names": current}

    def tell(kept: list[str]) -> None:
        nonlocal current
        current = kept

    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    hooks = [layer.register_forward_pre_hook(whose, with_kwargs=True) for layer in layers]
    try:
        yield tell
    finally:
        for hook in hooks:
            hook.remove()
