"""What the browser plays is in time with the recording, to the sample."""

import av
import numpy as np
import pytest

from annotation.audio import proxy
from annotation.audio.boxes import all_boxes
from annotation.audio.decode import open_master
from annotation.audio.errors import AudioError
from tests.annotation.audio.sounds import music, write

SOURCES = [
    ("wav", 48_000, 2),
    ("wav", 48_000, 1),
    ("wav", 44_100, 2),
    ("wav", 44_100, 1),
    ("wav", 96_000, 2),
    ("wav", 16_000, 1),
    ("flac", 88_200, 2),
    ("mp3", 48_000, 2),
    ("mp3", 44_100, 2),
    ("m4a", 44_100, 2),
    ("m4a", 48_000, 1),
    ("opus", 48_000, 2),
]


def played(path, start_s: float = 0.0):
    """Decode a proxy from a seek on, as a player does; return the position of the first sample and the sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        if start_s:
            container.seek(int(start_s / stream.time_base), stream=stream)
        frames = list(container.decode(stream))
        at = round(frames[0].pts * stream.time_base * stream.rate)
        return at, np.concatenate([frame.to_ndarray() for frame in frames], axis=1).mean(axis=0)


def lag_of(sound, heard, *, most: int = 3000) -> int:
    size = 1 << (len(sound) + len(heard)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sound, size)), size)
    likeness = np.concatenate([likeness[-most:], likeness[: most + 1]])
    return int(np.argmax(likeness)) - most


@pytest.mark.parametrize(("kind", "rate", "channels"), SOURCES)
def test_its_samples_line_up_with_the_recording(kind, rate, channels, tmp_path):
    path = write(tmp_path / f"take.{kind}", music(6, rate, channels), rate)
    facts = proxy.build(path, tmp_path / "proxy.mp4")
    source = np.concatenate(list(open_master(path).blocks())).mean(axis=1)
    if rate != facts.rate:
        source = np.interp(np.arange(facts.frames) * rate / facts.rate, np.arange(len(source)), source)
    at, heard = played(tmp_path / "proxy.mp4")
    assert at == 0
    assert lag_of(source[:50_000], heard[:50_000]) == 0
    assert lag_of(source[-50_000:], heard[facts.frames - 50_000 : facts.frames]) == 0
    at, heard = played(tmp_path / "proxy.mp4", 3.5)
    assert 2.4 * facts.rate < at <= 3.5 * facts.rate
    assert lag_of(source[at + 2048 : at + 50_000], heard[2048:50_000]) == 0
    assert np.corrcoef(source[at + 2048 : at + 50_000], heard[2048:50_000])[0, 1] > 0.97
    assert facts.windows >= 3
    assert abs(facts.lag) <= 1


@pytest.mark.parametrize(
    ("rate", "kept"), [(32_000, 32_000), (44_100, 44_100), (48_000, 48_000), (8_000, 48_000), (96_000, 48_000)]
)
def test_rates_that_browsers_play_are_kept(rate, kept, tmp_path):
    facts = proxy.build(write(tmp_path / "take.wav", music(2, rate, 1), rate), tmp_path / "proxy.mp4")
    assert (facts.rate, facts.channels, facts.bit_rate) == (kept, 1, 96_000)
    assert abs(facts.frames - 2 * kept) <= 1
    assert facts.duration_ms in (1999, 2000)


def test_it_is_aac_in_one_second_fragments_with_an_edit_list_and_an_index(recordings, tmp_path):
    facts = proxy.build(recordings["wav"], tmp_path / "proxy.mp4")
    boxes = [box.path for box in all_boxes(tmp_path / "proxy.mp4")]
    assert "moov/trak/edts/elst" in boxes
    assert boxes.index("sidx") < boxes.index("moof")
    assert boxes.count("moof") == 8
    with av.open(str(tmp_path / "proxy.mp4")) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.profile) == ("aac", "LC")
    assert facts.channels == 2
    assert 100_000 < facts.size_bytes * 8 / 7.3 < 200_000


def test_more_than_two_channels_are_averaged_to_two(tmp_path):
    sound = music(3, channels=6)
    facts = proxy.build(write(tmp_path / "six.wav", sound), tmp_path / "proxy.mp4")
    assert facts.channels == 2
    loud = np.full((4, 6), 32767, np.int16)
    assert np.array_equal(proxy.fold(loud, 2), loud[:, :2])
    assert np.array_equal(proxy.fold(sound, 2)[:, 1], np.rint(sound[:, 1::2].mean(axis=1)))


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros((96_000, 2), np.int16),
        np.rint(np.sin(np.arange(96_000) * 0.05) * 9000).astype(np.int16).reshape(-1, 1),
        np.random.default_rng(2).integers(-9000, 9000, (96_000, 1), dtype=np.int16),
    ],
    ids=["silence", "a held note", "white noise"],
)
def test_sound_that_tells_no_time_is_no_reason_to_refuse(sound, tmp_path):
    facts = proxy.build(write(tmp_path / "take.wav", sound), tmp_path / "proxy.mp4")
    assert abs(facts.lag) <= proxy.TOLERANCE


@pytest.mark.parametrize("flags", [proxy.FLAGS.replace("+delay_moov", ""), proxy.FLAGS.replace("+global_sidx", "")])
def test_a_file_without_edit_list_or_index_is_refused(flags, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(proxy, "FLAGS", flags)
    with pytest.raises(AudioError) as wrong:
        proxy.build(recordings["wav"], tmp_path / "proxy.mp4")
    assert wrong.value.code == "proxy-misaligned"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("late", [-1024, -40, 40, 1024])
def test_a_proxy_that_is_out_of_time_is_refused(late, recordings, tmp_path, monkeypatch):
    watched = proxy._watched

    def shifted(blocks, witnesses, total):
        for block in watched(blocks, witnesses, total):
            yield np.roll(block, late, axis=0)

    monkeypatch.setattr(proxy, "_watched", shifted)
    with pytest.raises(AudioError, match=rf"{late} samples off"):
        proxy.build(recordings["wav"], tmp_path / "proxy.mp4")


def test_a_proxy_that_lost_its_end_is_refused(recordings, tmp_path, monkeypatch):
    encoded = proxy._encode
    monkeypatch.setattr(proxy, "_encode", lambda *given: encoded(*given) + 5000)
    with pytest.raises(AudioError, match="lasts"):
        proxy.build(recordings["wav"], tmp_path / "proxy.mp4")


def test_progress_goes_forward_to_the_end(recordings, tmp_path):
    heard = []
    proxy.build(recordings["wav"], tmp_path / "proxy.mp4", progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_the_same_recording_gives_the_same_bytes(recordings, tmp_path):
    one, two = (proxy.build(recordings["wav"], tmp_path / name) for name in ("1.mp4", "2.mp4"))
    assert one == two
