"""Checkpoints that are whole or not there: written beside, hashed, synced, renamed; read only after a check.

    checkpoints/step-00000040/
        adapter.safetensors     the LoRA weights by name
        optimizer.safetensors   AdamW's moments and step counts by name
        random.safetensors      the state of each generator
        best.safetensors        the weights with the lowest validation loss, for a run that may end early
        state.json              step, losses so far, identity of the run
        manifest.json           sha256 of the five above, written last

A step's batches and learning rate follow from the config and the step's number alone, so the step is the position of
both the sampler and the schedule. Nothing here is a pickle.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

FORMAT = 2
FILES = ("adapter.safetensors", "optimizer.safetensors", "random.safetensors", "best.safetensors", "state.json")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    path: Path
    step: int
    state: dict[str, Any]

    def adapter(self) -> dict[str, Tensor]:
        return load_file(self.path / "adapter.safetensors")

    def optimizer(self) -> dict[str, Tensor]:
        return load_file(self.path / "optimizer.safetensors")

    def random(self) -> dict[str, Tensor]:
        return load_file(self.path / "random.safetensors")

    def best(self) -> dict[str, Tensor]:
        return load_file(self.path / "best.safetensors")


def write(
    folder: Path,
    *,
    step: int,
    identity: str,
    state: dict[str, Any],
    adapter: dict[str, Tensor],
    optimizer: dict[str, Tensor],
    random: dict[str, Tensor],
    best: dict[str, Tensor] | None = None,
    keep: int = 2,
) -> Path:
    """Write the checkpoint of a step under folder, drop all but the newest `keep`, and return its path.

    `identity` hashes what the run is made of; a checkpoint of another run is never resumed.
    """
    final = folder / f"step-{step:08d}"
    with placing(folder / f".writing-{step:08d}-{os.getpid()}", final) as beside:
        for name, tensors in zip(FILES, (adapter, optimizer, random, best or {}), strict=False):
            save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, beside / name)
        body = {"format": FORMAT, "step": step, "identity": identity, **state}
        (beside / "state.json").write_text(json.dumps(body, sort_keys=True))
        sums = {name: sha256_of(beside / name) for name in FILES}
        (beside / "manifest.json").write_text(json.dumps({"files": sums}, sort_keys=True))
    for old in sorted(folder.glob("step-*"), reverse=True)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def newest(folders: Iterable[Path], *, identity: str) -> Checkpoint | None:
    """Find the furthest complete checkpoint of this very run; one that is damaged is passed over for the one before."""
    found = {path for folder in folders for path in _candidates(folder)}
    for path in sorted(found, key=lambda path: path.name, reverse=True):
        checkpoint = _read(path)
        if checkpoint is not None and checkpoint.state.get("identity") == identity:
            return checkpoint
    return None


def optimizer_tensors(optimizer: torch.optim.Optimizer, named: dict[str, torch.nn.Parameter]) -> dict[str, Tensor]:
    """Lay the optimizer's state out flat, by parameter name."""
    return {
        f"{name}:{key}": torch.as_tensor(value)
        for name, parameter in named.items()
        for key, value in optimizer.state[parameter].items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, named: dict[str, torch.nn.Parameter], tensors: dict[str, Tensor]
) -> None:
    for flat, value in tensors.items():
        name, _, key = flat.rpartition(":")
        parameter = named[name]
        # AdamW counts steps on the CPU wherever its moments are
        optimizer.state[parameter][key] = value if key == "step" else value.to(parameter.device)


def random_tensors() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"cuda:{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def restore_random(states: dict[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    for name, state in states.items():
        if name.startswith("cuda:") and int(name[5:]) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, int(name[5:]))


@contextlib.contextmanager
def placing(beside: Path, final: Path) -> Iterator[Path]:
    """A folder to write in: put in its place when all is in it and on the disk; an older one gives way.

    What breaks off leaves nothing: on a disk that is full, a half would keep its room from the next attempt.
    """
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        yield beside
        for path in beside.iterdir():
            _sync(path)
        _sync(beside)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if final.exists():
        shutil.rmtree(final)
    beside.rename(final)
    _sync(final.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _candidates(folder: Path) -> list[Path]:
    return [path for root in (folder, folder / "checkpoints") if root.is_dir() for path in root.glob("step-*")]


def _read(path: Path) -> Checkpoint | None:
    try:
        sums = json.loads((path / "manifest.json").read_text())["files"]
        if set(sums) != set(FILES) or any(sha256_of(path / name) != sums[name] for name in FILES):
            raise ValueError("its files are not those of its manifest")
        state = json.loads((path / "state.json").read_text())
        if state["format"] != FORMAT:
            raise ValueError(f"its format is {state['format']}, not {FORMAT}")
        return Checkpoint(path=path, step=int(state["step"]), state=state)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        print(f"passing over the checkpoint {path}: {error}", file=sys.stderr)
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
