"""A signal whose every half second says which it is, and the measure of how far its picture is from its sound.

In each half second there is one click of 2 ms at a place that looks random but is known, and after it sixteen short
tones that spell the half second's number. The floor beneath is noise whose bandwidth changes every now and then, so
that an encoder of variable bit rate really varies: a file of constant rate hides the errors that this looks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile

RATE = 48_000
HALF = RATE // 2
CLICK = 96  # frames, its greatest sample in the middle
PIP, PIPS_AFTER = 576, 1920  # frames of a tone, and from the click to the first of them
BITS, CHECKS = 14, 2
TONES_HZ = (900.0, 1800.0)
LOUD = 0.35  # nothing but a click is as loud
EVEN = 0.4  # the faintest tone of a number against its loudest: 0.66 at the worst, as MP3
FLOORS_HZ = (20_000, 1_200, 6_000)
AROUND_MS = 150  # before and after a click, where the clocks are compared: some eighteen readings
FEWEST = 6
UNSTEADY_MS = 14  # between the readings' tenths; 6 to 9 is usual on a machine that is busy all the time

Floats = npt.NDArray[np.float64]


def offsets(count: int) -> npt.NDArray[np.int64]:
    """Where in its half second each click has its greatest sample."""
    return np.random.default_rng(11).integers(RATE * 60 // 1000, RATE * 240 // 1000, count)


def true_ms(number: int) -> float:
    """When the click of a half second is, in the recording's own time."""
    return 1000 * (number * HALF + int(offsets(number + 1)[number])) / RATE


def write(path: Path, seconds: int, channels: int = 2) -> Path:
    """Stream the signal into a WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(path, "w", RATE, channels, "PCM_16") as file:
        for block in _blocks(2 * seconds, channels):
            file.write(np.round(block * 32767).astype(np.int16))
    return path


def _blocks(halves: int, channels: int) -> Iterator[Floats]:
    rng = np.random.default_rng(3)
    floors = [_floor(rng, hz, channels) for hz in FLOORS_HZ]
    floor, left = floors[0], 0
    for number, offset in enumerate(offsets(halves)):
        if left == 0:
            floor, left = floors[rng.integers(len(floors))], int(rng.integers(20, 150))
        left -= 1
        start = int(rng.integers(len(floor) - HALF))
        block = floor[start : start + HALF].copy()
        block[offset - CLICK // 2 : offset + CLICK // 2] += _click()[:, None]
        for place, bit in enumerate(_spelled(number)):
            first = offset + PIPS_AFTER + place * PIP
            block[first : first + PIP] += _pip(TONES_HZ[bit])[:, None]
        yield np.clip(block, -1, 1)


def _floor(rng: np.random.Generator, hz: float, channels: int) -> Floats:
    noise = np.fft.rfft(rng.standard_normal((1 << 19, channels)), axis=0)
    noise[int(hz / RATE * (1 << 19)) :] = 0
    sound = np.fft.irfft(noise, axis=0)
    return 0.03 * sound / sound.std()


def _click() -> Floats:
    at = np.arange(CLICK) - CLICK // 2
    return 0.85 * np.cos(2 * np.pi * 3000 * at / RATE) * np.hanning(CLICK)


def _pip(hz: float) -> Floats:
    return 0.2 * np.sin(2 * np.pi * hz * np.arange(PIP) / RATE) * np.hanning(PIP)


def _spelled(number: int) -> list[int]:
    word = number << CHECKS | _check(number)
    return [word >> place & 1 for place in reversed(range(BITS + CHECKS))]


def _check(number: int) -> int:
    return (number ^ number >> 2 ^ number >> 4 ^ number >> 7 ^ number >> 11) & 3


def encode(wav: Path, path: Path) -> Path:
    """Encode the signal as FLAC, as MP3 of variable bit rate or as M4A, by the name's ending."""
    container, codec = {
        ".flac": ("flac", "flac"),
        ".mp3": ("mp3", "libmp3lame"),
        ".m4a": ("ipod", "aac"),
    }[path.suffix]
    with soundfile.SoundFile(wav) as source, av.open(str(path), "w", format=container) as target:
        layout = "mono" if source.channels == 1 else "stereo"
        stream = target.add_stream(codec, rate=RATE, layout=layout)
        if codec == "libmp3lame":
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = 4 * 118
        elif codec == "aac":
            stream.bit_rate = 128_000
        fit = av.AudioResampler(format=stream.codec_context.format or "s16", layout=layout, rate=RATE)
        at = 0
        for block in source.blocks(blocksize=RATE, dtype="int16", always_2d=True):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            at += len(block)
            for fitted in fit.resample(frame):
                target.mux(stream.encode(fitted))
        for fitted in fit.resample(None):
            target.mux(stream.encode(fitted))
        target.mux(stream.encode(None))
    return path


