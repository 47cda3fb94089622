"""The measure of picture against sound follows the clocks of a machine whose sound breaks off, and hides no error."""

import numpy as np
import pytest
import soundfile

from bench import clicks

FROM_MS, LENGTH_MS = 20_000, 2_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = clicks.write(tmp_path_factory.mktemp("clicks") / "clicks.wav", 30, channels=1)
    return soundfile.read(path)[0]


def heard(recording, *, ahead):
    """What a page hands over that played from 20 s on; `ahead(ms)` is the playhead minus the loudspeaker's clock."""
    frames = slice(FROM_MS * 48, (FROM_MS + LENGTH_MS) * 48)
    times = np.arange(0, LENGTH_MS, 16.7)
    rows = [[at / 1000, at + FROM_MS + ahead(at)] for at in times]
    return {"sound": recording[frames], "rate": 48_000, "first": 0, "rows": rows}


def picture(recording, late_ms=0):
    sizes = np.abs(recording[(FROM_MS - late_ms) * 48 : (FROM_MS - late_ms + LENGTH_MS) * 48]).reshape(-1, 48)
    return {"from_ms": FROM_MS, "ms": 1, "columns": (127 * sizes.max(axis=1)).tolist()}


def test_even_clocks_tell_every_click_and_how_late_its_picture_is(recording):
    for late in (0, 30):
        found = clicks.matches(heard(recording, ahead=lambda at: 3.0), picture(recording, late))
        assert len(found) >= 3
        assert [each.apart_ms for each in found] == pytest.approx([3 - late] * len(found), abs=1)


def test_a_break_in_the_sound_moves_no_click_and_leaves_out_the_one_beside_it(recording):
    def times():
        return [each.true_ms - FROM_MS for each in clicks.matches(heard(recording, ahead=lambda at: 0.0), whole)]

    whole = picture(recording)
    first, second, *_ = times()
    between, beside = (first + second) / 2, second + 20
    for at_break, left in ((between, 0), (beside, 1)):
        # the sound is heard when the playhead says so, which fell 40 ms back against the loudspeaker's clock there
        told = heard(recording, ahead=lambda at, since=at_break: -40.0 if at > since else 0.0)
        shift = 40 * 48
        cut = round(at_break * 48)
        told["sound"] = np.concatenate([told["sound"][:cut], np.zeros(shift), told["sound"][cut:]])[: LENGTH_MS * 48]
        found = clicks.matches(told, whole)
        assert len(found) >= len(times()) - left - 1  # one may have been pushed over the end
        assert all(abs(each.apart_ms) < 2 for each in found)
        assert (second in [each.true_ms - FROM_MS for each in found]) is (left == 0)


def test_a_playhead_that_is_wrong_all_the_time_is_told(recording):
    found = clicks.matches(heard(recording, ahead=lambda at: 25.0), picture(recording))
    assert len(found) >= 3
    assert all(each.apart_ms == pytest.approx(25, abs=1) for each in found)


def test_a_number_whose_sound_ends_before_it_is_spelled_is_not_read_as_another(recording):
    start = FROM_MS * 48
    whole = clicks.clicks_in(recording[start : start + LENGTH_MS * 48], 48_000)
    numbers = dict(whole)
    for at, number in whole:
        spelled = at + clicks.PIPS_AFTER
        for tones in range(17):
            sound = recording[start : start + LENGTH_MS * 48].copy()
            sound[spelled + round((tones + 0.3) * clicks.PIP) :] = 0  # somebody pressed pause
            read = dict(clicks.clicks_in(sound, 48_000))
            assert read.items() <= numbers.items()
            assert (at in read) is (tones == 16), (number, tones)
