"""The file that the browser plays in place of a recording: seek-exact AAC in fragmented MP4.

Chromium seeks to the sample in this form and in few others: a variable MP3 lands seconds away, plain AAC/MP4 mutes the
first milliseconds, and fragments written without `delay_moov` have no edit list and sound 1,024 samples late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
import soxr
from numpy.typing import NDArray

from annotation.audio.boxes import all_boxes
from annotation.audio.decode import Block, Master, ahead, open_master
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits, clock
from annotation.audio.timing import ms_at
from annotation.audio.whole import whole_file

RATES = (32_000, 44_100, 48_000)  # kept; anything else is brought to 48 kHz
BIT_RATES = {1: 96_000, 2: 160_000}
FRAGMENT_US = 1_000_000
FLAGS = "+frag_keyframe+empty_moov+delay_moov+default_base_moof+global_sidx"
FRAME = 1024  # samples in an AAC frame; also what the encoder puts before the first sample

WINDOW = 1 << 14  # source frames that are compared with what was encoded
SEARCH = 4096  # samples to either side in which they are looked for: four AAC frames
WINDOWS = 6
SURE = 0.3  # least correlation that says anything about time: noise is coded as other noise
TOLERANCE = 2  # samples

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """What was made. `windows` places were compared with the recording, the worst was `lag` samples off."""

    rate: int
    channels: int
    frames: int
    duration_ms: int
    bit_rate: int
    size_bytes: int
    sha256: str
    windows: int
    lag: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Witness:
    """A stretch of the recording, kept to be found again in the proxy."""

    at: int
    samples: Block
    loudness: float


def build(path: Path, out: Path, *, limits: AudioLimits | None = None, progress: Progress | None = None) -> ProxyFacts:
    """Encode a recording's proxy to `out`, which appears whole and checked; return what was made.

    Stereo at 160 kbit/s, mono at 96; of more channels the 1st, 3rd, 5th … are averaged to the left, the others to the
    right. Raises AudioError when the recording is damaged, and "proxy-misaligned" when the result is not in time.
    """
    master = open_master(path, limits=limits)
    report = progress or (lambda share: None)
    channels = min(master.channels, 2)
    rate = master.rate if master.rate in RATES else 48_000
    with whole_file(out) as part:
        witnesses: list[_Witness] = []
        frames = _encode(master, part, rate, channels, witnesses, lambda share: report(share * 0.98))
        windows, lag = check(part, witnesses, source_rate=master.rate, rate=rate, frames=frames)
        with part.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = part.stat().st_size
    report(1.0)
    return ProxyFacts(
        rate=rate,
        channels=channels,
        frames=frames,
        duration_ms=ms_at(frames, rate),
        bit_rate=BIT_RATES[channels],
        size_bytes=size,
        sha256=sha256,
        windows=windows,
        lag=lag,
    )


def fold(block: Block, channels: int) -> Block:
    """Bring a block of more than two channels to two: means of the odd ones left, of the even ones right."""
    if block.shape[1] <= channels:
        return block
    wide = block.astype(np.int32)
    sides = [np.rint(wide[:, side::2].mean(axis=1)) for side in range(channels)]
    return np.stack(sides, axis=1).astype(np.int16)


def _encode(master: Master, part: Path, rate: int, channels: int, witnesses: list[_Witness], report: Progress) -> int:
    """Write the file and keep witnesses; return the frames encoded, at the proxy's rate."""
    layout = "mono" if channels == 1 else "stereo"
    options = {"movflags": FLAGS, "frag_duration": str(FRAGMENT_US)}
    done = heard = 0
    source = (fold(block, channels) for block in master.blocks())
    with av.open(f"file:{part}", "w", format="mp4", options=options) as container:
        # at these bit rates the fast coder sounds better than FFmpeg's default and takes half its time
        stream = container.add_stream("aac", rate=rate, layout=layout, options={"aac_coder": "fast"})
        stream.bit_rate = BIT_RATES[channels]
        for block in ahead(_resampled(_watched(source, witnesses, master.about), master.rate, rate)):
            if not len(block):  # the resampler holds back what its filter still needs
                continue
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate = rate
            frame.pts = done
            done += len(block)
            heard = done * master.rate // rate
            for packet in stream.encode(frame):
                container.mux(packet)
            report(heard / max(master.about, heard))
        if not done:
            raise master.ends_early(0)
        for packet in stream.encode(None):
            container.mux(packet)
    return done


def _resampled(blocks: Iterator[Block], rate: int, wanted: int) -> Iterator[Block]:
    if rate == wanted:
        yield from blocks
        return
    stream: Any = None
    channels = 1
    for block in blocks:
        channels = block.shape[1]
        if stream is None:
            stream = soxr.ResampleStream(rate, wanted, channels, dtype="float32", quality="HQ")
        yield _rounded(stream.resample_chunk(block.astype(np.float32)))
    if stream is not None:
        yield _rounded(stream.resample_chunk(np.empty((0, channels), np.float32), last=True))


def _rounded(samples: NDArray[np.float32]) -> Block:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16).reshape(len(samples), -1)


