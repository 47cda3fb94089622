"""What can't be taken in is refused with a code and a sentence that says how to mend it."""

import struct
import zipfile

import numpy as np
import pytest

from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.probe import probe
from tests.annotation.audio.sounds import chunk, encode, film, music, rf64_bytes, riff, wav_bytes, wav_fmt, write


def refusal(path):
    with pytest.raises(AudioError) as wrong:
        probe(path)
    sentence = wrong.value.message
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    mends = ("Choose", "Upload", "Export", "Copy", "Convert", "Unpack", "Check", "Cut", "Mix")
    assert any(f"{mend} " in sentence for mend in mends), f"says not how to mend it: {sentence}"
    assert str(path) not in sentence
    return wrong.value.code


def refused(tmp_path, content: bytes, name: str = "take.wav") -> str:
    path = tmp_path / name
    path.write_bytes(content)
    return refusal(path)


def wav(sound: bytes = b"", *, length: int | None = None, **fmt) -> bytes:
    return riff(chunk(b"fmt ", wav_fmt(**fmt)) + chunk(b"data", sound, length=length))


def test_an_empty_file(tmp_path):
    assert refused(tmp_path, b"") == "empty-file"


def test_a_file_that_is_not_there(tmp_path):
    assert refusal(tmp_path / "gone.wav") == "missing-file"


def test_a_folder(tmp_path):
    assert refusal(tmp_path) == "not-a-file"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Expert: turn the vocal up.\n", "text-file"),
        ("Überblick – gemütlich\n".encode() * 400, "text-file"),
        ("\ufeffnotes".encode("utf-16-le"), "text-file"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "playlist"),
        (b"[playlist]\nFile1=/etc/passwd\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not-audio"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>", "not-audio"),
        (b"%PDF-1.7 and so on", "not-audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not-audio"),
        (b"\x1f\x8b" + bytes(50), "archive"),
        (b"FORM\0\0\0\0AIFF" + bytes(50), "unsupported-format"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(50), "unsupported-format"),
        (b"RIFX\0\0\0\0WAVE" + bytes(50), "unsupported-format"),
        (b"\x1a\x45\xdf\xa3webm" + bytes(50), "unsupported-format"),
        (b"\xff\xf1\x50\x80" + bytes(50), "unsupported-format"),
        (bytes(5000), "zeroed-file"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x10" + bytes(16) + b"no sound behind it" * 9, "unknown-format"),
        (np.random.default_rng(1).bytes(9000), "unknown-format"),
        (b"\xff\xfb\x90\x64" + b"\xaa" * 5000, "unknown-format"),
    ],
)
@pytest.mark.parametrize("name", ["take.wav", "take.mp4"])
def test_what_is_no_recording_whatever_its_name(content, code, name, tmp_path):
    assert refused(tmp_path, content, name) == code


def test_a_zip_of_recordings(tmp_path):
    with zipfile.ZipFile(tmp_path / "takes.wav", "w") as archive:
        archive.writestr("take.wav", wav_bytes(music(1)))
    assert refusal(tmp_path / "takes.wav") == "archive"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (wav(bytes(4000), length=400_000), "wav-longer-than-file"),
        (wav(bytes(400_000), length=0xFFFFFFF0), "wav-longer-than-file"),
        (wav(bytes(400_000), channels=0), "no-channels"),
        (wav(bytes(400_000), rate=0), "wav-no-rate"),
        (wav(bytes(400_000), rate=100), "rate-too-low"),
        (wav(bytes(4_000_000), rate=384_000), "rate-too-high"),
        (wav(bytes(400_000), align=0), "wav-block-align"),
        (wav(bytes(400_000), align=3), "wav-block-align"),
        (wav(bytes(400_000), align=14), "wav-block-align"),
        (wav(bytes(400_000), bits=24), "wav-block-align"),
        (wav(bytes(400_000), bits=0), "wav-block-align"),
        (wav(bytes(400_000), tag=3), "wav-block-align"),
        (wav(bytes(400_000), tag=0x55), "unsupported-codec"),
        (wav(bytes(1_800_000), channels=9, align=18), "too-many-channels"),
        (wav(), "too-short"),
        (wav(bytes(4000)), "too-short"),
        (riff(chunk(b"data", bytes(400_000))), "wav-no-format"),
        (riff(chunk(b"fmt ", wav_fmt())), "wav-no-data"),
        (riff(chunk(b"fmt ", wav_fmt())[:-4]), "wav-header"),
        (riff(chunk(b"fmt ", b"\1\0\2\0") + chunk(b"data", bytes(400_000))), "wav-header"),
        (riff(chunk(b"LIST", b"", length=1 << 31)), "wav-header"),
        (riff(chunk(b"junk", b"") * 2000), "wav-header"),
        (b"RIFF\0\0\0\0WAVE", "wav-header"),
        (b"RIFF", "unsupported-format"),
        (rf64_bytes(music(1))[:-1000], "wav-longer-than-file"),
        (riff(chunk(b"ds64", bytes(8)) + chunk(b"fmt ", wav_fmt()), magic=b"RF64"), "wav-header"),
    ],
)
def test_a_wav_whose_header_lies_or_is_broken(content, code, tmp_path):
    assert refused(tmp_path, content) == code