# ------------------------------------------------------------------ listening


def clicks_in(sound: Floats, rate: float) -> list[tuple[int, int]]:
    """The clicks of a stretch of sound whose numbers can be read: (sample, number)."""
    found = []
    left = np.abs(sound)
    while len(left) and left.max() > LOUD:
        at = int(left.argmax())
        left[max(0, at - int(0.1 * rate)) : at + int(0.1 * rate)] = 0
        number = _read(sound, at, rate)
        if number is not None:
            found.append((at, number))
    return sorted(found)


def _read(sound: Floats, at: int, rate: float) -> int | None:
    """The number that is spelled after a click; None when it can't be read for certain."""
    word, loudness = 0, []
    for place in range(BITS + CHECKS):
        first = at + round((PIPS_AFTER + place * PIP) * rate / RATE)
        piece = sound[first : first + round(PIP * rate / RATE)]
        if first + round(PIP * rate / RATE) > len(sound):
            return None
        beat = 2j * np.pi * np.arange(len(piece)) / rate
        low, high = (abs(np.dot(piece * np.hanning(len(piece)), np.exp(-beat * hz))) for hz in TONES_HZ)
        if max(low, high) < 3 * min(low, high):
            return None
        word = word << 1 | int(high > low)
        loudness.append(max(low, high))
    if min(loudness) < EVEN * max(loudness):  # silence would spell zeros
        return None
    number = word >> CHECKS
    return number if word & (1 << CHECKS) - 1 == _check(number) else None


@dataclass(frozen=True, slots=True)
class Match:
    """One click in session milliseconds: where it truly is, where it is drawn, where the playhead is when it sounds."""

    number: int
    true_ms: float
    drawn_ms: float
    heard_ms: float

    @property
    def apart_ms(self) -> float:
        """How far the playhead is past the drawn click while the click is heard."""
        return self.heard_ms - self.drawn_ms


def matches(heard: dict[str, Any], picture: dict[str, Any]) -> list[Match]:
    """Compare what a page played with what it drew.

    `heard`: `sound` (samples of one channel), `rate`, `first` (the context's frame of the first sample), `rows` of
    [time at the loudspeaker in the context's seconds, playhead in session ms] while it played at speed 1. A click is
    left out where the two clocks don't run evenly around it: there the sound broke off, as a busy machine's does.
    `picture`: `from_ms`, `ms` of a column, `columns` (greatest size of what is drawn in each; none known is negative).
    """
    rows = np.array(heard["rows"]).reshape(-1, 2)
    ahead = rows[:, 1] - 1000 * rows[:, 0]  # how far the playhead is before the loudspeaker's clock
    columns = np.array(picture["columns"])
    found = []
    for at, number in clicks_in(np.asarray(heard["sound"], dtype=np.float64), heard["rate"]):
        loudspeaker = 1000 * (heard["first"] + at) / heard["rate"]
        around = ahead[np.abs(1000 * rows[:, 0] - loudspeaker) < AROUND_MS]
        if len(around) < FEWEST or np.subtract(*np.percentile(around, (90, 10))) > UNSTEADY_MS:
            continue
        # single readings are late by a frame of the audio clock now and then
        heard_ms = loudspeaker + float(np.median(around))
        place = (true_ms(number) - picture["from_ms"]) / picture["ms"]
        low, high = max(0, round(place - 150 / picture["ms"])), round(place + 150 / picture["ms"])
        near = columns[low:high]
        if place < 0 or high > len(columns) or near.max() < 0.25 * columns.max():
            continue
        tallest = np.flatnonzero(near == near.max())
        drawn_ms = picture["from_ms"] + (low + (tallest[0] + tallest[-1] + 1) / 2) * picture["ms"]
        found.append(Match(number, true_ms(number), float(drawn_ms), heard_ms))
    return found
