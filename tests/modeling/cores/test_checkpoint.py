"""A checkpoint is whole or not there, and a damaged one is passed over for the one before."""

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture
def write(tmp_path):
    import torch

    from modeling.training import checkpoint

    def writer(step, identity="a"):
        tensor, luck = torch.full((3,), float(step)), torch.get_rng_state()
        return checkpoint.write(
            tmp_path / "run" / "checkpoints", step=step, identity=identity, state={"losses": [1.5] * step},
            adapter={"w": tensor}, optimizer={"w:step": torch.tensor(float(step))}, random={"cpu": luck},
        )  # fmt: skip

    return writer


@pytest.fixture
def newest(tmp_path):
    from modeling.training import checkpoint

    def finder(identity="a"):
        found = checkpoint.newest([tmp_path / "gone", tmp_path / "run"], identity=identity)
        return found and found.step

    return finder


def test_the_newest_two_are_kept(write, newest, tmp_path):
    for step in (2, 4, 10):
        write(step)
    assert sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir()) == ["step-00000004", "step-00000010"]
    assert newest() == 10


def test_it_reads_what_was_written(write, tmp_path):
    from modeling.training import checkpoint

    write(3)
    found = checkpoint.newest([tmp_path / "run"], identity="a")
    assert found.adapter()["w"].tolist() == [3.0] * 3
    assert found.optimizer()["w:step"].item() == 3.0
    assert found.state["losses"] == [1.5] * 3


@pytest.mark.parametrize(
    "name", ["adapter.safetensors", "optimizer.safetensors", "random.safetensors", "best.safetensors", "state.json"]
)
def test_a_damaged_file_sends_us_one_back(write, newest, name):
    write(2)
    path = write(4) / name
    path.write_bytes(path.read_bytes()[:-1] + b"~")
    assert newest() == 2


@pytest.mark.parametrize("name", ["adapter.safetensors", "manifest.json"])
def test_a_missing_file_sends_us_one_back(write, newest, name):
    write(2)
    (write(4) / name).unlink()
    assert newest() == 2


def test_dying_while_writing_leaves_the_one_before(write, newest, tmp_path, monkeypatch):
    from modeling.training import checkpoint

    write(2)
    for point in ("sha256_of", "_sync"):
        with monkeypatch.context() as at:
            at.setattr(checkpoint, point, lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                write(4)
        assert newest() == 2
        assert not list(tmp_path.rglob(".writing*"))
    write(4)
    assert newest() == 4


def test_another_runs_checkpoint_is_left_alone(write, newest):
    write(2, identity="a")
    write(6, identity="b")
    assert newest("a") == 2
    assert newest("c") is None


def test_nothing_in_it_is_a_pickle(write):
    assert sorted(path.suffix for path in write(2).iterdir()) == [".json"] * 2 + [".safetensors"] * 4
