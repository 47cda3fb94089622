"""The tiny base is an ordinary checkpoint, the same bytes wherever it is made."""

import hashlib
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.torch


def sums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_another_process_makes_the_same_bytes(tiny_base, tmp_path):
    code = "import sys, pathlib; from modeling.backbones import tiny; tiny.make(pathlib.Path(sys.argv[1]))"
    env = {**os.environ, "PYTHONHASHSEED": "7", "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other name")], env=env, check=True, capture_output=True)
    assert sums(tmp_path / "other name") == sums(tiny_base)


def test_another_seed_makes_other_weights(tiny_base, tmp_path):
    from modeling.backbones import tiny

    other = sums(tiny.make(tmp_path / "tiny", seed=1))
    differing = {name for name, value in sums(tiny_base).items() if other[name] != value}
    assert differing == {"model.safetensors"}


def test_the_slower_of_two_at_once_drops_its_copy(tiny_base, tmp_path, monkeypatch):
    from modeling.backbones import tiny

    draw = tiny._model

    def draw_while_another_is_faster(*args):
        monkeypatch.setattr(tiny, "_model", draw)
        tiny.make(tmp_path / "tiny")
        return draw(*args)

    monkeypatch.setattr(tiny, "_model", draw_while_another_is_faster)
    assert tiny.make(tmp_path / "tiny") == tmp_path / "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert sums(tmp_path / "tiny") == sums(tiny_base)


def test_it_is_safetensors_and_says_nothing_of_its_place(tiny_base):
    assert not [path for path in tiny_base.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    assert not [path for path in tiny_base.iterdir() if str(tiny_base.parent).encode() in path.read_bytes()]
