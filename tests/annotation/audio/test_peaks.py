"""The waveform on screen holds every peak of the sound, on every level, in tiles."""

import json

import numpy as np
import pytest

from annotation.audio.decode import BLOCK, open_master
from annotation.audio.errors import AudioError
from annotation.audio.peaks import build
from annotation.audio.tiles import TILE, read_peaks, read_tile
from tests.annotation.audio.conftest import KINDS
from tests.annotation.audio.sounds import music, write


def naive(samples: np.ndarray, span: int) -> np.ndarray:
    """Return the points of a level as anyone would compute them, in real numbers."""
    points = []
    for at in range(0, len(samples), span):
        part = samples[at : at + span].astype(float) * 127 / 32767
        points.append(np.stack([np.floor(part.min(axis=0)), np.ceil(part.max(axis=0))], axis=1))
    return np.array(points).astype(np.int8)


def level(folder, k: int, channels: int) -> np.ndarray:
    return np.frombuffer((folder / f"level{k}.bin").read_bytes(), np.int8).reshape(-1, channels, 2)


def check_all_levels(folder, samples):
    peaks = read_peaks(folder)
    for k, known in enumerate(peaks.levels):
        expected = naive(samples, 256 * 4**k)
        assert (known.samples_per_point, known.points) == (256 * 4**k, len(expected))
        assert np.array_equal(level(folder, k, peaks.channels), expected)
    return peaks


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_is_what_a_naive_count_gives(kind, recordings, tmp_path):
    peaks = build(recordings[kind], tmp_path / "peaks")
    samples = np.concatenate(list(open_master(recordings[kind]).blocks()))
    assert check_all_levels(tmp_path / "peaks", samples) == peaks
    assert (peaks.rate, peaks.frames, peaks.channels, peaks.source_channels) == (48_000, len(samples), 2, 2)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frames", [4800, 4801, 5120, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 257])
def test_no_length_loses_a_sample_at_its_seams(frames, channels, tmp_path):
    noise = np.random.default_rng(frames).integers(-32768, 32768, (frames, channels), dtype=np.int16)
    noise[-1] = -32768
    build(write(tmp_path / "noise.wav", noise), tmp_path / "peaks")
    check_all_levels(tmp_path / "peaks", noise)


def test_a_single_sample_is_never_rounded_away(tmp_path):
    silence = np.zeros((480_000, 1), np.int16)
    silence[100_000], silence[300_000] = 1, -1
    build(write(tmp_path / "tick.wav", silence), tmp_path / "peaks")
    for k in range(len(read_peaks(tmp_path / "peaks").levels)):
        points = level(tmp_path / "peaks", k, 1)
        assert points[100_000 // (256 * 4**k), 0, 1] == 1
        assert points[300_000 // (256 * 4**k), 0, 0] == -1
        assert np.count_nonzero(points) == 2


def test_full_scale_fits(tmp_path):
    loud = np.tile(np.array([[32767], [-32768]], np.int16), (5000, 1))
    build(write(tmp_path / "loud.wav", loud), tmp_path / "peaks")
    assert set(map(tuple, level(tmp_path / "peaks", 0, 1)[:, 0])) == {(-128, 127)}


def test_more_than_two_channels_are_drawn_as_two_envelopes(tmp_path):
    noise = np.random.default_rng(6).integers(-32768, 32768, (50_000, 6), dtype=np.int16)
    peaks = build(write(tmp_path / "six.wav", noise), tmp_path / "peaks")
    assert (peaks.source_channels, peaks.channels) == (6, 2)
    each = naive(noise, 256)
    for side in (0, 1):
        assert np.array_equal(level(tmp_path / "peaks", 0, 2)[:, side, 0], each[:, side::2, 0].min(axis=1))
        assert np.array_equal(level(tmp_path / "peaks", 0, 2)[:, side, 1], each[:, side::2, 1].max(axis=1))


def test_tiles_cover_every_level_and_no_more(tmp_path):
    build(write(tmp_path / "take.wav", np.tile(music(10), (10, 1))), tmp_path / "peaks")
    peaks = read_peaks(tmp_path / "peaks")
    assert [known.tiles for known in peaks.levels] == [3, 1, 1, 1]
    for k, known in enumerate(peaks.levels):
        tiles = [read_tile(tmp_path / "peaks", k, tile) for tile in range(known.tiles)]
        assert b"".join(tiles) == (tmp_path / "peaks" / f"level{k}.bin").read_bytes()
        assert all(len(tile) == TILE * 2 * 2 for tile in tiles[:-1])
    for k, tile in ((0, 3), (4, 0), (-1, 0), (0, -1)):
        with pytest.raises(AudioError) as wrong:
            read_tile(tmp_path / "peaks", k, tile)
        assert wrong.value.code == "no-such-tile"


def test_a_tile_of_ninety_minutes_is_thirty_two_kibibytes():
    assert TILE * 2 * 2 == 32 * 1024


def test_the_hash_names_the_sound(recordings, tmp_path):
    one = build(recordings["wav"], tmp_path / "one")
    assert one.hash == build(recordings["flac"], tmp_path / "two").hash
    assert one.hash == build(recordings["wav"], tmp_path / "one").hash
    other = music(7.3)
    other[77_777, 1] = 30_000
    assert one.hash != build(write(tmp_path / "other.wav", other), tmp_path / "three").hash


def test_the_pyramid_appears_whole_or_not_at_all(recordings, tmp_path):
    content = bytearray(recordings["flac"].read_bytes())
    content[len(content) // 2 : len(content) // 2 + 500] = bytes(500)
    (tmp_path / "damaged.flac").write_bytes(content)
    with pytest.raises(AudioError):
        build(tmp_path / "damaged.flac", tmp_path / "peaks")
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.flac"]


def test_a_pyramid_is_built_again_in_place(recordings, tmp_path):
    build(recordings["wav"], tmp_path / "peaks")
    build(write(tmp_path / "short.wav", music(1)), tmp_path / "peaks")
    assert read_peaks(tmp_path / "peaks").frames == 48_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["peaks", "short.wav"]


def test_a_pyramid_of_another_version_is_drawn_again(recordings, tmp_path):
    with pytest.raises(AudioError) as wrong:
        read_peaks(tmp_path / "peaks")
    assert wrong.value.code == "no-peaks"
    build(recordings["wav"], tmp_path / "peaks")
    facts = tmp_path / "peaks" / "peaks.json"
    for content in (json.dumps(json.loads(facts.read_text()) | {"version": 0}), "{}", "no json"):
        facts.write_text(content)
        with pytest.raises(AudioError) as wrong:
            read_peaks(tmp_path / "peaks")
        assert wrong.value.code == "stale-peaks"


def test_progress_goes_forward_to_the_end(recordings, tmp_path):
    for kind in ("wav", "mp3"):
        heard = []
        build(recordings[kind], tmp_path / kind, progress=heard.append)
        assert heard == sorted(heard)
        assert heard[-1] == 1.0
