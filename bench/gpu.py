"""What training costs on a GPU, at the real size of Qwen2-Audio with random weights: `make bench-gpu`.

    R1  tokens a second, against the stock Trainer with and without gradient checkpointing   at least 1.3 and 1.8 times
    R2  peak memory, against logits at every position                                        at most 0.8 times
    R4  wall time of six runs in one sweep, against six processes                            at least 1.5 times
    R5  GPU memory that is held when a child has ended                                       none

The figures go to bench/results/gpu.json. Without a CUDA GPU nothing is measured, and that is said.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.__main__ import table
from bench.measure import ROOT, Figure

RESULTS = Path(__file__).parent / "results" / "gpu.json"
RUNS = 6


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        print("There is no CUDA GPU here: R1, R2, R4 and R5 were not measured.")
        return
    print(torch.cuda.get_device_name(), flush=True)
    with tempfile.TemporaryDirectory(prefix="mixassist-gpu-") as name:
        folder = Path(name)
        arm("prepare", folder)
        figures = [*rates(folder), *sweep(folder)]
    table(figures)
    RESULTS.parent.mkdir(exist_ok=True)
    told = {"device": torch.cuda.get_device_name(), "figures": [figure.as_dict() for figure in figures]}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")


def rates(folder: Path) -> list[Figure]:
    """R1 and R2: the same 64 turns in a fresh process for each arm, the least of two rounds."""
    arms = ("ours", "hf", "hf-checkpointing", "full-logits")
    rounds = [{each: arm(each, folder) for each in arms} for _ in range(2)]
    wall = {each: min(told[each]["wall"] for told in rounds) for each in arms}
    memory = {each: min(told[each]["memory_mb"] for told in rounds) for each in arms}
    mine, kept = wall["ours"], memory["ours"] / memory["full-logits"]
    return [
        Figure("R1 one epoch of 64 turns", mine, "s"),
        *(
            Figure(f"R1 {each} over ours", wall[each] / mine, "times", floor, each, mine / wall[each], at_least=True)
            for each, floor in (("hf-checkpointing", 1.8), ("hf", 1.3))
        ),
        Figure("R2 peak memory", memory["ours"], "MB"),
        Figure("R2 ours over all logits", kept, "times", 0.8, "logits at every position", kept),
    ]


def sweep(folder: Path) -> list[Figure]:
    """R4 and R5: six ranks on one base in one process, and each in a process of its own."""
    base = {"kind": "qwen2_audio", "key": "real", "path": str(folder / "mid")}
    common = {"epochs": 1, "has_content_only": False, "device": "cuda"}

    def run(name: str, at: int) -> dict[str, Any]:
        out = str(folder / name / str(at))
        return {"key": str(at), "snapshot": str(folder / "snapshot"), "out": out, "config": {**common, "seed": at}}

    def child(module: str, name: str, request: dict[str, Any]) -> None:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"base": base, **request}))
        subprocess.run([sys.executable, "-m", module, str(path)], cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    began = time.perf_counter()
    child("modeling.training.sweep", "sweep", {"runs": [run("together", at) for at in range(RUNS)]})
    together = time.perf_counter() - began
    held = used_mb()
    began = time.perf_counter()
    for at in range(RUNS):
        child("modeling.training", f"alone-{at}", run("alone", at))
    alone = time.perf_counter() - began
    return [
        Figure(f"R4 {RUNS} runs in one sweep", together, "s"),
        Figure("R4 one by one over one sweep", alone / together, "times", 1.5, "six processes", together / alone,
               at_least=True),
        Figure("R5 GPU memory that children left", held, "MB", 0),
    ]  # fmt: skip


def used_mb() -> float:
    """Memory that processes hold on the GPUs, by the driver."""
    asked = ["nvidia-smi", "--query-compute-apps=used_memory", "--format=csv,noheader,nounits"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    return sum(float(line) for line in lines if line.isdecimal())


def arm(name: str, folder: Path) -> dict[str, Any]:
    """What one process measures."""
    command = [sys.executable, "bench/training_arm.py", name, str(folder), "--cuda"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1])) if name != "prepare" else {}


if __name__ == "__main__":
    main()
