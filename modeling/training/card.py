"""The model card of an adapter: what it is, where it comes from, how to load it, what it is not."""

from collections.abc import Mapping
from typing import Any

CHOSEN = (
    "variant", "rank", "alpha", "dropout", "scope", "learning_rate", "schedule", "warmup_ratio", "epochs", "max_steps",
    "examples_per_step", "loss_on", "has_content_only", "fraction", "summaries", "max_turns", "max_tokens",
    "max_audio_seconds", "over_long", "patience", "seed", "quantization",
)  # fmt: skip


def card(record: Mapping[str, Any], told: Mapping[str, str]) -> str:
    """Write the README.md of an adapter's folder from its training record.

    `told` may hold what the record can't know: title, snapshot (its name), license (of the base).
    """
    config = record["config"]
    serves, why = served_by_vllm(config)
    rank = config["rank"] * (2 if config["variant"] == "pissa" else 1)
    losses = f"{record['first_loss']:.4f} at the first step, {record['last_loss']:.4f} at the last"
    if record["eval_loss"] is not None:
        losses += f", {record['eval_loss']:.4f} on {record['validation']} validation turns"
    load = f"vllm serve BASE --enable-lora --max-lora-rank {rank} --lora-modules advice=THIS_FOLDER" if serves else why
    lines = [
        "---",
        "library_name: peft",
        f"base_model: {_quoted(record['base'])}",
        *([f"license: {_quoted(told['license'])}"] if told.get("license") else []),
        "tags: [lora, audio, dialogue, music-mixing]",
        "---",
        f"# {_plain(told.get('title') or 'Adapter')}",
        "",
        f"A LoRA adapter for `{record['base']}` (revision `{record['base_revision'][:16]}`), trained on the expert's "
        f"answers of {record['examples']} turns of the snapshot {_plain(told.get('snapshot') or 'it names')} "
        f"(content hash `{record['snapshot_hash']}`).",
        "",
        "## Training",
        "",
        f"Loss per answer token: {losses}. {record['steps']} optimizer steps, {record['tokens']:,} tokens, on "
        f"{record['device_name']} in {record['dtype']}."
        + (f" Stopped early; the weights are those of step {record['best_step']}." if record["stopped_early"] else ""),
        "",
        "| option | value |",
        "| --- | --- |",
        *[f"| {name} | {'null' if config[name] is None else config[name]} |" for name in CHOSEN],
        "",
        f"Left out: {', '.join(f'{count} {reason}' for reason, count in record['skipped'].items()) or 'nothing'}. "
        f"Every option, hash and version is in `training.json`; sha256 of the weights: `{record['adapter_sha256']}`.",
        "",
        "## Loading",
        "",
        "    from peft import PeftModel",
        '    model = PeftModel.from_pretrained(base, "THIS_FOLDER")',
        "",
        f"vLLM: {'`' + load + '`' if serves else load}",
        "",
        "## Limits",
        "",
        "The audio tower and the projector are the base's own. A low loss says that the answers of these experts are "
        "likely under this model, not that its advice is good: that is for a blind study to say. The base's licence "
        "and the consent of the recorded people bind whoever publishes this adapter.",
        "",
    ]
    return "\n".join(lines)


def served_by_vllm(config: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether vLLM can load an adapter of this config, and why not."""
    if config["variant"] == "dora":
        return False, "it does not load DoRA adapters; merge this one into its base first."
    if config["scope"] != "decoder":
        return False, "it loads adapters of the decoder alone, and this one changes the head too; merge it first."
    return True, ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    """Keep a name on its line, and out of the markup."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
