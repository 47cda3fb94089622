"""Damaged and hostile files end as facts or as an AudioError, never as a crash, within their memory and time."""

import os

import numpy as np
import pytest

from annotation.audio import child
from annotation.audio.limits import ChildLimits
from tests.annotation.audio.conftest import KINDS
from tests.annotation.audio.sounds import music, write

EACH = int(os.environ.get("MUTATIONS", "320")) // len(KINDS)  # of every kind; more to search longer


def flip_bits(rng, content):
    for at in rng.integers(0, len(content), rng.integers(1, 20)):
        content[at] ^= 1 << int(rng.integers(8))


def flip_header(rng, content):
    for at in rng.integers(0, min(120, len(content)), rng.integers(1, 4)):
        content[at] = int(rng.integers(256))


def lie(rng, content):
    """Write an extreme number where a length may stand."""
    words = (
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\0\0\0\0",
        b"\xff\xff\xff\x7f",
        b"\1\0\0\0",
        b"\0\0\0\1",
        b"\0\0\0\x80",
    )
    at = int(rng.integers(0, min(len(content), 2000) - 4))
    content[at : at + 4] = words[rng.integers(len(words))]


def lie_often(rng, content):
    for _ in range(rng.integers(2, 8)):
        lie(rng, content)


def truncate(rng, content):
    del content[int(rng.integers(0, len(content))) :]


def overwrite(rng, content):
    at = int(rng.integers(0, len(content)))
    content[at : at + 300] = rng.bytes(min(300, len(content) - at))


def cut_out(rng, content):
    at = int(rng.integers(0, len(content)))
    del content[at : at + int(rng.integers(1, 3000))]


def repeat(rng, content):
    at, length = int(rng.integers(0, len(content))), int(rng.integers(1, 3000))
    content[at:at] = content[at : at + length]


def put_page_ahead(rng, content):
    content[int(rng.integers(0, 64)) : 0] = b"<html><script>alert(1)</script></html>"


MUTATIONS = (flip_bits, flip_header, lie, lie_often, truncate, overwrite, cut_out, repeat, put_page_ahead)


@pytest.fixture(scope="module")
def mutants(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutants")
    rng = np.random.default_rng(40)
    paths = []
    for kind in KINDS:
        whole = write(folder / f"whole.{kind}", music(0.6, seed=1)).read_bytes()
        for number in range(EACH):
            content = bytearray(whole)
            MUTATIONS[number % len(MUTATIONS)](rng, content)
            path = folder / f"{number}.{kind}"
            path.write_bytes(content)
            paths.append(path)
    return paths


def test_mutants_end_as_facts_or_as_a_sentence(mutants):
    limits = ChildLimits(memory_bytes=1 << 30, cpu_s=60 + len(mutants) // 20, wall_s=600)
    request = {"paths": [str(path) for path in mutants], "decode": True}
    found = child.run("survey", request, limits=limits)["files"]
    assert len(found) == len(mutants)
    refused = [one["error"] for one in found if "error" in one]
    assert len(refused) > len(mutants) / 4
    for error in refused:
        assert error["code"] != "audio-failed"
        assert error["message"].endswith(".")
        assert "/" not in error["message"].replace("and/or", "")
    for one in found:
        if "decoded_frames" in one:
            assert 0 < one["decoded_frames"] <= 4 * 3600 * one["facts"]["sample_rate"]
