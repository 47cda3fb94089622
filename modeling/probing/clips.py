"""Diagnostic clips: each has a known tempo, key, instrument, level, pan and tilt, drawn apart from each other.

One note of the key's major triad falls on every beat. Level is that of the mono mix, so that neither tempo nor pan
shows in it; pan is gone once both channels are mixed, which is what every family here does first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE_HZ = 16_000
KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
INSTRUMENTS = ("flute", "strings", "clarinet", "guitar", "bell")
PARTIALS = {  # frequency over the note's, amplitude
    "flute": ((1, 1.0), (2, 0.08)),
    "strings": tuple((n, 1 / n) for n in range(1, 13)),
    "clarinet": tuple((n, 1 / n) for n in range(1, 13, 2)),
    "guitar": tuple((n, 1 / n**1.5) for n in range(1, 9)),
    "bell": ((1, 1.0), (2.76, 0.6), (5.4, 0.3), (8.93, 0.15)),
}
DECAY_S = {"flute": 0.25, "strings": 0.3, "clarinet": 0.25, "guitar": 0.08, "bell": 0.2}
NUMBERS = {  # least, most, unit
    "tempo": (60.0, 180.0, "bpm"),
    "level": (-45.0, -18.0, "dBFS"),
    "pan": (-1.0, 1.0, "left to right"),
    "tilt": (-6.0, 3.0, "dB per octave"),
}
CLASSES = {"key": KEYS, "instrument": INSTRUMENTS}
PROPERTIES = ("tempo", "key", "instrument", "level", "pan", "tilt")


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound of shape (frames, 2) at 16 kHz, and what is true of it: numbers, and the places of classes."""

    sound: np.ndarray
    truth: dict[str, float]

    @property
    def mono(self) -> np.ndarray:
        """What a model is given: both channels mixed, shape (frames,)."""
        mixed: np.ndarray = self.sound.mean(axis=1)
        return mixed

    def write(self, path: Path) -> Path:
        """As 16-bit mono WAV."""
        import soundfile

        soundfile.write(path, self.mono, RATE_HZ, subtype="PCM_16")
        return path


def make(count: int, *, seed: int = 0, seconds: float = 6.0) -> list[Clip]:
    """Make clips whose numbers are spread evenly and whose classes are balanced, each in an order of its own."""
    rng = np.random.default_rng(seed)
    truths: dict[str, np.ndarray] = {}
    for name, (least, most, _) in NUMBERS.items():
        steps = (np.arange(count) + rng.random(count)) / count
        truths[name] = rng.permutation(least + (most - least) * steps)
    for name, values in CLASSES.items():
        truths[name] = rng.permutation(np.arange(count) % len(values)).astype(float)
    return [_clip({name: float(truths[name][at]) for name in PROPERTIES}, rng, seconds) for at in range(count)]


def _clip(truth: dict[str, float], rng: np.random.Generator, seconds: float) -> Clip:
    instrument = INSTRUMENTS[int(truth["instrument"])]
    frames = round(seconds * RATE_HZ)
    wave = np.zeros(frames)
    beat = 60 / truth["tempo"]
    starts = np.arange(rng.random() * beat / 2, seconds - 0.05, beat)
    for at, start in enumerate(starts):
        semitone = truth["key"] + (0 if at == 0 else rng.choice((0, 4, 7))) + 12 * rng.integers(2)
        _note(wave, round(start * RATE_HZ), 220 * 2 ** ((semitone - 9) / 12), instrument)
    wave = _tilted(wave, truth["tilt"])
    wave *= 10 ** (truth["level"] / 20) / max(1e-9, float(np.sqrt(np.mean(wave**2))))
    angle = (truth["pan"] + 1) * np.pi / 4
    gains = np.array([np.cos(angle), np.sin(angle)])
    return Clip(wave[:, None] * gains * (2 / gains.sum()), truth)


def _note(wave: np.ndarray, start: int, hz: float, instrument: str) -> None:
    """Add a note that begins softly within 5 ms and decays."""
    times = np.arange(min(len(wave) - start, RATE_HZ)) / RATE_HZ
    sound = sum(
        weight * np.sin(2 * np.pi * hz * ratio * times)
        for ratio, weight in PARTIALS[instrument]
        if hz * ratio < RATE_HZ / 2
    )
    wave[start : start + len(times)] += sound * np.minimum(1, times / 0.005) * np.exp(-times / DECAY_S[instrument])


def _tilted(wave: np.ndarray, db_per_octave: float) -> np.ndarray:
    """Slope the spectrum about 1 kHz."""
    spectrum = np.fft.rfft(wave)
    hz = np.fft.rfftfreq(len(wave), 1 / RATE_HZ)
    slope = 10 ** (db_per_octave * np.log2(np.maximum(hz, 50) / 1000) / 20)
    return np.fft.irfft(spectrum * slope, len(wave))


def mel_statistics(channels: Sequence[np.ndarray], bands: int = 64) -> np.ndarray:
    """Mean, spread and greatest value over time of log mel bands of each channel (25 ms windows, 10 ms steps)."""
    size, step = 400, 160
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), bands + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(512, 1 / RATE_HZ)
    rising = (hz[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz[None]) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.maximum(0, np.minimum(rising, falling))
    told = []
    for wave in channels:
        frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::step] * np.hanning(size)
        mel = np.log10(np.abs(np.fft.rfft(frames, 512)) ** 2 @ bank.T + 1e-8)
        told += [mel.mean(0), mel.std(0), mel.max(0)]
    return np.concatenate(told)