def test_a_wav_cut_short_says_how_much_is_there(tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(wav_bytes(music(10))[: -4 * 48_000 * 4])
    with pytest.raises(AudioError, match=r"promises 0:10 of sound and the file holds 0:06"):
        probe(path)


def sparse(tmp_path, head: bytes, size: int):
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_a_file_of_ten_hours(tmp_path):
    sound = 10 * 3600 * 8000 * 2
    head = riff(chunk(b"fmt ", wav_fmt(channels=1, rate=8000, align=2)) + b"data" + struct.pack("<I", sound))
    assert refusal(sparse(tmp_path, head, len(head) + sound)) == "too-long"


def test_a_flac_of_ten_hours_is_refused_by_its_header_alone(recordings, tmp_path):
    content = bytearray(recordings["flac"].read_bytes())
    packed = int.from_bytes(content[18:26]) >> 36 << 36 | 10 * 3600 * 48_000
    content[18:26] = packed.to_bytes(8)
    assert refused(tmp_path, bytes(content)) == "too-long"


def test_four_hours_are_taken_and_a_sample_more_is_not(tmp_path):
    for more, code in ((0, None), (2, "too-long")):
        sound = 4 * 3600 * 8000 * 2 + more
        head = riff(chunk(b"fmt ", wav_fmt(channels=1, rate=8000, align=2)) + b"data" + struct.pack("<I", sound))
        path = sparse(tmp_path, head, len(head) + sound)
        if code:
            assert refusal(path) == code
        else:
            assert probe(path).duration_ms == 4 * 3_600_000


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_flac_cut_short(share, tmp_path):
    path = write(tmp_path / "whole.flac", music(20))
    content = path.read_bytes()
    assert refused(tmp_path, content[: int(len(content) * share)]) in {"truncated-flac", "corrupt-flac"}


def test_a_flac_cut_short_says_where_it_stops(tmp_path):
    path = write(tmp_path / "take.flac", music(20))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"should last 0:20 and stops near 0:(09|10|11)"):
        probe(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["m4a", "alac"])
def test_an_mp4_cut_short(kind, share, recordings, tmp_path):
    content = recordings[kind].read_bytes()
    assert refused(tmp_path, content[: int(len(content) * share)]) == "truncated-mp4"


@pytest.mark.parametrize("kind", ["opus", "vorbis"])
def test_an_ogg_cut_within_a_page_loses_that_page_and_no_more(kind, recordings, tmp_path):
    content = recordings[kind].read_bytes()
    path = tmp_path / "take.ogg"
    path.write_bytes(content[: len(content) * 2 // 3])
    facts = probe(path)
    assert facts.frames == sum(len(block) for block in open_master(path).blocks())
    assert 3_000 < facts.duration_ms < 7_000


def test_an_mp3_cut_short_is_found_by_its_own_count(recordings, tmp_path):
    content = recordings["mp3"].read_bytes()
    assert refused(tmp_path, content[: len(content) // 2]) == "truncated-mp3"


def test_a_film_without_sound(tmp_path):
    assert refusal(film(tmp_path / "film.mp4", sound=False)) == "no-audio-track"


def test_a_codec_that_is_not_read(tmp_path):
    path = tmp_path / "take.m4a"
    encode(path, music(1), 48_000, "libmp3lame", "mp4")
    assert refusal(path) == "unsupported-codec"


def test_recordings_one_behind_the_other(recordings, tmp_path):
    other = write(tmp_path / "other.opus", music(2, seed=3))
    assert refused(tmp_path, recordings["opus"].read_bytes() + other.read_bytes()) == "several-streams"


@pytest.mark.parametrize("kind", ["flac", "opus", "vorbis", "m4a"])  # ALAC and WAV have nothing to tell it by
def test_damage_in_the_middle_is_found_when_decoding(kind, recordings, tmp_path):
    content = bytearray(recordings[kind].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = bytes(byte ^ 0x5A for byte in content[middle : middle + 600])
    path = tmp_path / "take"
    path.write_bytes(content)
    with pytest.raises(AudioError) as wrong:
        for _ in open_master(path).blocks():
            pass
    assert wrong.value.code.startswith("corrupt-")
    assert "near 0:0" in wrong.value.message


def test_an_mp3_of_two_rates(tmp_path):
    one, two = write(tmp_path / "1.mp3", music(2)), write(tmp_path / "2.mp3", music(2, 44_100), 44_100)
    path = tmp_path / "take.mp3"
    path.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(AudioError) as wrong:
        probe(path)
        for _ in open_master(path).blocks():
            pass
    assert wrong.value.code in {"format-changes", "corrupt-mp3"}
