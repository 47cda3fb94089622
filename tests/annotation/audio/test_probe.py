"""A recording's facts are told from its bytes."""

import struct

import numpy as np
import pytest

from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.probe import probe
from annotation.audio.sniff import mp3_frame_length, mp3_head
from tests.annotation.audio.conftest import KINDS
from tests.annotation.audio.sounds import chunk, encode, film, music, rf64_bytes, riff, wav_bytes, wav_fmt, write

CONTAINER = {"vorbis": "ogg", "opus": "ogg", "m4a": "mp4", "alac": "mp4"}
CODEC = {"wav": "pcm_s16le", "rf64": "pcm_s16le", "m4a": "aac"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_known_by_its_bytes_and_not_by_its_name(kind, recordings, tmp_path):
    nameless = tmp_path / "take"
    nameless.write_bytes(recordings[kind].read_bytes())
    facts = probe(nameless)
    assert (facts.container, facts.codec) == (CONTAINER.get(kind, kind), CODEC.get(kind, kind))
    assert (facts.sample_rate, facts.channels) == (48_000, 2)
    assert facts.size_bytes == nameless.stat().st_size


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_told_is_the_length_decoded(kind, recordings):
    facts = probe(recordings[kind])
    assert facts.frames == sum(len(block) for block in open_master(recordings[kind]).blocks())
    assert facts.duration_ms == facts.frames * 1000 // 48_000
    longest_padding = 0 if kind != "m4a" else 1024
    assert 350_400 <= facts.frames <= 350_400 + longest_padding


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (16_000, 2)])
def test_other_rates_and_channels_are_told(kind, rate, channels, tmp_path):
    if kind == "opus" and rate == 44_100:
        pytest.skip("Opus has no 44.1 kHz")
    facts = probe(write(tmp_path / f"take.{kind}", music(1, rate, channels), rate))
    assert facts.channels == channels
    assert facts.sample_rate == (48_000 if kind == "opus" else rate)
    assert 1000 <= facts.duration_ms < 1100


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("encoding", ["u1", "<i2", "i3", "<i4", "<f4", "<f8"])
def test_a_wav_may_hold_any_plain_samples(encoding, extensible, tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(wav_bytes(music(1), encoding=encoding, extensible=extensible))
    assert probe(path).frames == 48_000


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_large_wavs_say_their_length_in_a_table_of_their_own(magic, tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(rf64_bytes(music(1), magic=magic))
    assert (probe(path).container, probe(path).frames) == ("rf64", 48_000)


@pytest.mark.parametrize("stated", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFF000])
def test_a_streamed_wav_that_left_its_length_open_is_as_long_as_its_file(stated, tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(riff(chunk(b"fmt ", wav_fmt()) + chunk(b"data", music(1).tobytes(), length=stated)))
    assert probe(path).frames == 48_000


def test_a_wav_over_4_gib_is_not_cut_where_its_header_wraps_around(tmp_path):
    path = tmp_path / "take.wav"
    sound = (1 << 32) + 4 * 48_000
    head = riff(chunk(b"fmt ", wav_fmt(rate=96_000)) + b"data" + struct.pack("<I", sound - (1 << 32)))
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + sound)
    assert probe(path).frames == sound // 4


def test_chunks_around_the_sound_are_passed_over(tmp_path):
    path = tmp_path / "take.wav"
    before = chunk(b"bext", b"recorder" * 100 + b"!") + chunk(b"fmt ", wav_fmt()) + chunk(b"LIST", b"odd")
    path.write_bytes(riff(before + chunk(b"data", music(1).tobytes()) + chunk(b"id3 ", b"tag")))
    assert probe(path).frames == 48_000


def test_a_flac_that_was_streamed_is_measured(recordings, tmp_path):
    content = bytearray(recordings["flac"].read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path = tmp_path / "take.flac"
    path.write_bytes(content)
    assert probe(path).frames == 350_400
    assert sum(len(block) for block in open_master(path).blocks()) == 350_400


@pytest.mark.parametrize("kind", ["mp3", "flac"])
def test_a_tag_ahead_of_the_sound_is_passed_over(kind, recordings, tmp_path):
    path = tmp_path / "take"
    path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048) + recordings[kind].read_bytes())
    assert probe(path).frames == probe(recordings[kind]).frames
    assert np.array_equal(
        np.concatenate(list(open_master(path).blocks())), np.concatenate(list(open_master(recordings[kind]).blocks()))
    )


def test_a_tag_in_an_old_encoding_is_no_reason_to_refuse(recordings, tmp_path):
    path = tmp_path / "take.mp3"
    title = b"TIT2\0\0\0\x08\0\0\x03M\xfcllers"  # says UTF-8 and is Latin-1
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x12" + title + recordings["mp3"].read_bytes())
    assert probe(path).frames == 350_400


@pytest.mark.parametrize("tag", [b"TAG" + b"Take one".ljust(125, b"\0"), b"APETAGEX" + bytes(24), bytes(3000)])
def test_a_tag_behind_an_mp3_is_not_sound(tag, recordings, tmp_path):
    path = tmp_path / "take.mp3"
    path.write_bytes(recordings["mp3"].read_bytes() + tag)
    assert probe(path).frames == sum(len(block) for block in open_master(path).blocks()) == 350_400


def test_an_mp3_without_a_header_of_its_own_is_measured(recordings, tmp_path):
    content = recordings["mp3"].read_bytes()
    path = tmp_path / "take.mp3"
    first = mp3_frame_length(mp3_head(recordings["mp3"]))
    at = content.index(mp3_head(recordings["mp3"])[:32])
    path.write_bytes(content[at + first :])
    assert probe(path).frames == sum(len(block) for block in open_master(path).blocks())
    assert 350_400 <= probe(path).frames < 350_400 + 3 * 1152


def test_the_sound_of_a_film_is_taken(tmp_path):
    assert probe(film(tmp_path / "call.mp4", sound=True)).codec == "aac"


def test_time_that_a_call_left_out_is_counted(tmp_path):
    path = tmp_path / "call.m4a"
    encode(path, music(3), 48_000, "alac", "mp4", hole_at=72_000)
    assert probe(path).frames == 4 * 48_000


def test_limits_are_the_callers(recordings):
    from annotation.audio.facts import AudioLimits

    with pytest.raises(AudioError) as wrong:
        probe(recordings["flac"], limits=AudioLimits(max_duration_ms=7_000))
    assert wrong.value.code == "too-long"
