"""One way to train the same adapter on the same turns, in a process: `python bench/training_arm.py ARM FOLDER`.

    ours    modeling.training: clips heard once, logits on the answers alone, turns of a length together
    full-logits    ours, but with logits at every position
    hf      the stock Trainer, with our encoding in its collator
    hf-checkpointing    the same with gradient checkpointing
    trl     SFTTrainer with the same collator, without gradient checkpointing
    trl-checkpointing    the same with it, as is its default

With --cuda the model has the real size, in bfloat16, with random weights: what it costs is real, what it says is not.

The model has a 7B model's proportions of encoder, language model and head at a fraction of its size. CPU seconds are
this process's own, from the loaded model to the trained adapter: validation after each epoch and what is built on the
way (our audio rows) are in them, imports and loading are not.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRL_EXPERIMENTAL_SILENCE": "1"}

ON_GPU = (
    "--cuda" in sys.argv
)  # a model of the real size, 64 turns, one epoch, microbatches of one for the stock trainer
EPOCHS, TOGETHER, AT_ONCE = (1, 8, 1) if ON_GPU else (3, 4, 4)
CONFIG = {
    "epochs": EPOCHS, "max_steps": None, "examples_per_step": TOGETHER, "rank": 16, "alpha": 32, "dropout": 0.05,
    "scope": "decoder", "learning_rate": 1e-4, "has_content_only": False, "max_tokens": 2048,
    "dtype": "bfloat16" if ON_GPU else "float32", "device": "cuda" if ON_GPU else "cpu",
}  # fmt: skip


def prepare(folder: Path) -> None:
    """Make the model and the snapshot: three conversations of four turns, and one to validate on."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    import soundfile
    import torch
    from transformers import AutoProcessor, Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2Config
    from transformers.models.qwen2_audio.configuration_qwen2_audio import Qwen2AudioEncoderConfig

    from modeling.backbones import tiny

    if (folder / "snapshot" / "manifest.json").exists():
        return
    tiny.make(folder / "tiny")
    processor = AutoProcessor.from_pretrained(folder / "tiny")
    small = json.loads((folder / "tiny" / "config.json").read_text())
    width, inner, layers, heads = (4096, 11008, 32, 32) if ON_GPU else (192, 516, 6, 6)
    text = Qwen2Config(
        vocab_size=156_032 if ON_GPU else 2500, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=8192, tie_word_embeddings=False,
        **{name: small["text_config"][name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")},
    )  # fmt: skip
    width, inner, layers, heads = (1280, 5120, 32, 20) if ON_GPU else (96, 384, 3, 4)
    audio = Qwen2AudioEncoderConfig(
        d_model=width, encoder_layers=layers, encoder_attention_heads=heads, encoder_ffn_dim=inner, num_mel_bins=128,
        max_source_positions=1500,
    )  # fmt: skip
    torch.manual_seed(0)
    token = small.get("audio_token_index") or small.get("audio_token_id")
    torch.set_default_dtype(torch.bfloat16 if ON_GPU else torch.float32)
    torch.set_default_device("cuda" if ON_GPU else "cpu")
    model = Qwen2AudioForConditionalGeneration(
        Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=token)
    )
    torch.set_default_device("cpu")
    model.save_pretrained(folder / "mid")
    processor.save_pretrained(folder / "mid")

    luck = np.random.default_rng(7)
    words = [word for line in tiny.CORPUS for word in line.split()]
    history = pa.list_(pa.struct([("audio_file", pa.string()), ("content", pa.string()), ("role", pa.string())]))
    schema = pa.schema([
        ("conversation_id", pa.string()), ("topic", pa.string()), ("turn_id", pa.int64()), ("has_content", pa.bool_()),
        ("input_history", history), ("audio_file", pa.string()), ("user", pa.string()), ("assistant", pa.string()),
    ])  # fmt: skip

    def said(least: int, most: int) -> str:
        return " ".join(luck.choice(words, luck.integers(least, most)))

    (folder / "snapshot" / "data").mkdir(parents=True)
    for split, conversations in (("train", 16 if ON_GPU else 3), ("validation", 1)):
        rows: list[dict[str, Any]] = []
        for conversation in range(conversations):
            earlier: list[dict[str, Any]] = []
            for turn in range(4):
                clip = f"audio/segments/Group1/cut_{split}{conversation}{turn}.wav"
                path = folder / "snapshot" / clip
                path.parent.mkdir(parents=True, exist_ok=True)
                seconds = float(luck.uniform(5, 30) if ON_GPU else luck.uniform(2, 20))
                soundfile.write(path, 0.1 * luck.standard_normal(round(16_000 * seconds)), 16_000, subtype="PCM_16")
                row = {"user": said(8, 30), "assistant": said(15, 45)}
                rows.append({
                    "conversation_id": f"{split}{conversation}", "topic": "drums", "turn_id": turn, "has_content": True,
                    "input_history": list(earlier), "audio_file": clip, **row,
                })  # fmt: skip
                earlier += [{"audio_file": None, "content": row[role], "role": role} for role in ("user", "assistant")]
        table = pa.Table.from_pylist(rows, schema=schema)
        pq.write_table(table, folder / "snapshot" / "data" / f"{split}-00000-of-00001.parquet")
    (folder / "snapshot" / "manifest.json").write_text(json.dumps({"content_hash": "bench"}))


def ours(lm: Any, snapshot: Path, out: Path) -> float:
    """Train with the site's own loop."""
    from modeling.training import loop
    from modeling.training.config import TrainingConfig

    config = TrainingConfig.from_dict(CONFIG)
    run = loop.Run(base_key="mid", snapshot=snapshot, config=config, out=out)
    return float(loop.train(run, lm, report=lambda event: None)["eval_loss"])


def stock(lm: Any, snapshot: Path, out: Path, *, trl: bool, checkpointing: bool) -> float:
    """Train with a stock trainer: the tower each time, all logits, batches as they come."""
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from transformers import Trainer, TrainingArguments

    from modeling.training import lora
    from modeling.training.config import TrainingConfig
    from modeling.training.examples import read_split

    config = TrainingConfig.from_dict(CONFIG)
    torch.manual_seed(0)
    model = lora.add_adapter(lm, config)

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        encoded = [lm.encode(row["example"], max_tokens=config.max_tokens) for row in rows]
        padding = int(lm.tokenizer.pad_token_id)
        ids = pad_sequence([one.input_ids for one in encoded], batch_first=True, padding_value=padding)
        labels = pad_sequence([one.labels for one in encoded], batch_first=True, padding_value=-100)
        mask = pad_sequence([torch.ones_like(one.input_ids) for one in encoded], batch_first=True)
        heard = {name: torch.cat([one.features[name] for one in encoded]) for name in encoded[0].features}
        return {"input_ids": ids, "labels": labels, "attention_mask": mask, **heard}

    class Turns(torch.utils.data.Dataset):
        def __init__(self, split: str) -> None:
            self.rows = read_split(snapshot, split)

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, at: int) -> dict[str, Any]:
            return {"example": self.rows[at]}

    options: dict[str, Any] = {
        "output_dir": str(out), "num_train_epochs": EPOCHS, "per_device_train_batch_size": AT_ONCE,
        "gradient_accumulation_steps": TOGETHER // AT_ONCE,
        "per_device_eval_batch_size": AT_ONCE, "learning_rate": config.learning_rate, "lr_scheduler_type": "cosine",
        "warmup_steps": 1, "max_grad_norm": 1.0, "weight_decay": 0.0, "eval_strategy": "epoch", "save_strategy": "no",
        "logging_strategy": "no", "report_to": [], "remove_unused_columns": False, "dataloader_num_workers": 0,
        "use_cpu": not ON_GPU, "disable_tqdm": True, "prediction_loss_only": True, "seed": 0, "bf16": ON_GPU,
        "gradient_checkpointing": checkpointing,
    }  # fmt: skip
    if checkpointing:
        options["gradient_checkpointing_kwargs"] = {"use_reentrant": False}
    if trl:
        import datasets
        from trl import SFTConfig, SFTTrainer

        sets = {split: Turns(split).rows for split in ("train", "validation")}
        by_place = {split: datasets.Dataset.from_dict({"at": list(range(len(rows)))}) for split, rows in sets.items()}

        class Collator:
            def __init__(self) -> None:
                self.split = "train"

            def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
                return collate([{"example": sets[self.split][row["at"]]} for row in rows])

        collator = Collator()

        class Watched(SFTTrainer):
            def evaluate(self, *args: Any, **more: Any) -> Any:
                collator.split = "validation"
                try:
                    return super().evaluate(*args, **more)
                finally:
                    collator.split = "train"

        settings = SFTConfig(**options, dataset_kwargs={"skip_prepare_dataset": True}, max_length=None)
        trainer: Any = Watched(
            model=model, args=settings, train_dataset=by_place["train"], eval_dataset=by_place["validation"],
            data_collator=collator, processing_class=lm.tokenizer,
        )  # fmt: skip
    else:
        trainer = Trainer(
            model=model, args=TrainingArguments(**options), train_dataset=Turns("train"),
            eval_dataset=Turns("validation"), data_collator=collate,
        )  # fmt: skip
    trainer.train()
    found = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    return float(found[-1]) if found else float("nan")


