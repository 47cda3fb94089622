"""The training loop: forward, backward, clip, step, report; read it top to bottom.

The loss of an optimizer step is the sum of the cross-entropy over its answers' tokens, divided by the number of those
tokens in the whole step. So it is the same however the step is cut into microbatches, and memory alone decides the cut.
"""

import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import peft
import safetensors
import tokenizers
import torch
import transformers
from torch import Tensor

from modeling.backbones import audio_lm
from modeling.backbones.audio_lm import IGNORED, AudioLM, Encoded
from modeling.backbones.clips import AudioPolicy
from modeling.backbones.errors import BackboneError, TrainingError
from modeling.backbones.example import Example
from modeling.training import checkpoint as checkpoints
from modeling.training import lora, memory
from modeling.training.card import card
from modeling.training.config import TrainingConfig, hash_of
from modeling.training.examples import content_hash, read_split, select, share
from modeling.training.provenance import code
from modeling.training.world import ALONE, World

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
    told: Mapping[str, str] = field(default_factory=dict)  # for the model card: title, snapshot, license


def train(
    run: Run,
    lm: AudioLM,
    *,
    report: Report,
    should_stop: Callable[[], bool] = lambda: False,
    world: World = ALONE,
) -> dict[str, Any]:
    """Train one adapter and return its record, which is also written to out/training.json; the base stays as it was.

    Raises TrainingError for a snapshot or a config that can't be trained, and Stopped once a stop that was asked for
    is safe in a checkpoint. With several processes, each calls this, and the first one reports and writes.
    """
    with audio_lm.steady(run.config.threads, lm.device):
        return _train(run, lm, report if world.is_first else _silent, should_stop, world)


def _silent(event: dict[str, Any]) -> None:
    """What the other processes report."""


