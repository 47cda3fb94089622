"""Two processes that share each step's microbatches train what one process trains."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch
CONFIG = {
    "max_steps": 3,
    "examples_per_step": 6,
    "tokens_per_microbatch": 500,
    "dropout": 0.0,
    "rank": 2,
    "patience": 5,
}


def test_two_processes_end_with_the_losses_of_one(tiny_base, snapshot, tmp_path):
    base = {"kind": "tiny", "key": "tiny", "path": str(tiny_base)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    starts = [("one", {}), *(("two", {**together, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(2))]
    children = []
    for name, more in starts:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "request.json").write_text(json.dumps({"base": base, "snapshot": str(snapshot), "config": CONFIG}))
        command = [sys.executable, "-m", "modeling.training", str(folder)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        children.append(subprocess.Popen(command, env={**os.environ, **more}, text=True, **pipes))
    said = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], said
    one, two = (json.loads((Path(tmp_path) / name / "training.json").read_text()) for name in ("one", "two"))
    assert two["processes"] == 2
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert two["eval_loss"] == pytest.approx(one["eval_loss"], rel=1e-4)
    second = [json.loads(line)["event"] for line in said[2][0].splitlines()]
    assert second == ["started"]  # the first alone reports
