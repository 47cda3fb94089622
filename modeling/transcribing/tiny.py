"""A real Whisper with random weights, small enough for a laptop: what tests and the demo transcribe with.

Class, processor, special tokens and alignment heads are those of the published models; only the sizes are a toy's. It
hears nothing and says nothing sensible, in the form in which a real one does.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from modeling.backbones.tiny import CORPUS, is_made

VOCABULARY = 400
LANGUAGES = ("en", "de", "zh")
STEPS = 1501  # timestamps, a fiftieth of a second apart
WORDS = 40  # tokens that it may say at once


def make(folder: Path, *, seed: int = 0, alignment: bool = True) -> Path:
    """Make the checkpoint directory and return it; one that is there already is left alone."""
    if is_made(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        tokenizer = _tokenizer()
        extractor = WhisperFeatureExtractor(feature_size=80)  # type: ignore[no-untyped-call]
        _model(tokenizer, seed, alignment=alignment).save_pretrained(beside)
        WhisperProcessor(extractor, tokenizer).save_pretrained(beside)  # type: ignore[no-untyped-call]
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
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    learnt.train_from_iterator(CORPUS, trainer)
    said = json.loads(learnt.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in said["merges"]]
    tokenizer: Any = WhisperTokenizer(vocab=said["vocab"], merges=merges)
    special = ["<|startoftranscript|>", *(f"<|{name}|>" for name in LANGUAGES)]
    special += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(STEPS)])
    return tokenizer


def _model(tokenizer: Any, seed: int, *, alignment: bool) -> Any:
    number = tokenizer.convert_tokens_to_ids
    first, end = number("<|startoftranscript|>"), tokenizer.eos_token_id
    config = WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=80, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        max_target_positions=128, decoder_start_token_id=first, bos_token_id=end, eos_token_id=end, pad_token_id=end,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = WhisperForConditionalGeneration(config)
    # numpy's generator gives the same numbers on every processor; torch's depends on the vector unit
    generator = np.random.Generator(np.random.PCG64(seed))
    for name, value in sorted(model.named_parameters()):
        if value.dim() >= 2 and "encoder.embed_positions" not in name:
            drawn = generator.standard_normal(size=tuple(value.shape), dtype=np.float32) * np.float32(0.4)
            value.data.copy_(torch.from_numpy(drawn))
    more: dict[str, Any] = {"alignment_heads": [[1, 0], [1, 1]]} if alignment else {}
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=end, eos_token_id=end, pad_token_id=end, decoder_start_token_id=first, is_multilingual=True,
        lang_to_id={f"<|{name}|>": number(f"<|{name}|>") for name in LANGUAGES},
        task_to_id={name: number(f"<|{name}|>") for name in ("translate", "transcribe")},
        no_timestamps_token_id=number("<|notimestamps|>"), prev_sot_token_id=number("<|startofprev|>"),
        max_initial_timestamp_index=50, max_length=WORDS, return_timestamps=False, **more,
    )  # fmt: skip
    return model
