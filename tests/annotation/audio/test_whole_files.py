"""Files appear whole, and what was left half-written does not stay."""

import os
import time

import pytest

from annotation.audio.whole import STALE_AFTER_S, sweep, whole_file, whole_folder


def test_a_file_is_in_its_place_only_when_it_is_whole(tmp_path):
    place = tmp_path / "new" / "proxy.mp4"
    with whole_file(place) as part:
        part.write_text("half")
        assert not place.exists()
    assert place.read_text() == "half"
    assert list(place.parent.iterdir()) == [place]


def test_what_was_there_stays_when_the_new_one_fails(tmp_path):
    place = tmp_path / "proxy.mp4"
    place.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(place) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_a_folder_takes_the_place_of_the_one_before(tmp_path):
    for content in ("old", "new"):
        with whole_folder(tmp_path / "peaks") as part:
            (part / content).write_text(content)
    assert [path.name for path in tmp_path.rglob("*")] == ["peaks", "new"]
    with pytest.raises(ValueError), whole_folder(tmp_path / "peaks") as part:
        (part / "newer").write_text("")
        raise ValueError
    assert [path.name for path in tmp_path.rglob("*")] == ["peaks", "new"]


def test_parts_of_a_dead_process_are_swept(tmp_path):
    mine, others = tmp_path / ".proxy.mp4.12-00000000.part", tmp_path / ".proxy.mp4.123-00000000.part"
    deep = tmp_path / "clips" / "Group1" / ".cut_1.wav.12-00000000.part"
    deep.parent.mkdir(parents=True)
    for part in (mine, others, deep):
        part.write_text("half")
    sweep(tmp_path / "proxy.mp4", 12)
    sweep(tmp_path / "clips", 12)
    assert list(tmp_path.rglob("*.part")) == [others]


def test_parts_of_a_dead_machine_go_after_a_day(tmp_path):
    old, young, foreign = (tmp_path / f".{name}" for name in ("a.1-0a0b0c0d.part", "b.1-0a0b0c0d.part", "upload.part"))
    for part in (old, young, foreign):
        part.write_text("half")
    for part in (old, foreign):
        os.utime(part, times=(time.time() - STALE_AFTER_S - 10,) * 2)
    with whole_file(tmp_path / "new") as part:
        part.write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {"new", young.name, foreign.name}
