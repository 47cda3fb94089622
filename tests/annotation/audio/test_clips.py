"""Clips are cut from the master: to the sample, at its gain, the same bytes every time."""

import io
import wave

import numpy as np
import pytest
import soxr

from annotation.audio import child
from annotation.audio.clip import Span, cut, frames_at
from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from annotation.audio.limits import ChildLimits
from annotation.audio.timing import ms_at
from tests.annotation.audio.conftest import KINDS
from tests.annotation.audio.sounds import music, write

SPANS = [Span(2000, 3000, "c.wav"), Span(0, 1, "a.wav"), Span(2500, 7300, "d.wav"), Span(1999, 2000, "b.wav")]


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_exact_in_any_order_and_overlap(kind, recordings, tmp_path):
    clips = cut(recordings[kind], SPANS, tmp_path)
    for span, clip in zip(SPANS, clips, strict=True):
        assert (clip.name, clip.start_ms, clip.end_ms) == (span.name, span.start_ms, span.end_ms)
        assert clip.frames == 16 * (span.end_ms - span.start_ms) == len(samples(tmp_path / span.name))
        assert clip.size_bytes == 44 + 2 * clip.frames == (tmp_path / span.name).stat().st_size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 1)])
def test_a_clip_is_a_slice_of_the_whole_recording_resampled(kind, rate, channels, tmp_path):
    if kind == "opus" and rate == 44_100:
        pytest.skip("Opus has no 44.1 kHz")
    path = write(tmp_path / f"take.{kind}", music(4, rate, channels), rate)
    clips = [Span(0, 500, "0.wav"), Span(1234, 2345, "1.wav"), Span(2345, 3999, "2.wav")]
    cut(path, clips, tmp_path)
    master = open_master(path)
    mono = np.concatenate(list(master.blocks())).mean(axis=1)
    # a second of silence ahead: where sound begins at once, soxr's first samples depend on how it is called
    whole = np.rint(soxr.resample(np.concatenate([np.zeros(master.rate), mono]), master.rate, 16_000, "VHQ"))[16_000:]
    for span in clips:
        expected = whole[16 * span.start_ms : 16 * span.end_ms]
        assert np.abs(samples(tmp_path / span.name)[: len(expected)] - expected).max() <= 1


def test_the_header_is_the_plain_one_of_44_bytes(recordings, tmp_path):
    [clip] = cut(recordings["wav"], [Span(0, 1000, "a.wav")], tmp_path)
    plain = io.BytesIO()
    with wave.open(plain, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples(tmp_path / "a.wav").tobytes())
    assert (tmp_path / "a.wav").read_bytes() == plain.getvalue()
    assert clip.frames == 16_000


def test_the_same_request_gives_the_same_bytes_from_every_lossless_container(recordings, tmp_path):
    hashes = {
        tuple(clip.sha256 for clip in cut(recordings[kind], spans, tmp_path / f"{kind}{len(spans)}")[:4])
        for kind in ("wav", "wav", "rf64", "flac", "alac")
        for spans in (SPANS, [*SPANS, Span(0, 7000, "more.wav")])
    }
    assert len(hashes) == 1


def test_gain_is_kept_and_nothing_clips_when_channels_are_mixed(tmp_path):
    tone = np.rint(np.sin(np.arange(96_000) * 2 * np.pi * 440 / 48_000) * 32_000).astype(np.int16)
    path = write(tmp_path / "loud.wav", np.stack([tone, tone], axis=1))
    cut(path, [Span(500, 1500, "a.wav")], tmp_path)
    assert abs(int(samples(tmp_path / "a.wav").max()) - 32_000) < 20


