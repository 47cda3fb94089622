"""The audio core on a long session: the pyramid, the proxy, clips; each beside a plain way of doing it."""

import shutil
from pathlib import Path

import numpy as np
import soundfile

from annotation.audio import peaks, proxy
from annotation.audio.clip import Span, cut
from bench.measure import Figure, Recordings, least

LEVEL_0 = 256


def plain_peaks(path: Path) -> None:
    """The first level as one writes it down first: float blocks, least and greatest along an axis."""
    with soundfile.SoundFile(path) as file:
        for block in file.blocks(LEVEL_0 * 1024, dtype="float32", always_2d=True):
            whole = block[: len(block) // LEVEL_0 * LEVEL_0].reshape(-1, LEVEL_0, block.shape[1])
            np.stack([whole.min(axis=1), whole.max(axis=1)])


def peaks_arm(suffix: str, budget: float) -> object:
    """The waveform pyramid of a format against the plain way."""

    def arm(recordings: Recordings, folder: Path) -> list[Figure]:
        path = recordings.path(suffix)

        def ours() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            peaks.build(path, folder)

        mine = least(ours, 3 if suffix == "wav" else 1)
        plain = least(lambda: plain_peaks(path), 1)
        against = "soundfile, float32, min and max along an axis, first level only"
        return [Figure(f"peaks of {suffix}", mine, "s", budget, against, mine / plain)]

    return arm


def proxy_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """The playback proxy of a WAV."""
    folder.mkdir(parents=True)
    took = least(lambda: proxy.build(recordings.path("wav"), folder / "proxy.mp4"), 1)
    return [Figure("proxy of wav", took, "s", 150.0)]


def clips_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Two hundred clips of five seconds from a WAV, against reading the whole file once."""
    path = recordings.path("wav")
    step = int(recordings.minutes * 60_000 / 200)
    spans = [Span(n * step, n * step + min(5000, step), f"cut_{n}.wav") for n in range(200)]
    mine = least(lambda: cut(path, spans, folder), 1)
    plain = least(lambda: soundfile.read(path, dtype="int16"), 1)
    return [Figure("200 clips of wav", mine, "s", None, "reading the file into memory", mine / plain)]


ARMS = {
    "peaks-wav": peaks_arm("wav", 2.0),
    "peaks-flac": peaks_arm("flac", 4.0),
    "peaks-mp3": peaks_arm("mp3", 10.0),
    "proxy": proxy_arm,
    "clips": clips_arm,
}
