"""A real Qwen2-Audio with random weights, small enough for a laptop: the tests' and the demo's base model.

Class, processor, chat template and audio path are those of the 7B model; only the sizes are a toy's. It hears and
says nothing sensible, but it learns by heart, so that every step from a clip to a rated answer is real.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    Qwen2Tokenizer,
    WhisperFeatureExtractor,
)
from transformers.models.qwen2_audio.configuration_qwen2_audio import Qwen2AudioEncoderConfig

VOCABULARY = 512
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_bos|>", "<|audio_eos|>", "<|AUDIO|>")
# std 0.02 caps the logits of a frozen head, and the loss would stall near 5
HEAD_SCALE = 8.0

CORPUS = (
    "The kick and the bass are fighting around eighty hertz, so cut a little of the bass there.",
    "Could you solo the drum overheads? I think the cymbals are harsh above eight kilohertz.",
    "Try a slower attack on the compressor, then the snare keeps its snap.",
    "Pan the two guitars apart and bring the vocal up by one or two decibels.",
    "What do you hear when the keys come in? The reverb is too long for this tempo.",
    "I would high-pass the vocal at a hundred and leave the low mids alone.",
    "The whole mix is a bit muddy, and the stereo image is narrow in the chorus.",
    "You are a helpful assistant. user assistant system Audio 1: please listen to the clip and tell me.",
)


def make(folder: Path, *, seed: int = 0, corpus: Iterable[str] | None = None) -> Path:
    """Make the checkpoint directory and return it; one seed and one corpus give the same bytes on every machine.

    Two processes may make one folder at once: the first rename wins, and the other's copy is dropped. A folder that
    is there already is left alone.
    """
    if is_made(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        processor = Qwen2AudioProcessor(  # type: ignore[no-untyped-call]
            feature_extractor=WhisperFeatureExtractor(  # type: ignore[no-untyped-call]
                feature_size=128, return_attention_mask=True
            ),
            tokenizer=_tokenizer(corpus if corpus is not None else CORPUS),
        )
        _model(processor, seed).save_pretrained(beside)
        processor.save_pretrained(beside)
        beside.chmod(0o755)
        try:
            beside.rename(folder)
        except OSError:  # the folder has something in it
            if not is_made(folder):
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def is_made(folder: Path) -> bool:
    return (folder / "config.json").is_file() and (folder / "model.safetensors").is_file()


def _tokenizer(corpus: Iterable[str]) -> Qwen2Tokenizer:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return Qwen2Tokenizer(
        tokenizer_object=tokenizer,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        unk_token=SPECIAL[0],
        additional_special_tokens=list(SPECIAL[1:]),
    )


def _model(processor: Qwen2AudioProcessor, seed: int) -> Any:
    tokenizer = processor.tokenizer
    text = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=False,
        bos_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    audio = Qwen2AudioEncoderConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=64, num_mel_bins=128,
        max_source_positions=1500,
    )  # fmt: skip
    config = Qwen2AudioConfig(
        audio_config=audio, text_config=text, audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>")
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = Qwen2AudioForConditionalGeneration(config)
    # numpy's generator gives the same numbers on every processor; torch's depends on the vector unit
    generator = np.random.Generator(np.random.PCG64(seed))
    for name, value in sorted(_matrices(model)):
        scale = 0.02 * (HEAD_SCALE if name == "lm_head.weight" else 1.0)
        drawn = generator.standard_normal(size=tuple(value.shape), dtype=np.float32) * np.float32(scale)
        value.data.copy_(torch.from_numpy(drawn))
    model.generation_config.eos_token_id = [text.eos_token_id, text.bos_token_id]
    model.generation_config.pad_token_id = text.pad_token_id
    return model


def _matrices(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """Leave out norms and biases (ones and zeros) and the encoder's positions (sines)."""
    for name, value in model.named_parameters():
        if value.dim() >= 2 and "embed_positions" not in name:
            yield name, value
