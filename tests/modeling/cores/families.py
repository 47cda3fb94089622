"""A small random checkpoint of each family's real class, made here: config, weights, tokenizer, chat template.

The chat templates are ours, in the form of each family's own: what is tested is that ids and labels follow whatever
template a checkpoint brings.
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer, WhisperFeatureExtractor

from modeling.backbones.tiny import CORPUS, VOCABULARY

CHATML = (
    "{% for m in messages %}"
    "{% if loop.first and m['role'] != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'audio' %}AUDIO{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = {
    "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192, "tie_word_embeddings": False,
}  # fmt: skip
TOWER = {
    "d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64, "num_mel_bins": 128,
    "max_source_positions": 1500,
}  # fmt: skip


def tokenizer(*special: str, **named: str) -> Qwen2Tokenizer:
    """A byte-level tokenizer with these control tokens."""
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *special, *named.values()]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=control, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(CORPUS, trainer)
    return Qwen2Tokenizer(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", unk_token="<|endoftext|>",
        additional_special_tokens=list(special), extra_special_tokens=named or None,
    )  # fmt: skip


def drawn(name: str, config):
    """A model of a real class with weights of one seed, loud enough that answers differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, name)(config)
        model.get_output_embeddings().weight.data.mul_(8.0)
    return model.eval()


def audio_flamingo(folder: Path) -> Path:
    from transformers import AudioFlamingo3Config, AudioFlamingo3Processor

    words = tokenizer("<sound>")
    sound = words.convert_tokens_to_ids("<sound>")
    config = AudioFlamingo3Config(
        audio_config={"model_type": "audioflamingo3_encoder", **TOWER},
        text_config={"model_type": "qwen2", **TEXT},
        audio_token_id=sound,
    )
    drawn("AudioFlamingo3ForConditionalGeneration", config).save_pretrained(folder)
    AudioFlamingo3Processor(
        feature_extractor=WhisperFeatureExtractor(feature_size=128, return_attention_mask=True),
        tokenizer=words,
        chat_template=CHATML.replace("AUDIO", "<sound>"),
    ).save_pretrained(folder)
    return folder


def omni(folder: Path) -> Path:
    """The thinker's weights where the whole's checkpoint has them, under `thinker.`, with the whole's config."""
    from transformers import Qwen2_5OmniThinkerConfig

    named = {
        "image_token": "<|IMAGE|>", "audio_token": "<|AUDIO|>", "video_token": "<|VIDEO|>",
        "vision_bos_token": "<|vision_bos|>", "vision_eos_token": "<|vision_eos|>",
        "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>",
    }  # fmt: skip
    words = tokenizer(**named)
    ids = {name: words.convert_tokens_to_ids(token) for name, token in named.items()}
    thinker = Qwen2_5OmniThinkerConfig(
        audio_config={**TOWER, "n_window": 100, "output_dim": 64},
        vision_config={
            "depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64,
            "fullatt_block_indexes": [0],
        },
        text_config={
            **TEXT,
            "rope_parameters": {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 1e6},
        },
        audio_token_index=ids["audio_token"], image_token_index=ids["image_token"],
        video_token_index=ids["video_token"], audio_start_token_id=ids["audio_bos_token"],
        audio_end_token_id=ids["audio_eos_token"], vision_start_token_id=ids["vision_bos_token"],
        vision_end_token_id=ids["vision_eos_token"],
    )  # fmt: skip
    drawn("Qwen2_5OmniThinkerForConditionalGeneration", thinker).save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    save_file(
        {f"thinker.{name}": value for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    whole = {"model_type": "qwen2_5_omni", "architectures": ["Qwen2_5OmniModel"], "thinker_config": thinker.to_dict()}
    (folder / "config.json").write_text(json.dumps(whole))
    words.save_pretrained(folder)
    heard = WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
    told = {**heard.to_dict(), "image_processor_type": "Qwen2VLImageProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    template = CHATML.replace("AUDIO", "<|audio_bos|><|AUDIO|><|audio_eos|>")
    (folder / "chat_template.jinja").write_text(template)
    return folder


VERIFIED = {"audioflamingo3": audio_flamingo, "qwen2_5_omni": omni}


def voxtral(folder: Path) -> Path:
    """The model alone: a processor needs mistral-common."""
    from transformers import VoxtralConfig

    config = VoxtralConfig(
        audio_config={
            "model_type": "voxtral_encoder", "hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_mel_bins": 128, "max_source_positions": 1500,
        },
        text_config={"model_type": "llama", **TEXT, "head_dim": 16},
        audio_token_id=24,
    )  # fmt: skip
    drawn("VoxtralForConditionalGeneration", config).save_pretrained(folder)
    return folder


def granite(folder: Path) -> Path:
    """The model alone: a processor needs torchaudio."""
    from transformers import GraniteSpeechConfig

    config = GraniteSpeechConfig(
        text_config={"model_type": "granite", **TEXT, "embedding_multiplier": 12.0, "logits_scaling": 8.0},
        encoder_config={
            "input_dim": 160, "num_layers": 2, "hidden_dim": 32, "num_heads": 2, "context_size": 50, "max_pos_emb": 64,
        },
        projector_config={
            "model_type": "blip_2_qformer", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 64, "encoder_hidden_size": 32, "vocab_size": 2,
        },
        audio_token_index=24, has_lora_adapter=False, tie_word_embeddings=False,
    )  # fmt: skip
    drawn("GraniteSpeechForConditionalGeneration", config).save_pretrained(folder)
    return folder


STRUCTURAL = {"voxtral": voxtral, "granite_speech": granite}


def heard_by(key: str) -> tuple[dict[str, torch.Tensor], int]:
    """Features of one clip as a family's processor shapes them, and how many audio tokens they become."""
    noise = torch.Generator().manual_seed(1)
    if key == "voxtral":
        return {"input_features": torch.randn(1, 128, 3000, generator=noise)}, 375
    return {
        "input_features": torch.randn(1, 100, 160, generator=noise),
        "input_features_mask": torch.ones(1, 21, dtype=torch.bool),
    }, 21
