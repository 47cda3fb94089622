"""A moment of a recording is cut exact to the frame, wherever it lies and whatever the master is."""

import io
import wave

import numpy as np
import pytest

from annotation.audio import proxy
from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.excerpt import cut
from annotation.audio.proxy import fold
from tests.annotation.audio.sounds import music, write
from tests.annotation.audio.test_proxy import lag_of


def heard(path):
    """Read a WAV that must have the plain header: its rate and its samples."""
    content = path.read_bytes()
    with wave.open(io.BytesIO(content)) as file:
        assert file.getsampwidth() == 2
        rate, channels = file.getframerate(), file.getnchannels()
    assert content[36:40] == b"data"
    return rate, np.frombuffer(content[44:], "<i2").reshape(-1, channels)


def whole(path):
    return np.concatenate(list(open_master(path).blocks()))


@pytest.mark.parametrize("kind", ["wav", "rf64", "flac"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 48_000), (123_457, 200_001), (350_000, 350_400)])
def test_what_can_be_sought_gives_its_own_samples(recordings, tmp_path, kind, start, stop):
    out = tmp_path / "x.wav"
    facts = cut(recordings[kind], out, start=start, stop=stop, rate=48_000, channels=2, proxy=tmp_path / "unused")
    rate, samples = heard(out)
    assert (rate, facts.exact, facts.frames) == (48_000, True, stop - start)
    assert np.array_equal(samples, whole(recordings[kind])[start:stop])


@pytest.mark.parametrize("channels", [1, 4])
def test_more_channels_than_two_are_folded_as_for_the_proxy(tmp_path, channels):
    path = write(tmp_path / "take.wav", music(1, 44_100, channels), 44_100)
    cut(path, tmp_path / "x.wav", start=1000, stop=9001, rate=44_100, channels=channels)
    rate, samples = heard(tmp_path / "x.wav")
    assert rate == 44_100
    assert np.array_equal(samples, fold(whole(path)[1000:9001], min(channels, 2)))


@pytest.mark.parametrize(
    ("kind", "rate", "channels"),
    [("mp3", 48_000, 2), ("mp3", 22_050, 2), ("m4a", 44_100, 1), ("m4a", 16_000, 2), ("opus", 48_000, 2)],
)
@pytest.mark.parametrize("at_s", [0, 4.321])
def test_what_can_not_be_sought_is_cut_from_its_proxy_in_time(tmp_path, kind, rate, channels, at_s):
    path = write(tmp_path / f"take.{kind}", music(6, rate, channels), rate)
    proxy.build(path, tmp_path / "proxy.mp4")
    source = whole(path)
    start, stop = int(at_s * rate), min(int(at_s * rate) + rate, len(source))
    out = tmp_path / "x.wav"
    facts = cut(path, out, start=start, stop=stop, rate=rate, channels=channels, proxy=tmp_path / "proxy.mp4")
    own, samples = heard(out)
    assert (own, facts.exact, samples.shape) == (rate, False, (stop - start, channels))
    sought, found = source[start:stop].mean(axis=1), samples.mean(axis=1)
    assert lag_of(sought, found) == 0
    assert np.corrcoef(sought, found)[0, 1] > 0.97


def test_without_a_proxy_it_is_decoded_from_the_beginning(recordings, tmp_path):
    facts = cut(recordings["mp3"], tmp_path / "x.wav", start=5000, stop=6000, rate=48_000, channels=2)
    assert facts.exact
    assert np.array_equal(heard(tmp_path / "x.wav")[1], whole(recordings["mp3"])[5000:6000])


def test_an_end_that_the_sound_does_not_reach_leaves_nothing(recordings, tmp_path):
    with pytest.raises(AudioError) as wrong:
        cut(recordings["wav"], tmp_path / "x.wav", start=350_000, stop=350_401, rate=48_000, channels=2)
    assert wrong.value.code == "truncated-wav"
    assert list(tmp_path.iterdir()) == []