def everywhere(lm: Any, batch: Any) -> tuple[Any, int]:
    """The loss by logits at every position, as the class itself has it."""
    from torch import nn

    hidden = lm.decoder(
        inputs_embeds=batch.inputs_embeds, attention_mask=batch.attention_mask, position_ids=batch.position_ids,
        use_cache=False,
    ).last_hidden_state  # fmt: skip
    logits, targets = lm.head(hidden[:, :-1]).float().flatten(0, 1), batch.labels[:, 1:].flatten()
    return nn.functional.cross_entropy(logits, targets, reduction="sum"), int((targets != -100).sum())


def main() -> None:
    arm, folder = sys.argv[1], Path(sys.argv[2])
    if arm == "prepare":
        prepare(folder)
        return
    import torch

    from modeling.backbones import audio_lm
    from modeling.training import loop  # noqa: F401 – imports are nobody's work

    if arm.startswith("trl"):
        import trl  # noqa: F401
        from trl import SFTTrainer  # noqa: F401
    torch.set_num_threads(1)
    lm = audio_lm.load(folder / "mid", device=str(CONFIG["device"]), dtype=str(CONFIG["dtype"]))
    out = folder / f"{arm}-{os.getpid()}"
    out.mkdir()
    before, began = cpu(), time.perf_counter()
    if arm == "full-logits":
        type(lm).loss_sum = everywhere  # type: ignore[method-assign]
    if arm in ("ours", "full-logits"):
        loss = ours(lm, folder / "snapshot", out)
    else:
        loss = stock(
            lm, folder / "snapshot", out, trl=arm.startswith("trl"), checkpointing=arm.endswith("checkpointing")
        )
    seconds = {"cpu": cpu() - before, "wall": time.perf_counter() - began, "eval_loss": loss}
    seconds["memory_mb"] = torch.cuda.max_memory_allocated() / 1e6 if ON_GPU else 0.0
    print(json.dumps(seconds))


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
