"""A real BERT with random weights, small enough for a laptop: what tests and the demo read with.

It knows no language: words count as near where they are the same, and that is all it can tell.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from modeling.backbones.tiny import CORPUS, is_made

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make(folder: Path, *, seed: int = 0) -> Path:
    """Make the checkpoint directory and return it; one that is there already is left alone."""
    if is_made(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        tokenizer = _tokenizer()
        _model(len(tokenizer), seed).save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        beside.chmod(0o755)
        try:
            beside.rename(folder)
        except OSError:  # another process was quicker
            if not is_made(folder):
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _tokenizer() -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    signs = [chr(code) for code in range(33, 127)]
    words = sorted({word for line in CORPUS for word in re.findall(r"[a-z]{2,}", line.lower())})
    listed = [*SPECIAL, *signs, *(f"##{sign}" for sign in signs), *words]  # every word can be spelled
    vocabulary = {token: number for number, token in enumerate(listed)}
    return BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=64)


def _model(vocabulary: int, seed: int) -> Any:
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = BertModel(config)
    # numpy's generator gives the same numbers on every processor; torch's depends on the vector unit
    generator = np.random.Generator(np.random.PCG64(seed))
    for _, value in sorted(model.named_parameters()):
        if value.dim() >= 2:
            drawn = generator.standard_normal(size=tuple(value.shape), dtype=np.float32) * np.float32(0.2)
            value.data.copy_(torch.from_numpy(drawn))
    return model