def _watched(blocks: Iterator[Block], witnesses: list[_Witness], about: int) -> Iterator[Block]:
    """Pass blocks on and keep of each sixth of the recording its loudest window, of the start its first in any case."""
    at = 0
    loudest: dict[int, _Witness] = {}
    for block in blocks:
        for start in range(0, max(1, len(block) - WINDOW), 2 * WINDOW):
            samples = block[start : start + WINDOW]
            loudness = float(np.abs(samples[::16].astype(np.int32)).mean())
            part = -1 if at + start == 0 else min(WINDOWS, (at + start) * WINDOWS // max(about, 1))
            if part not in loudest or loudest[part].loudness < loudness:
                loudest[part] = _Witness(at + start, samples.copy(), loudness)
        at += len(block)
        yield block
    witnesses.extend(loudest.values())


def check(part: Path, witnesses: list[_Witness], *, source_rate: int, rate: int, frames: int) -> tuple[int, int]:
    """Raise AudioError("proxy-misaligned") unless a proxy is in time; return windows compared and worst lag.

    The file must have an edit list and an index of its fragments; decoded by seeking, its sound must lie where the
    recording has it, and it must last as long.
    """
    boxes = {box.path for box in all_boxes(part)}
    for wanted in ("moov/trak/edts/elst", "sidx"):
        if wanted not in boxes:
            raise _misaligned(f"it has no {wanted.rpartition('/')[2]} box")
    compared = worst = 0
    with opened(part) as (container, stream):
        length = _last_frame(container, stream, frames, rate)
        if not frames <= length < frames + 2 * FRAME:
            raise _misaligned(f"it lasts {length} samples in place of {frames}")
        for witness in witnesses:
            lag = _lag(container, stream, witness, source_rate, rate)
            if lag is None:
                continue
            compared += 1
            worst = lag if abs(lag) > abs(worst) else worst
            if abs(lag) > TOLERANCE:
                raise _misaligned(f"it is {lag} samples off at {clock(witness.at / source_rate)}")
    return compared, worst


def _misaligned(why: str) -> AudioError:
    return AudioError(
        "proxy-misaligned",
        f"The playback copy is not in time with the recording: {why}. Start the job again, or upload a WAV.",
    )


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a proxy for reading: its container and its stream."""
    with av.open(f"file:{path}", format="mov", options={"protocol_whitelist": "file"}) as container:
        yield container, container.streams.audio[0]


def sound_between(container: Any, stream: Any, first: int, last: int) -> NDArray[np.float32]:
    """Decode the samples [first, last) of an open proxy by a seek, shape (last - first, channels).

    Full scale is 1; before the beginning and after the end there is silence.
    """
    sound = np.zeros((last - first, stream.channels), np.float32)
    for frame in _decoded_from(container, stream, max(0, first), stream.rate):
        position = _position(frame, stream, stream.rate)
        if position >= last:
            break
        start, stop = max(position, first), min(position + frame.samples, last)
        if start < stop:
            sound[start - first : stop - first] = frame.to_ndarray().T[start - position : stop - position]
    return sound


def _last_frame(container: Any, stream: Any, frames: int, rate: int) -> int:
    """Return where the last decoded frame ends, in samples."""
    end = 0
    for frame in _decoded_from(container, stream, max(0, frames - rate), rate):
        end = _position(frame, stream, rate) + frame.samples
    return end


def _decoded_from(container: Any, stream: Any, at: int, rate: int) -> Iterator[Any]:
    """Decode from a little before a sample on; the decoder needs the frame before to be exact."""
    target = max(0, at - 4 * FRAME)
    container.seek(round(target / rate / stream.time_base), stream=stream)
    yield from container.decode(stream)


def _position(frame: Any, stream: Any, rate: int) -> int:
    position: int = round(frame.pts * stream.time_base * rate)
    return position


def _lag(container: Any, stream: Any, witness: _Witness, source_rate: int, rate: int) -> int | None:
    """Return how many samples late the proxy has a witness; None when its sound doesn't tell one time from another."""
    sought = witness.samples.astype(np.float64).mean(axis=1)
    at, skip = witness.at, 0
    if source_rate != rate:
        # the resampler needs sound around what is compared, and a witness starts between the proxy's samples
        sought = soxr.resample(sought, source_rate, rate)
        skip = min(512, len(sought) // 8)
    exact = at * rate / source_rate
    start = round(exact)
    sought = sought[skip : len(sought) - skip]
    start += skip
    low, high = start - SEARCH, start + len(sought) + SEARCH
    heard = sound_between(container, stream, low, high).mean(axis=1, dtype=np.float64)
    likeness = _correlation(heard, sought)
    best = int(np.argmax(likeness))
    # a held note is like itself a period later: only a clearly better place speaks against the right one
    here = float(likeness[SEARCH - TOLERANCE : SEARCH + TOLERANCE + 1].max())
    if likeness[best] < SURE:
        return None
    if here >= 0.98 * likeness[best]:
        return int(np.argmax(likeness[SEARCH - TOLERANCE : SEARCH + TOLERANCE + 1])) - TOLERANCE
    return best - SEARCH


def _correlation(heard: NDArray[np.float64], sought: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normalised correlation of `sought` with every stretch of `heard` of its length, by FFT."""
    size = 1 << (len(heard) + len(sought) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sought, size)), size)
    count = len(heard) - len(sought) + 1
    power = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = np.maximum(power[len(sought) :] - power[: -len(sought)], 0.0)
    scale = np.sqrt(energy * float((sought**2).sum()))
    floor = max(1e-12, float(scale.max()) * 1e-6)
    likeness: NDArray[np.float64] = np.where(scale > floor, product[:count] / np.maximum(scale, floor), 0.0)
    return likeness
