"""A spectrogram shows each sound at its pitch and its time, without seams, as pictures that any page can carry."""

import struct
import zlib

import numpy as np
import pytest

from annotation.audio import child
from annotation.audio.spectrogram import BINS, HOP, TILE, build, png, window_frames
from annotation.audio.tiles import picture_name
from tests.annotation.audio.sounds import music, wav_bytes, write


def chunks(content):
    """Read a picture as any reader does, checksums included."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", content, at + 8 + length)[0] == zlib.crc32(name + body)
        found[name.decode()] = body
        at += 12 + length
    return found


def values_of(content):
    """The values of a picture, lowest band first, shape (bins, columns)."""
    parts = chunks(content)
    width, height, *kind = struct.unpack(">IIBBBBB", parts["IHDR"])
    assert kind == [8, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(parts["IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return lines[::-1, 1:]


def level_of(folder, facts, level):
    tiles = -(-facts.columns[level] // TILE)
    wide = [values_of((folder / picture_name(level, tile)).read_bytes()) for tile in range(tiles)]
    assert not (folder / picture_name(level, tiles)).exists()
    assert all(each.shape == (BINS, TILE) for each in wide)
    return np.concatenate(wide, axis=1)


def painted(samples, folder, rate=48_000):
    path = folder / "take.wav"
    path.write_bytes(wav_bytes(samples.astype(np.int16), rate))
    facts = build(path, folder / "painted")
    assert not (folder / "painted" / "decibels.raw").exists()
    return facts, level_of(folder / "painted", facts, 0), level_of(folder / "painted", facts, 1)


def tone(hertz, seconds, rate=48_000, channels=2):
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) * 16_000
    return np.repeat(wave[:, None], channels, axis=1)


def band_of(hertz, high=16_000):
    """The band of Slaney's scale whose middle is nearest to a frequency."""

    def mels(f):
        return f * 3 / 200 if f < 1000 else 15 + np.log(f / 1000) / (np.log(6.4) / 27)

    return round((mels(hertz) - mels(30)) / (mels(high) - mels(30)) * (BINS + 1)) - 1


@pytest.mark.parametrize(
    ("rate", "hertz"), [(48_000, 110), (48_000, 1000), (48_000, 9000), (44_100, 440), (96_000, 60), (16_000, 3000)]
)
def test_a_tone_lies_in_the_band_of_its_pitch(tmp_path, rate, hertz):
    facts, values, _ = painted(tone(hertz, 2, rate), tmp_path, rate)
    assert facts.high_hz == min(16_000, rate // 2)
    middle = values[:, facts.columns[0] // 2]
    assert abs(int(middle.argmax()) - band_of(hertz, facts.high_hz)) <= 1
    assert middle.max() == 255


def test_a_click_lies_in_the_column_of_its_time(tmp_path):
    sound = np.zeros((48_000 * 3, 1))
    for column in (7, 60, 139):
        sound[column * HOP + HOP // 2] = 20_000
    facts, values, coarse = painted(sound, tmp_path)
    assert facts.columns == (141, 18)
    assert facts.ms_per_column == (HOP / 48, HOP / 6)
    loud = np.flatnonzero(values.max(axis=0) == 255)
    assert loud.tolist() == [7, 60, 139]
    assert np.flatnonzero(coarse.max(axis=0) == 255).tolist() == [0, 7, 17]


def test_tiles_meet_without_a_seam_wherever_blocks_end(tmp_path, monkeypatch):
    sound = music(25, 48_000)
    facts, values, coarse = painted(sound, tmp_path)
    assert facts.columns == (1172, 147)
    assert not values[:, 1172:].any()
    monkeypatch.setattr("annotation.audio.decode.BLOCK", 3000)
    again, same, _ = painted(sound, tmp_path)
    assert again == facts
    assert np.array_equal(values, same)
    folded = values[:, : 146 * 8].reshape(BINS, 146, 8).max(axis=2)
    assert np.array_equal(coarse[:, :146], folded)


def test_it_is_what_librosa_shows(tmp_path):
    import librosa

    sound = music(4, 44_100, 1)
    facts, values, _ = painted(sound, tmp_path, 44_100)
    size = window_frames(44_100)
    shifted = np.concatenate([np.zeros((size - HOP) // 2), sound[:, 0], np.zeros(size)])
    bands = librosa.feature.melspectrogram(
        y=shifted, sr=44_100, n_fft=size, hop_length=HOP, center=False, n_mels=BINS, fmin=30, fmax=16_000, norm=None
    )[:, : facts.columns[0]]
    told = librosa.power_to_db(bands, ref=np.max, top_db=80)
    assert np.abs(values[:, : facts.columns[0]] / 255 * 80 - 80 - told).max() < 0.4


def test_channels_that_cancel_each_other_are_seen(tmp_path):
    one = tone(1000, 1, channels=1)
    _, values, _ = painted(np.concatenate([one, -one], axis=1), tmp_path)
    assert (values[band_of(1000), 20], values[110, 20]) == (255, 0)


@pytest.mark.parametrize("frames", [1, HOP, HOP + 1, 480_000])
def test_silence_and_moments_are_painted_too(tmp_path, frames):
    facts, values, _ = painted(np.zeros((frames, 2)), tmp_path)
    assert facts.columns[0] == -(-frames // HOP)
    assert len(set(values[:, : facts.columns[0]].ravel().tolist())) == 1


def test_a_picture_is_transparent_where_it_is_quiet_and_opaque_where_it_is_loud():
    parts = chunks(png(np.arange(256, dtype=np.uint8).reshape(2, 128)))
    assert (parts["tRNS"][0], parts["tRNS"][255]) == (0, 255)
    assert list(parts["tRNS"]) == sorted(parts["tRNS"])
    assert len(parts["PLTE"]) == 768


def test_the_child_paints_within_its_limits(recordings, tmp_path):
    heard = []
    facts = child.run("spectrogram", {"path": recordings["mp3"], "folder": tmp_path / "a"}, on_progress=heard.append)
    assert facts["hash"] == build(recordings["mp3"], tmp_path / "b").hash
    assert heard[-1] == 1.0
    assert facts["hash"] != build(write(tmp_path / "take.wav", music(7.3, seed=2)), tmp_path / "b").hash
