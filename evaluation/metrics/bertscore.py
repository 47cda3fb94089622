"""BERTScore from the model itself: how near the words of an answer are to the expert's in a language model's eyes."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from evaluation.metrics.resampling import Array, others
from modeling.backbones.errors import CoreError

# The layer that agreed best with people, by the authors' table (Zhang et al. 2020; their code, version 0.3.13).
LAYERS = {
    "bert-base-uncased": 9, "bert-large-uncased": 18, "distilbert-base-uncased": 5, "distilroberta-base": 5,
    "microsoft/deberta-base-mnli": 9, "microsoft/deberta-large-mnli": 18, "microsoft/deberta-xlarge-mnli": 40,
    "roberta-base": 10, "roberta-large": 17, "roberta-large-mnli": 19,
}  # fmt: skip
BATCH = 16
ROUNDS = 4  # of the references against each other, from which a baseline is measured


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """One text as a model sees it: unit vectors, (T, D), and which of them count, (T,); markers of the model don't."""

    vectors: Array
    weight: Array


class Reader:
    """A language model that reads texts up to one layer."""

    def __init__(self, model: Any, tokenizer: Any, layer: int, name: str, revision: str) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.layer = layer
        self.name = name
        self.revision = revision
        self.cut = 0  # texts longer than the model reads
        room = int(getattr(model.config, "max_position_embeddings", 512))
        padded = getattr(model.config, "model_type", "") in ("roberta", "xlm-roberta", "camembert")
        self.room = min(room - 2 if padded else room, int(tokenizer.model_max_length))

    @classmethod
    def open(cls, name: str, *, layer: int = 0, revision: str = "", device: str = "auto") -> "Reader":
        """Open a model by its hub id or folder; layer 0: the authors' choice for it, else the last.

        Raises CoreError where the model is not there, or has no such layer.
        """
        try:
            known: dict[str, Any] = {"revision": revision} if revision and not Path(name).is_dir() else {}
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **known)
            model = transformers.AutoModel.from_pretrained(name, **known).eval()
        except (OSError, ValueError) as error:
            raise CoreError(
                "no-bertscore-model",
                f"BERTScore's model {name} can't be opened here; put it in HF_HOME, or name another in BERTSCORE_MODEL."
                f" ({str(error).splitlines()[0][:200] if str(error) else type(error).__name__})",
            ) from None
        depth = int(getattr(model.config, "num_hidden_layers", 0) or 0)
        layer = layer or min(LAYERS.get(name, depth), depth)
        if not 1 <= layer <= depth:
            raise CoreError("no-such-layer", f"{name} has layers 1 to {depth}; BERTSCORE_LAYER asks for {layer}.")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(
            model.to(device), tokenizer, layer, name, revision or getattr(model.config, "_commit_hash", "") or ""
        )

    @torch.inference_mode()
    def read(self, texts: Sequence[str], on_batch: Callable[[int], None] = lambda done: None) -> list[Words]:
        """Read texts into their tokens' vectors, in the order given; alike long ones at once: little is padded."""
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        found: dict[int, Words] = {}
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            whole = self.tokenizer([texts[index] for index in some], add_special_tokens=True)["input_ids"]
            self.cut += sum(len(ids) > self.room for ids in whole)
            taken = self.tokenizer(
                [texts[index] for index in some], padding=True, truncation=True, max_length=self.room,
                return_tensors="pt", return_special_tokens_mask=True,
            )  # fmt: skip
            marks = taken.pop("special_tokens_mask").numpy()
            there = taken["attention_mask"].numpy().astype(bool)
            told = self.model(**taken.to(self.model.device), output_hidden_states=True)
            layer = torch.nn.functional.normalize(told.hidden_states[self.layer].float(), dim=-1).cpu().numpy()
            for row, index in enumerate(some):
                kept = there[row]
                found[index] = Words(layer[row][kept], (1.0 - marks[row][kept]).astype(np.float64))
            on_batch(len(found))
        return [found[index] for index in range(len(texts))]

    def record(self) -> dict[str, Any]:
        """What another must know to get the same scores."""
        return {
            "model": self.name,
            "revision": self.revision,
            "weights_sha256": self._digest(),
            "layer": self.layer,
            "idf": False,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "cut": self.cut,
        }

    def _digest(self) -> str:
        seen = hashlib.sha256()
        for name, value in sorted(self.model.state_dict().items()):
            seen.update(name.encode())
            seen.update(np.ascontiguousarray(value.float().cpu().numpy()).tobytes())
        return seen.hexdigest()


def f1(answer: Words, reference: Words) -> float:
    """Return F1 of greedy matching: each token with its nearest on the other side, by cosine (Zhang et al. 2020).

    0 where a side has no word.
    """
    if not answer.weight.sum() or not reference.weight.sum():
        return 0.0
    near = answer.vectors @ reference.vectors.T
    precision = float(near.max(axis=1) @ answer.weight / answer.weight.sum())
    recall = float(near.max(axis=0) @ reference.weight / reference.weight.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def scores(answers: Sequence[Words], references: Sequence[Words]) -> Array:
    """Return the raw F1 of each answer, shape (N,)."""
    return np.array([f1(each, other) for each, other in zip(answers, references, strict=True)], dtype=np.float64)


def baseline(references: Sequence[Words], seed: int = 0) -> float | None:
    """Measure what unrelated texts of the same kind score: the mean of references against other items' references.

    None with fewer than two references, or where even these are alike throughout.
    """
    found = []
    for turn in range(min(ROUNDS, len(references) - 1)):
        partner = others(len(references), seed + turn)
        assert partner is not None
        found.append(scores(references, [references[index] for index in partner]))
    value = float(np.mean(found)) if found else None
    return value if value is not None and value < 1 - 1e-6 else None


def rescaled(raw: Array, base: float) -> Array:
    """Put the baseline at 0 and a copy at 1: (F - b) / (1 - b) (Zhang et al. 2020, appendix)."""
    return (raw - base) / (1 - base)
