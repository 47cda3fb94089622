"""A recording is decoded to the same 16-bit frames every time."""

import threading

import numpy as np
import pytest
import soundfile

from annotation.audio.decode import BLOCK, ahead, open_master, to_int16
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits
from tests.annotation.audio.conftest import KINDS
from tests.annotation.audio.sounds import encode, music, wav_bytes, write

LOSSLESS = ("wav", "rf64", "flac", "alac")


def decoded(path, *span):
    return np.concatenate(list(open_master(path).blocks(*span)))


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_kinds_give_back_what_was_recorded(kind, recordings):
    assert np.array_equal(decoded(recordings[kind]), music(7.3))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(LOSSLESS)))
def test_lossy_kinds_are_in_time_with_what_was_recorded(kind, recordings):
    sound, heard = music(7.3).astype(float), decoded(recordings[kind])[:350_400].astype(float)
    right = np.corrcoef(sound[:, 0], heard[:, 0])[0, 1]
    assert right > 0.97
    for lag in (1, 2, 1024):
        assert np.corrcoef(sound[lag:, 0], heard[:-lag, 0])[0, 1] < right
        assert np.corrcoef(sound[:-lag, 0], heard[lag:, 0])[0, 1] < right


@pytest.mark.parametrize("kind", KINDS)
def test_any_stretch_is_that_of_the_whole(kind, recordings):
    whole = decoded(recordings[kind])
    for start, stop in ((0, 1), (5, 48_000), (BLOCK - 7, BLOCK + 9), (BLOCK, None), (300_000, 350_400), (0, 10**9)):
        assert np.array_equal(decoded(recordings[kind], start, stop), whole[start:stop])


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_even(kind, recordings):
    lengths = [len(block) for block in open_master(recordings[kind]).blocks()]
    assert lengths[:-1] == [BLOCK] * (len(lengths) - 1)
    assert 0 < lengths[-1] <= BLOCK


@pytest.mark.parametrize("encoding", ["<i2", "i3", "<i4", "<f4", "<f8"])
def test_every_sample_of_16_bits_survives_a_wider_encoding(encoding, tmp_path):
    ramp = np.arange(-32768, 32768, dtype=np.int16).reshape(-1, 2)
    path = tmp_path / "ramp.wav"
    path.write_bytes(wav_bytes(ramp, encoding=encoding))
    assert np.array_equal(decoded(path), ramp)


def test_eight_bits_are_widened(tmp_path):
    path = tmp_path / "ramp.wav"
    path.write_bytes(wav_bytes((np.arange(-128, 128, dtype=np.int16) << 8).repeat(50).reshape(-1, 1), encoding="u1"))
    assert set(decoded(path).reshape(-1)) == {step << 8 for step in range(-128, 128)}


def test_deeper_samples_are_rounded_the_same_way_in_wav_and_flac(tmp_path):
    rng = np.random.default_rng(5)
    deep = (rng.integers(-(1 << 23), 1 << 23, (60_000, 2), dtype=np.int32) << 8).astype(np.int32)
    deep[:4, 0] = [0x7FFFFF00, -0x80000000, 0x00007F00, 0x00008000]
    for name, kind in (("deep.wav", "WAV"), ("deep.flac", "FLAC")):
        soundfile.write(tmp_path / name, deep, 48_000, format=kind, subtype="PCM_24")
    expected = np.clip((deep.astype(np.int64) + 0x8000) >> 16, -32768, 32767)
    assert np.array_equal(decoded(tmp_path / "deep.wav"), expected)
    assert np.array_equal(decoded(tmp_path / "deep.flac"), expected)


def test_float_beyond_full_scale_is_clipped_and_what_is_no_number_is_silent():
    odd = np.array([2.0, -2.0, np.inf, -np.inf, np.nan, 0.5], np.float32)
    assert to_int16(odd, "<f4").tolist() == [32767, -32768, 32767, -32768, 0, 16384]


def test_time_that_a_call_left_out_is_silent(tmp_path):
    path, sound = tmp_path / "call.m4a", music(3)
    encode(path, sound, 48_000, "alac", "mp4", hole_at=4096 * 20)
    heard = decoded(path)
    assert np.array_equal(heard[: 4096 * 20], sound[: 4096 * 20])
    assert not heard[4096 * 20 : 4096 * 20 + 48_000].any()
    assert np.array_equal(heard[4096 * 20 + 48_000 :], sound[4096 * 20 :])


def test_a_compressed_file_does_not_swell_beyond_the_limit(recordings):
    with pytest.raises(AudioError) as wrong:
        for _ in open_master(recordings["mp3"], limits=AudioLimits(max_duration_ms=3_000)).blocks():
            pass
    assert wrong.value.code == "too-long"


def test_a_wav_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    path = write(tmp_path / "take.wav", music(30))
    blocks = open_master(path).blocks()
    next(blocks)
    with path.open("r+b") as file:
        file.truncate(BLOCK * 4 + 1000)
    with pytest.raises(AudioError) as wrong:
        list(blocks)
    assert wrong.value.code == "truncated-wav"


def test_what_goes_wrong_ahead_is_raised_where_the_blocks_are_wanted():
    def blocks():
        yield np.zeros((1, 1), np.int16)
        raise AudioError("corrupt-mp3", "Damaged.")

    wanted = ahead(blocks())
    next(wanted)
    with pytest.raises(AudioError):
        next(wanted)


def test_no_thread_stays_behind_when_the_rest_is_not_wanted(recordings):
    before = threading.active_count()
    for kind in ("mp3", "opus"):
        blocks = open_master(recordings[kind]).blocks()
        next(blocks)
        blocks.close()
    assert threading.active_count() == before
