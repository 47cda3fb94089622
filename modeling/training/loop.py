"""The training loop: forward, backward, clip, step, report; read it top to bottom.

The loss of an optimizer step is the sum of the cross-entropy over its answers' tokens, divided by the number of those
tokens in the whole step. So it is the same however the step is cut into microbatches, and memory alone decides the cut.
"""

import hashlib
import json
import math
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import peft
import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers
from torch import Tensor

from modeling.backbones import audio_lm
from modeling.backbones.audio_lm import AudioLM, AudioPolicy, Encoded
from modeling.backbones.errors import BackboneError, TrainingError
from modeling.backbones.example import Example
from modeling.training import checkpoint as checkpoints
from modeling.training.config import TrainingConfig, hash_of
from modeling.training.examples import content_hash, read_split, select

Report = Callable[[dict[str, Any]], None]
WINDOW_STEPS = 8  # examples are sorted by length inside windows of this many steps: little padding, still mixed


class Stopped(Exception):
    """The run was asked to stop, and its state is in a checkpoint."""

    def __init__(self, step: int, path: Path) -> None:
        super().__init__(f"stopped at step {step}")
        self.step = step
        self.path = path


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is made of and where its result goes."""

    base_key: str
    snapshot: Path
    config: TrainingConfig
    out: Path
    resume_from: tuple[Path, ...] = ()


def train(run: Run, lm: AudioLM, *, report: Report, should_stop: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Train one adapter and return its record, which is also written to out/training.json.

    Raises TrainingError for a snapshot or a config that can't be trained, and Stopped once a stop that was asked for
    is safe in a checkpoint.
    """
    with audio_lm.steady(run.config.threads, lm.device):
        return _train(run, lm, report, should_stop)


