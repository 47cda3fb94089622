"""Training against the stock trainers: the same turns, the same adapter, three epochs with validation; CPU seconds."""

import json
import subprocess
import sys
from pathlib import Path

from bench.measure import ROOT, Figure, Recordings

ROUNDS = 3
AGAINST = {  # arm: what it is, and how many times our CPU seconds it has to take
    "hf": ("HF Trainer with our collator", 1.15),
    "trl": ("TRL SFTTrainer with our collator", 1.4),
    "trl-checkpointing": ("TRL with its default checkpointing", 1.9),
}


def training_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Each arm in fresh processes, interleaved; the least of three rounds, for noise only ever adds."""
    folder.mkdir(parents=True, exist_ok=True)
    run("prepare", folder)
    arms = {"ours": ("", 0.0), **AGAINST}
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    losses: dict[str, float] = {}
    missing: dict[str, str] = {}
    for round_ in range(ROUNDS):
        for arm in arms:
            told, why = run(arm, folder)
            if told is None:
                missing[arm] = why
                continue
            seconds[arm].append(told["cpu"])
            losses[arm] = told["eval_loss"]
            print(
                f"  round {round_ + 1}: {arm} {told['cpu']:.1f} s CPU, validation {told['eval_loss']:.3f}", flush=True
            )
    mine = min(seconds["ours"])
    figures = [Figure("training, 3 epochs with validation", mine, "s CPU")]
    for arm, (what, floor) in AGAINST.items():
        if seconds[arm]:
            ratio = min(seconds[arm]) / mine
            figures.append(Figure(f"… {arm} over ours", ratio, "times", floor, what, 1 / ratio, at_least=True))
        else:
            print(f"  {what} did not run: {missing[arm]}", flush=True)
    return figures


def run(arm: str, folder: Path) -> tuple[dict[str, float] | None, str]:
    """What one process tells, or why it tells nothing."""
    command = [sys.executable, "bench/training_arm.py", arm, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or (arm != "prepare" and not done.stdout.strip()):
        return None, (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    return (json.loads(done.stdout.splitlines()[-1]) if arm != "prepare" else {}), ""


ARMS = {"training": training_arm}
