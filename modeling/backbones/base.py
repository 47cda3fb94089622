"""Which base model a request names, and how it is opened."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from modeling.backbones.errors import BackboneError

if TYPE_CHECKING:
    from modeling.backbones.audio_lm import AudioLM


@dataclass(frozen=True, slots=True)
class Base:
    kind: str  # "tiny" or a family; it picks the preset of a training config
    key: str  # the site's name for it, which goes into what is made from it
    path: str  # a checkpoint directory or a hub id
    revision: str | None = None  # of a hub id

    @classmethod
    def from_request(cls, value: Any) -> Self:
        if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in ("kind", "key", "path")):
            raise BackboneError("bad-request", "The request's base needs a kind, a key and a path.")
        return cls(kind=value["kind"], key=value["key"], path=value["path"], revision=value.get("revision"))

    def require_own(self, adapter: Path) -> None:
        """Refuse an adapter that names another base: where shapes are equal it would load, and answer nonsense."""
        try:
            named = json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"]
        except (OSError, ValueError, KeyError, TypeError):
            return  # whoever opens it says what is missing
        if named and named != self.key:
            raise BackboneError(
                "adapter-misfit",
                f"The adapter was trained on {named}, not on {self.key}; let it answer on its own base.",
            )

    def load(self, *, dtype: str, device: str, quantization: str | None = None) -> "AudioLM":
        """Open the base model; the tiny one is made where it is missing."""
        # deterministic products on a GPU need this before CUDA starts; tokenizers need no threads of their own
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from modeling.backbones import audio_lm, tiny  # torch takes seconds: a wrong request is told before

        if self.kind == "tiny":
            tiny.make(Path(self.path))
        return audio_lm.load(self.path, self.revision, dtype=dtype, device=device, quantization=quantization)