def _train(run: Run, lm: AudioLM, report: Report, should_stop: Callable[[], bool]) -> dict[str, Any]:
    config, began = run.config, time.monotonic()

    # what is learnt, and what only watched
    snapshot_hash = content_hash(run.snapshot)
    examples, validation, skipped = prepare(run, lm, report)
    steps = steps_of(config, len(examples))
    order = order_hash(config, examples, steps)
    identity = hash_of([config.hash(), snapshot_hash, lm.revision, order])

    # the adapter; drawn on the CPU, so that one seed means one start
    torch.manual_seed(config.seed)
    model = add_adapter(lm, config)
    learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.AdamW(
        learning.values(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.999)
    )

    # where an earlier attempt got to
    done, losses, evals, seen = 0, [], {}, 0
    found = checkpoints.newest([*run.resume_from, run.out], identity=identity)
    if found is not None:
        with torch.no_grad():
            for name, value in found.adapter().items():
                learning[name].copy_(value)
        checkpoints.restore_optimizer(optimizer, learning, found.optimizer())
        checkpoints.restore_random(found.random())
        done, losses, seen = found.step, list(found.state["losses"]), int(found.state["tokens"])
        evals = {int(step): value for step, value in found.state["evals"].items()}
        report({"event": "resumed", "step": done, "checkpoint": str(found.path)})

    def keep() -> Path:
        path = checkpoints.write(
            run.out / "checkpoints",
            step=done,
            identity=identity,
            state={"losses": losses, "evals": evals, "tokens": seen},
            adapter=dict(learning),
            optimizer=checkpoints.optimizer_tensors(optimizer, learning),
            random=checkpoints.random_tensors(),
        )
        report({"event": "checkpoint", "step": done, "path": str(path)})
        return path

    model.train()
    for epoch, batch in islice(batches(config, examples, steps), done, None):
        if should_stop():
            raise Stopped(done, keep())
        rate = learning_rate(config, done, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate

        # forward and backward, a microbatch at a time
        answer_tokens = sum(count_labels(example) for example in batch)
        loss = 0.0
        for part in microbatches(batch, config.tokens_per_microbatch):
            part_loss, _ = lm.loss_sum(lm.embed(part))
            (part_loss / answer_tokens).backward()  # type: ignore[no-untyped-call]
            loss += part_loss.item() / answer_tokens
        norm = float(torch.nn.utils.clip_grad_norm_(learning.values(), config.clip))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingError(
                "diverged", f"The loss is no number at step {done + 1}; lower the learning rate ({rate:.2g})."
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        done += 1
        seen += sum(len(example) for example in batch)
        losses.append(loss)
        report(
            {"event": "step", "step": done, "steps": steps, "epoch": epoch, "loss": loss, "lr": rate, "grad_norm": norm,
             "tokens": seen, "answer_tokens": answer_tokens, "seconds": round(time.monotonic() - began, 3)}
        )  # fmt: skip
        if validation and is_eval_due(config, done, steps, len(examples)):
            evals[done] = evaluate(lm, validation, config.tokens_per_microbatch)
            watched = sum(count_labels(example) for example in validation)
            report({"event": "eval", "step": done, "loss": evals[done], "answer_tokens": watched})
        if done % config.checkpoint_every == 0 and done < steps:
            keep()

    # the result
    adapter_sha256 = save_adapter(model, run.base_key, run.out / "adapter")
    record = {
        "config": config.to_dict(),
        "config_hash": config.hash(),
        "snapshot_hash": snapshot_hash,
        "base": run.base_key,
        "base_revision": lm.revision,
        "batch_order_hash": order,
        "seeds": {"run": config.seed},
        "device": str(lm.device),
        "device_name": torch.cuda.get_device_name() if lm.device.type == "cuda" else platform.machine(),
        "dtype": lm.dtype_name,
        "versions": versions(),
        "examples": len(examples),
        "skipped": skipped,
        "steps": steps,
        "tokens": seen,
        "losses": losses,
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "evals": {str(step): value for step, value in evals.items()},
        "eval_loss": evals[max(evals)] if evals else None,
        "adapter_sha256": adapter_sha256,
    }
    written = run.out / ".training.json"
    written.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    written.rename(run.out / "training.json")
    return record


# examples


def prepare(run: Run, lm: AudioLM, report: Report) -> tuple[list[Encoded], list[Encoded], dict[str, int]]:
    """Encode both splits and hear every clip once; only the rows that the decoder takes are kept."""
    began = time.monotonic()
    rows, skipped = select(read_split(run.snapshot, "train"), has_content_only=run.config.has_content_only)
    watched, _ = select(read_split(run.snapshot, "validation"), has_content_only=run.config.has_content_only)
    examples, too_long = encode_and_hear(lm, rows, run.config)
    validation, _ = encode_and_hear(lm, watched, run.config)
    if too_long:
        skipped["too long"] = too_long
    if not examples:
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "the split is empty"
        raise TrainingError(
            "nothing-to-train-on",
            f"The snapshot's train split has no row to learn from ({reasons}); "
            "give it turns with an expert's answer, or train on rows without content too.",
        )
    report(
        {"event": "cached", "examples": len(examples), "validation": len(validation), "skipped": skipped,
         "clips": len({one.clip_key for one in examples + validation if one.clip_key}),
         "audio_cut": sum(one.audio_kept in ("tail", "head") for one in examples + validation),
         "history_cut": sum(one.history_cut > 0 for one in examples + validation),
         "tokens": sum(map(len, examples)), "answer_tokens": sum(map(count_labels, examples)),
         "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    return examples, validation, skipped


def encode_and_hear(lm: AudioLM, examples: Sequence[Example], config: TrainingConfig) -> tuple[list[Encoded], int]:
    """Encode what fits, and count what doesn't."""
    policy = AudioPolicy(max_seconds=config.max_audio_seconds, over_long=config.over_long)
    encoded, too_long = [], 0
    for example in examples:
        plain = example if config.summaries else replace(example, summary=None)
        try:
            one = lm.encode(plain, policy=policy, system=config.system, max_tokens=config.max_tokens)
        except BackboneError as error:
            if error.code != "too-long":
                raise
            too_long += 1
            continue
        lm.hear(one)
        encoded.append(replace(one, features={}))  # 1.5 MB of mel that nobody asks for again
    return encoded, too_long


def count_labels(example: Encoded) -> int:
    return len(example) - example.prompt_length


# the order of things


def steps_of(config: TrainingConfig, examples: int) -> int:
    return config.max_steps or config.epochs * math.ceil(examples / config.examples_per_step)


def batches(config: TrainingConfig, examples: Sequence[Encoded], steps: int) -> Iterator[tuple[int, list[Encoded]]]:
    """Yield the epoch and the examples of each optimizer step; all of it follows from the seed.

    An epoch is a permutation; windows of it are sorted by length and cut into steps, and the steps are shuffled.
    """
    size, done, epoch = config.examples_per_step, 0, 0
    while True:
        generator = np.random.Generator(np.random.PCG64([config.seed, epoch]))
        order = generator.permutation(len(examples)).tolist()
        window = size * WINDOW_STEPS
        cut = []
        for start in range(0, len(order), window):
            by_length = sorted(order[start : start + window], key=lambda index: (len(examples[index]), index))
            cut += [by_length[at : at + size] for at in range(0, len(by_length), size)]
        for index in generator.permutation(len(cut)).tolist():
            if done == steps:
                return
            yield epoch, [examples[at] for at in cut[index]]
            done += 1
        epoch += 1


def order_hash(config: TrainingConfig, examples: Sequence[Encoded], steps: int) -> str:
    """Hash which rows each step sees, and in which order."""
    digest = hashlib.sha256()
    for epoch, batch in batches(config, examples, steps):
        digest.update(json.dumps([epoch, [[one.row, one.prompt_sha256] for one in batch]]).encode())
    return digest.hexdigest()


def microbatches(batch: Sequence[Encoded], tokens: int) -> Iterator[list[Encoded]]:
    """Cut a step where its padded size would pass the token budget; an example longer than that goes alone."""
    part: list[Encoded] = []
    longest = 0
    for example in sorted(batch, key=len):
        if part and max(longest, len(example)) * (len(part) + 1) > tokens:
            yield part
            part, longest = [], 0
        part.append(example)
        longest = max(longest, len(example))
    yield part


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Rise linearly over the warm-up, then fall along a half cosine towards zero."""
    warmup = math.ceil(config.warmup_ratio * steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def is_eval_due(config: TrainingConfig, done: int, steps: int, examples: int) -> bool:
    every = config.eval_every or math.ceil(examples / config.examples_per_step)
    if config.max_steps and not config.eval_every:
        every = math.ceil(steps / 4)  # many short epochs of a toy: four looks are enough
    return done == steps or done % every == 0


@torch.no_grad()
def evaluate(lm: AudioLM, examples: Sequence[Encoded], tokens: int) -> float:
    """Give the mean cross-entropy of an answer's token over all examples."""
    decoder_was_training = lm.decoder.training
    lm.model.eval()
    total, count = 0.0, 0
    for part in microbatches(examples, tokens):
        loss, labels = lm.loss_sum(lm.embed(part))
        total, count = total + loss.item(), count + labels
    lm.model.train(decoder_was_training)
    return total / count


# the adapter


def add_adapter(lm: AudioLM, config: TrainingConfig) -> Any:
    """Put LoRA into the layers that may learn, and check that it went nowhere else."""
    names = lm.linear_names(config.scope)
    settings = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="|".join(name.replace(".", r"\.") for name in names),  # a pattern matches whole names
        bias="none",
    )
    if config.gradient_checkpointing:
        lm.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model = peft.get_peft_model(lm.model, settings, autocast_adapter_dtype=True)
    adapted = sorted(
        name.removeprefix("base_model.model.") for name, module in model.named_modules() if hasattr(module, "lora_A")
    )
    if adapted != names:
        raise TrainingError("wrong-layers", "The adapter went into other layers than it was meant for.")
    return model


def save_adapter(model: Any, base_key: str, folder: Path) -> str:
    """Write the adapter in peft's own form, the same bytes for the same weights, and return its sha256."""
    beside = folder.with_name(f".{folder.name}-writing")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    weights: dict[str, Tensor] = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    safetensors.torch.save_file(
        {name: value.detach().cpu().contiguous() for name, value in weights.items()},
        beside / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    # peft would write the path that the base was loaded from; the base's key is the same on every machine
    told = {"base_model_name_or_path": base_key, "revision": None, "inference_mode": True, "auto_mapping": None}
    settings = model.peft_config["default"].to_dict() | told
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in settings.items()}
    (beside / "adapter_config.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n")
    sha256 = checkpoints.sha256_of(beside / "adapter_model.safetensors")
    checkpoints.place(beside, folder)
    return sha256


def versions() -> dict[str, str]:
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "",
        **{module.__name__: module.__version__ for module in (transformers, peft, safetensors, tokenizers, np)},
    }
