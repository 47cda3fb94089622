"""The tiny base, a miniature snapshot and an adapter that learnt it by heart, made once for all tests here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.modeling.cores.miniature import clip, rows_of, write_snapshot

# the shortest clip that is heard, the longest, and what lies between; every fifth row has none
SECONDS = (0.1, 30.0, 1.6, 5.0, 0.5, 12.0, 7.0, 0.3)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory) -> Path:
    import torch

    from modeling.backbones import tiny

    torch.set_num_threads(1)  # toys lose more to threads that wait for each other than they win
    return tiny.make(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture
def lm(tiny_base):
    from modeling.backbones import audio_lm

    return audio_lm.load(tiny_base, device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory) -> Path:
    return write_snapshot(tmp_path_factory.mktemp("snapshots") / "miniature")


@pytest.fixture(scope="session")
def uneven(tmp_path_factory) -> Path:
    """Eight rows whose clips last from a tenth of a second to half a minute."""
    folder = tmp_path_factory.mktemp("snapshots") / "uneven"
    rows = rows_of("train", 8)
    for index, (row, seconds) in enumerate(zip(rows, SECONDS, strict=True)):
        if row["audio_file"]:
            clip(folder / row["audio_file"], seconds, seed=index)
    return write_snapshot(folder, {"train": rows})


@pytest.fixture(scope="session")
def learnt(tiny_base, uneven, tmp_path_factory):
    """The record and the folder of a run with the tiny preset over the uneven snapshot."""
    from modeling.backbones import audio_lm
    from modeling.training import loop
    from modeling.training.config import TrainingConfig

    out = tmp_path_factory.mktemp("runs") / "learnt"
    out.mkdir()
    config = TrainingConfig.from_dict({}, base_kind="tiny")
    run = loop.Run(base_key="tiny", snapshot=uneven, config=config, out=out)
    record = loop.train(run, audio_lm.load(tiny_base, device="cpu"), report=lambda event: None)
    return record, out


class Child:
    """A started child, the way a worker starts one: with a pipe for its standard input."""

    def __init__(self, module: str, request: Path) -> None:
        env = {**os.environ, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", module, str(request)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )

    def __iter__(self):
        for line in self.process.stdout:
            yield json.loads(line)

    def until(self, name: str, step: int = 0) -> dict:
        for event in self:
            if event["event"] == name and event.get("step", 0) >= step:
                return event
        raise AssertionError(f"the child ended without {name}")

    def finish(self) -> tuple[int, list[dict]]:
        events = list(self)
        code = self.process.wait(timeout=120)
        self.process.stdin.close()
        return code, events


@pytest.fixture
def start(tmp_path):
    """Start a child with a request; whatever still runs at the end of the test is killed."""
    children = []

    def starter(module: str, request: dict) -> Child:
        path = tmp_path / f"request-{len(children)}.json"
        path.write_text(json.dumps(request))
        children.append(Child(module, path))
        return children[-1]

    yield starter
    for child in children:
        if child.process.poll() is None:
            child.process.kill()
            child.process.wait()
