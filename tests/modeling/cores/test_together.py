"""Two processes that share each step's microbatches train what one process trains."""

import json
import os
import socket
import subprocess
import sys

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


TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2")  # by which `accelerate launch` starts GPUs


def test_two_processes_end_with_the_losses_of_one(tiny_base, snapshot, tmp_path):
    base = {"kind": "tiny", "key": "tiny", "path": str(tiny_base)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    children = []
    for name, launcher in {"one": (), "two": (*TORCHRUN, "--master_port", port)}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "request.json").write_text(json.dumps({"base": base, "snapshot": str(snapshot), "config": CONFIG}))
        command = [sys.executable, *launcher, "-m", "modeling.training", str(folder)]
        env = {**os.environ, "ACCELERATE_USE_CPU": "true"}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        children.append(subprocess.Popen(command, env=env, text=True, **pipes))
    said = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    one, two = (json.loads((tmp_path / name / "training.json").read_text()) for name in ("one", "two"))
    assert two["processes"] == 2
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert two["eval_loss"] == pytest.approx(one["eval_loss"], rel=1e-4)
    alone, both = ([json.loads(line)["event"] for line in out.splitlines()] for out, _ in said)
    assert sorted(both) == sorted([*alone, "started"])  # the first alone reports what comes after
