"""A recording's loudness is exact, and silence, speech and playback are told apart about as well as is claimed."""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest

from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.levels import build, judge, measure
from bench.make_session import make
from mixassist_site.demo_session import RECORDING, TRANSCRIPT
from tests.annotation.audio.sounds import music, wav_bytes, write


def levels_of(samples, rate=48_000, kind="mixed", *, folder):
    path = folder / "take.wav"
    path.write_bytes(wav_bytes(samples.reshape(len(samples), -1).astype(np.int16), rate))
    return judge(measure(open_master(path)), kind)


def noise(seconds, decibels, rate=48_000, channels=2, seed=1):
    sound = np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    return np.rint(sound * 32768 * 10 ** (decibels / 20))


def well_formed(levels, length_ms):
    assert len(levels.loudness) == -(-length_ms // 100)
    assert all(isinstance(value, int) and -100 <= value <= 0 for value in levels.loudness)
    for spans in (levels.silences, levels.speech, levels.playback):
        ends = [time for span in spans for time in span]
        assert ends == sorted(set(ends))
        assert all(0 <= time <= length_ms for time in ends)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (11_025, 2), (96_000, 4)])
def test_loudness_is_the_mean_power_of_all_channels_each_tenth_of_a_second(tmp_path, rate, channels):
    sound = music(7.3, rate, channels)
    levels = levels_of(sound, rate, folder=tmp_path)
    well_formed(levels, 7300)
    edges = [(ms * rate + 500) // 1000 for ms in range(0, 7301, 100)]
    for step, (start, end) in enumerate(pairwise(edges)):
        exact = 10 * np.log10(((sound[start:end] / 32768.0) ** 2).mean())
        assert abs(levels.loudness[step] - exact) < 0.6


def test_channels_that_cancel_each_other_are_as_loud_as_they_are(tmp_path):
    tone = np.sin(np.arange(48_000) / 20) * 16_384
    levels = levels_of(np.stack([tone, -tone], axis=1), folder=tmp_path)
    assert set(levels.loudness) == {-9}
    four = np.stack([tone, tone, -tone, -tone], axis=1)
    assert set(levels_of(four, folder=tmp_path).loudness) == {-9}


def test_digital_silence_is_one_silence(tmp_path):
    levels = levels_of(np.zeros((96_480, 2)), folder=tmp_path)
    well_formed(levels, 2010)
    assert set(levels.loudness) == {-100}
    assert (levels.silences, levels.speech, levels.playback) == ([(0, 2010)], [], [])


@pytest.mark.parametrize(("decibels", "is_silent"), [(-60, True), (-20, False)])
def test_noise_of_one_level_is_silence_when_it_is_a_rooms(tmp_path, decibels, is_silent):
    levels = levels_of(noise(5, decibels), folder=tmp_path)
    assert levels.silences == ([(0, 5000)] if is_silent else [])
    assert set(levels.loudness) == {decibels}


@pytest.mark.parametrize("floor", [-75, -55, -40])
def test_the_threshold_follows_the_recordings_own_floor(tmp_path, floor):
    sound = noise(12, floor)
    for second in (2, 5, 8):
        sound[second * 48_000 : (second + 1) * 48_000] += noise(1, floor + 25, seed=second)
    levels = levels_of(sound, kind="dialogue", folder=tmp_path)
    assert levels.silences == [(0, 2000), (3000, 5000), (6000, 8000), (9000, 12_000)]
    assert levels.speech == [(2000, 3000), (5000, 6000), (8000, 9000)]
    assert levels.playback == []


def test_short_pauses_are_bridged_and_short_sounds_are_no_speech(tmp_path):
    sound = noise(6, -70)
    for start, end in ((1000, 1500), (1780, 2200), (3000, 3280), (4000, 4600)):
        sound[start * 48 : end * 48] += noise((end - start) / 1000, -20)
    levels = levels_of(sound, kind="dialogue", folder=tmp_path)
    assert levels.speech == [(1000, 2200), (4000, 4600)]
    assert levels.silences == [(0, 1000), (1500, 1780), (2200, 3000), (3280, 4000), (4600, 6000)]


def test_what_is_known_to_be_playback_is_playback(tmp_path):
    sound = noise(6, -70)
    sound[48_000:240_000] += noise(4, -20)
    levels = levels_of(sound, kind="daw", folder=tmp_path)
    assert (levels.playback, levels.speech) == ([(1000, 5000)], [])


@pytest.mark.parametrize("frames", [1, 10, 2400, 960, 961])
def test_a_moment_is_measured_too(tmp_path, frames):
    levels = levels_of(noise(frames / 48_000, -20), folder=tmp_path)
    well_formed(levels, max(1, frames // 48))
    assert len(levels.loudness) == 1


def test_nothing_has_no_levels(tmp_path):
    (tmp_path / "take.wav").write_bytes(wav_bytes(np.zeros((0, 2), np.int16)))
    with pytest.raises(AudioError):
        build(tmp_path / "take.wav", tmp_path / "out.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["take.wav"]


def test_clipping_is_loud_and_nothing_else(tmp_path):
    square = np.where(np.arange(96_000) // 50 % 2, 32767, -32768)
    assert set(levels_of(square, folder=tmp_path).loudness) == {0}


def test_cells_do_not_hang_on_how_the_recording_is_cut_into_blocks(tmp_path, monkeypatch):
    path = write(tmp_path / "take.wav", music(3, 11_025), 11_025)
    whole = measure(open_master(path))
    monkeypatch.setattr("annotation.audio.decode.BLOCK", 1000)
    pieces = measure(open_master(path))
    assert len(whole.power) == 150
    assert np.allclose(whole.power, pieces.power)
    assert np.allclose(whole.speech, pieces.speech)


def test_it_is_written_as_compressed_json_the_same_each_time(recordings, tmp_path):
    facts = build(recordings["mp3"], tmp_path / "a.gz")
    again = build(recordings["mp3"], tmp_path / "b.gz")
    assert facts == again
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    told = json.loads(gzip.decompress((tmp_path / "a.gz").read_bytes()))
    assert list(told) == ["step_ms", "loudness", "silences", "speech", "playback"]
    assert told["step_ms"] == 100
    assert len(told["loudness"]) in (73, 74)


def mask(spans, length_ms):
    """Tell for every 10 ms whether it lies in a span."""
    inside = np.zeros(length_ms // 10, bool)
    for start, end in spans:
        inside[start // 10 : end // 10] = True
    return inside


def judged(recording, transcript, *, mono=False):
    """Precision and recall by time, of playback, and of speech that no playback covers."""
    rows = [json.loads(line) for line in transcript.read_text(encoding="utf-8").splitlines()]
    segments = [(row["lane"], (row["start_ms"], row["end_ms"])) for row in rows if row["type"] == "segment"]
    cells = measure(open_master(recording))
    if mono:
        cells.side[:] = 0
    length_ms = cells.frames * 1000 // cells.rate
    levels = judge(cells)
    well_formed(levels, length_ms)
    playback = mask([span for lane, span in segments if lane == "music"], length_ms)
    speech = mask([span for lane, span in segments if lane in ("amateur", "expert")], length_ms) & ~playback
    for found, true in ((mask(levels.playback, length_ms), playback), (mask(levels.speech, length_ms), speech)):
        yield (found & true).sum() / found.sum()
        yield (found & true).sum() / true.sum()


@pytest.mark.parametrize(("mono", "least"), [(False, (0.85, 0.8, 0.8, 0.9)), (True, (0.8, 0.68, 0.72, 0.88))])
def test_the_bundled_session_is_told_apart(mono, least):
    assert all(got >= bound for got, bound in zip(judged(RECORDING, TRANSCRIPT, mono=mono), least, strict=True))


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    """A session that the weights were not fitted to."""
    return make(tmp_path_factory.mktemp("session"), minutes=4, seed=21)


@pytest.mark.parametrize(("mono", "least"), [(False, (0.9, 0.75, 0.85, 0.9)), (True, (0.7, 0.7, 0.8, 0.8))])
def test_a_session_that_it_never_heard_is_told_apart(unseen, mono, least):
    found = list(judged(unseen, unseen.with_suffix(".jsonl"), mono=mono))
    assert all(got >= bound for got, bound in zip(found, least, strict=True)), found