def _train(run: Run, lm: AudioLM, report: Report, should_stop: Callable[[], bool], world: World) -> dict[str, Any]:
    config, began = run.config, time.monotonic()

    # what is learnt, and what only watched
    snapshot_hash = content_hash(run.snapshot)
    examples, validation, skipped = prepare(run, lm, report)
    steps = steps_of(config, len(examples))
    order = order_hash(config, examples, steps)
    identity = hash_of([config.hash(), snapshot_hash, lm.revision, order])
    checkpointing = memory.asks_for_checkpointing(config, lm, examples)

    # the adapter; drawn on the CPU, so that one seed means one start
    torch.manual_seed(config.seed)
    with lora.adapted(lm, config, checkpointing=checkpointing) as model:
        learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
        at_first = lora.beginning_of(learning, config)
        optimizer = torch.optim.AdamW(
            lora.groups(learning, config), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.999)
        )

        # where an earlier attempt got to
        done, losses, evals, seen, budget = 0, [], {}, 0, config.tokens_per_microbatch
        best = Best()
        found = checkpoints.newest([*run.resume_from, run.out], identity=identity)
        if found is not None:
            with torch.no_grad():
                for name, value in found.adapter().items():
                    learning[name].copy_(value)
            checkpoints.restore_optimizer(optimizer, learning, found.optimizer())
            checkpoints.restore_random(found.random())
            done, losses, seen = found.step, list(found.state["losses"]), int(found.state["tokens"])
            budget = int(found.state["budget"])
            evals = {int(step): value for step, value in found.state["evals"].items()}
            best = Best(**found.state["best"], weights=found.best())
            report({"event": "resumed", "step": done, "checkpoint": str(found.path)})
        resumed_at = (done, seen)

        def keep() -> Path:
            if not world.is_first:
                return run.out
            path = checkpoints.write(
                run.out / "checkpoints",
                step=done,
                identity=identity,
                state={"losses": losses, "evals": evals, "tokens": seen, "budget": budget, "best": best.state()},
                adapter=dict(learning),
                optimizer=checkpoints.optimizer_tensors(optimizer, learning),
                random=checkpoints.random_tensors(),
                best=best.weights,
            )
            report({"event": "checkpoint", "step": done, "path": str(path)})
            return path

        model.train()
        learns_since = time.monotonic()
        for epoch, batch in islice(batches(config, examples, steps), done, None):
            if best.is_passed(config):
                break
            if world.any(should_stop()):
                raise Stopped(done, keep())
            rate = learning_rate(config, done, steps)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["times"]
            if world.size > 1:  # each process has luck of its own, which a resumed run draws again
                torch.manual_seed(hash((config.seed, done, world.rank)))

            # forward and backward, a microbatch at a time
            answer_tokens = sum(example.labelled for example in batch)
            luck = checkpoints.random_tensors()
            try:
                loss = learn_from(lm, batch, budget, answer_tokens, world)
            except torch.OutOfMemoryError:
                if budget < config.tokens_per_microbatch or world.size > 1:
                    raise  # a half was not enough
                budget //= 2
                optimizer.zero_grad(set_to_none=True)
                memory.free()
                checkpoints.restore_random(luck)
                report({"event": "memory", "step": done, "tokens_per_microbatch": budget})
                loss = learn_from(lm, batch, budget, answer_tokens, world)
            world.add_gradients(learning.values())
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
            speed = (seen - resumed_at[1]) / max(1e-9, time.monotonic() - learns_since)
            report(
                {"event": "step", "step": done, "steps": steps, "epoch": epoch, "loss": loss, "lr": rate,
                 "grad_norm": norm, "tokens": seen, "answer_tokens": answer_tokens,
                 "tokens_per_second": round(speed, 1), "memory_bytes": memory.peak(lm.device),
                 "seconds": round(time.monotonic() - began, 3)}
            )  # fmt: skip
            if validation and is_eval_due(config, done, steps, len(examples)):
                evals[done] = evaluate(lm, validation, budget, world)
                watched = sum(example.labelled for example in validation)
                report({"event": "eval", "step": done, "loss": evals[done], "answer_tokens": watched})
                best.look(done, evals[done], learning, config)
            if done % config.checkpoint_every == 0 and done < steps:
                keep()

        # the result
        if best.weights:
            with torch.no_grad():
                for name, value in best.weights.items():
                    learning[name].copy_(value)
        record = {
            "config": config.to_dict(),
            "config_hash": config.hash(),
            "snapshot_hash": snapshot_hash,
            "base": run.base_key,
            "base_revision": lm.revision,
            "family": lm.family.key,
            "batch_order_hash": order,
            "seeds": {"run": config.seed, "subset": config.subset_seed},
            "device": str(lm.device),
            "device_name": torch.cuda.get_device_name() if lm.device.type == "cuda" else platform.machine(),
            "dtype": lm.dtype_name,
            "processes": world.size,
            "versions": versions(),
            "code": code(),
            "examples": len(examples),
            "skipped": skipped,
            "validation": len(validation),
            "validation_hash": validation_hash(validation),
            "steps": done,
            "steps_planned": steps,
            "stopped_early": done < steps,
            "best_step": best.step or done,
            "tokens": seen,
            "tokens_per_microbatch": budget,
            "gradient_checkpointing": checkpointing,
            "losses": losses,
            "first_loss": losses[0],
            "last_loss": losses[-1],
            "evals": {str(step): value for step, value in evals.items()},
            "eval_loss": evals[best.step or max(evals)] if evals else None,
        }

        def describe(sha256: str) -> dict[str, str]:
            record["adapter_sha256"] = sha256
            return {"README.md": card(record, run.told), "training.json": written(record)}

        if world.is_first:
            lora.save_adapter(model, run.base_key, run.out / "adapter", began=at_first, describe=describe)
            beside = run.out / ".training.json"
            beside.write_text(written(record))
            beside.rename(run.out / "training.json")
    learnt = time.monotonic() - learns_since
    report(
        {"event": "measured", "learning_seconds": round(learnt, 3), "tokens": seen - resumed_at[1],
         "steps": done - resumed_at[0], "tokens_per_second": round((seen - resumed_at[1]) / max(1e-9, learnt), 1),
         "memory_bytes": memory.peak(lm.device), "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    return record


def learn_from(lm: AudioLM, batch: Sequence[Encoded], budget: int, answer_tokens: int, world: World) -> float:
    """Add up the gradients of a step, and return its loss; several processes share its microbatches."""
    loss = 0.0
    for part in world.mine(list(microbatches(batch, budget))):
        part_loss, _ = lm.loss_sum(lm.embed(part))
        (part_loss / answer_tokens).backward()  # type: ignore[no-untyped-call]
        loss += part_loss.item() / answer_tokens
    return world.add(loss)[0]


@dataclass(slots=True)
class Best:
    """The lowest validation loss so far, and the weights that had it, for a run that may end early."""

    step: int = 0
    loss: float | None = None
    waited: int = 0  # looks since
    weights: dict[str, Tensor] = field(default_factory=dict)

    def look(self, step: int, loss: float, learning: Mapping[str, Tensor], config: TrainingConfig) -> None:
        """Take a look at validation."""
        if not config.patience:
            return
        if self.loss is None or loss < self.loss - config.min_delta:
            self.step, self.loss, self.waited = step, loss, 0
            self.weights = {name: value.detach().cpu().clone() for name, value in learning.items()}
        else:
            self.waited += 1

    def is_passed(self, config: TrainingConfig) -> bool:
        """Whether it has got no better for as many looks as the patience lasts."""
        return bool(config.patience) and self.waited >= config.patience

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "loss": self.loss, "waited": self.waited}


def written(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


# examples


def prepare(run: Run, lm: AudioLM, report: Report) -> tuple[list[Encoded], list[Encoded], dict[str, int]]:
    """Encode both splits and hear every clip once; only the rows that the decoder takes are kept."""
    began, config = time.monotonic(), run.config
    rows, skipped = select(read_split(run.snapshot, "train"), has_content_only=config.has_content_only)
    rows = share(rows, config.fraction, config.subset_seed)
    with_content = config.has_content_only if config.validate_on == "same" else config.validate_on == "content"
    watched, _ = select(read_split(run.snapshot, "validation"), has_content_only=with_content)
    examples, too_long = encode_and_hear(lm, rows, config)
    validation, _ = encode_and_hear(lm, watched, config, loss_on="last")
    if too_long:
        skipped["too long"] = too_long
    if not examples:
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "the split is empty"
        raise TrainingError(
            "nothing-to-train-on",
            f"The snapshot's train split has no row to learn from ({reasons}); "
            "give it turns with an expert's answer, or train on rows without content too.",
        )
    if config.patience and not validation:
        raise TrainingError(
            "nothing-to-watch",
            "The run is to end by its validation loss, and the snapshot's validation split has no row for that; "
            "set patience to 0, or watch all rows (validate_on all).",
        )
    both = examples + validation
    report(
        {"event": "cached", "examples": len(examples), "validation": len(validation), "skipped": skipped,
         "clips": len({one.clip_key for one in both if one.clip_key}),
         "audio_cut": sum(one.audio_kept in ("tail", "head") for one in both),
         "audio_windows": sum(one.audio_kept == "windows" for one in both),
         "history_cut": sum(one.history_cut > 0 for one in both),
         "tokens": sum(map(len, examples)), "answer_tokens": sum(one.labelled for one in examples),
         "seconds": round(time.monotonic() - began, 3)}
    )  # fmt: skip
    return examples, validation, skipped


def encode_and_hear(
    lm: AudioLM, examples: Sequence[Example], config: TrainingConfig, *, loss_on: str | None = None
) -> tuple[list[Encoded], int]:
    """Encode what fits, and count what doesn't."""
    policy = AudioPolicy(max_seconds=config.max_audio_seconds, over_long=config.over_long)
    encoded, too_long = [], 0
    for example in examples:
        plain = example if config.summaries else replace(example, summary=None)
        try:
            one = lm.encode(
                plain,
                policy=policy,
                system=config.system,
                max_tokens=config.max_tokens,
                max_turns=config.max_turns,
                loss_on=loss_on or config.loss_on,
            )
        except BackboneError as error:
            if error.code != "too-long":
                raise
            too_long += 1
            continue
        lm.hear(one)
        encoded.append(replace(one, features={}))  # 1.5 MB of mel that nobody asks for again
    return encoded, too_long


def validation_hash(examples: Sequence[Encoded]) -> str:
    """Hash what is watched, apart from how it is prompted: runs with one hash can be compared by their loss."""
    answers = [[one.row, one.labels[one.labels != IGNORED].tolist()] for one in examples]
    return hash_of(sorted(answers))


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
def evaluate(lm: AudioLM, examples: Sequence[Encoded], tokens: int, world: World = ALONE) -> float:
    """Give the mean cross-entropy of an answer's token over all examples."""
    decoder_was_training = lm.decoder.training
    lm.model.eval()
    total, count = 0.0, 0
    for part in world.mine(list(microbatches(examples, tokens))):
        loss, labels = lm.loss_sum(lm.embed(part))
        total, count = total + loss.item(), count + labels
    lm.model.train(decoder_was_training)
    total, labelled = world.add(total, count)
    return total / labelled


def versions() -> dict[str, str]:
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "",
        **{module.__name__: module.__version__ for module in (transformers, peft, safetensors, tokenizers, np)},
    }
