"""A run's record says which code it was, in a repository and outside one."""

import shutil
import subprocess

import pytest

from modeling.training.provenance import code


@pytest.fixture
def room(tmp_path):
    folder = tmp_path / "repository" / "room"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("ONE = 1\n")
    return folder


def test_code_outside_a_repository_has_its_hash_alone(room):
    told = code(room)
    assert (told["commit"], told["dirty"]) == (None, None)
    (room / "one.py").write_text("ONE = 2\n")
    assert code(room)["sha256"] != told["sha256"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_in_a_repository_it_tells_the_commit_and_whether_it_was_changed(room):
    def git(*words):
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
        return subprocess.run(
            ["git", "-C", str(room), *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    told = code(room)
    assert (told["commit"], told["dirty"]) == (git("rev-parse", "HEAD"), False)
    (room.parent / "notes.txt").write_text("beside the code")
    assert code(room)["dirty"] is False
    (room / "one.py").write_text("ONE = 2\n")
    assert code(room)["dirty"] is True