def test_a_clip_at_the_masters_own_rate_is_its_samples(tmp_path):
    sound = music(2, 16_000, 1)
    cut(write(tmp_path / "take.wav", sound, 16_000), [Span(250, 1750, "a.wav")], tmp_path)
    assert np.array_equal(samples(tmp_path / "a.wav"), sound[4000:28_000, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_millisecond_can_be_cut_and_the_next_can_not(kind, recordings, tmp_path):
    master = open_master(recordings[kind])
    end = ms_at(sum(len(block) for block in master.blocks()), master.rate)
    assert cut(recordings[kind], [Span(end - 100, end, "last.wav")], tmp_path)[0].frames == 1600
    with pytest.raises(AudioError) as wrong:
        cut(recordings[kind], [Span(end - 100, end + 1, "past.wav"), Span(0, 100, "good.wav")], tmp_path / "clips")
    assert wrong.value.code == "span-past-end"
    assert f"the recording at {end} ms" in wrong.value.message
    assert not list(tmp_path.rglob("past.wav*")) and not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("span", [(5, 5), (6, 5), (-1, 5)])
def test_an_empty_or_negative_span_is_refused(span, recordings, tmp_path):
    with pytest.raises(AudioError) as wrong:
        cut(recordings["wav"], [Span(*span, "a.wav")], tmp_path)
    assert wrong.value.code == "bad-span"


@pytest.mark.parametrize("name", ["../a.wav", "/a.wav", "a/../../b.wav", "", ".hidden.wav", "a\\b.wav", "a\0.wav", "."])
def test_a_name_that_leaves_the_folder_is_refused(name, recordings, tmp_path):
    with pytest.raises(AudioError) as wrong:
        cut(recordings["wav"], [Span(0, 100, name)], tmp_path / "clips")
    assert wrong.value.code == "bad-clip-name"
    assert not list(tmp_path.iterdir())


def test_two_clips_of_one_name_are_refused(recordings, tmp_path):
    with pytest.raises(AudioError) as wrong:
        cut(recordings["wav"], [Span(0, 100, "a.wav"), Span(100, 200, "./a.wav")], tmp_path)
    assert wrong.value.code == "clip-name-twice"


def test_clips_go_into_folders_of_their_own(recordings, tmp_path):
    cut(recordings["wav"], [Span(0, 100, "Group1/cut_1.wav"), Span(0, 100, "Group2/cut_1.wav")], tmp_path / "clips")
    assert (tmp_path / "clips/Group1/cut_1.wav").read_bytes() == (tmp_path / "clips/Group2/cut_1.wav").read_bytes()


def test_a_compressed_recording_is_decoded_once_for_all_clips(recordings, tmp_path, monkeypatch):
    from annotation.audio import decode

    opened = []
    known = decode.open_coded
    monkeypatch.setattr(decode, "open_coded", lambda *given: opened.append(given) or known(*given))
    cut(recordings["mp3"], SPANS, tmp_path)
    assert len(opened) == 2  # once for its shape, once for its sound


@pytest.mark.parametrize("kind", ["wav", "opus"])
def test_no_more_files_are_open_than_clips_overlap(kind, recordings, tmp_path):
    spans = [{"start_ms": at * 20, "end_ms": at * 20 + 100, "name": f"{at}.wav"} for at in range(300)]
    request = {"path": recordings[kind], "folder": tmp_path, "spans": spans}
    clips = child.run("clips", request, limits=ChildLimits(open_files=40))["clips"]
    assert [clip["frames"] for clip in clips] == [1600] * 300


@pytest.mark.parametrize("kind", ["wav", "flac", "opus"])
def test_nothing_is_left_of_clips_that_came_to_nothing(kind, recordings, tmp_path, monkeypatch):
    from annotation.audio import clip

    monkeypatch.setattr(clip._Cut, "_take", lambda *given: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        cut(recordings[kind], SPANS, tmp_path / "clips")
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize(
    ("ms", "rate", "frame"),
    [(0, 44_100, 0), (5, 44_100, 221), (15, 44_100, 662), (10, 44_100, 441), (1, 500, 1), (1, 48_000, 48)],
)
def test_milliseconds_become_frames_by_one_rule(ms, rate, frame):
    assert frames_at(ms, rate) == frame


def test_a_whole_millisecond_of_a_recording_lies_inside_it():
    for rate in (8_000, 11_025, 44_100, 48_000):
        for frames in range(5_000):
            assert frames_at(ms_at(frames, rate), rate) <= frames
