"""The waveform that comes with the workbench's page shows what the recording's pyramid holds, in its place."""

import re

import numpy as np
import pytest

from annotation.audio import peaks
from annotation.audio.errors import AudioError
from annotation.audio.outline import outline
from tests.annotation.audio.sounds import write

RATE = 8000


def strokes(path):
    assert re.fullmatch(r"(M\d+ \d+v\d+)*", path)
    return {int(x): (int(top), int(tall)) for x, top, tall in re.findall(r"M(\d+) (\d+)v(\d+)", path)}


@pytest.fixture
def folder(tmp_path):
    sound = np.zeros((RATE * 60, 2), np.int16)
    sound[RATE * 30 : RATE * 31, 0] = 16_000  # a second in one channel, above the line alone
    peaks.build(write(tmp_path / "a.wav", sound, RATE), tmp_path / "peaks")
    return tmp_path / "peaks"


def test_a_loud_second_stands_where_it_sounds_and_is_stretched_to_the_full_height(folder):
    drawn = strokes(outline(folder, offset_ms=0, length_ms=60_000))
    assert len(drawn) == 640
    loud = [x for x, (top, tall) in drawn.items() if tall > 40]
    assert min(loud) in range(318, 322)
    assert max(loud) in range(328, 333)
    assert all(drawn[x] == (0, 50) for x in loud)
    assert all(tall == 1 for x, (_, tall) in drawn.items() if x not in loud)


def test_a_recording_that_begins_late_leaves_the_time_before_and_after_it_empty(folder):
    drawn = strokes(outline(folder, offset_ms=60_000, length_ms=240_000))
    assert min(drawn) == 160
    assert max(drawn) in (318, 319, 320)
    assert min(x for x, (_, tall) in drawn.items() if tall > 40) in range(238, 242)


def test_a_recording_of_a_moment_is_drawn_without_gaps(tmp_path):
    sound = np.tile(np.array([[900], [-900]], np.int16), (RATE // 2, 1))
    peaks.build(write(tmp_path / "a.wav", sound, RATE), tmp_path / "peaks")
    drawn = strokes(outline(tmp_path / "peaks", offset_ms=0, length_ms=1000))
    assert len(drawn) == 640
    assert {tall for _, tall in drawn.values()} == {12}  # four times as high as it is, and no more


def test_without_a_pyramid_it_says_so(tmp_path):
    with pytest.raises(AudioError):
        outline(tmp_path, offset_ms=0, length_ms=1000)
