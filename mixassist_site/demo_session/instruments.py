"""The song's tracks, played from nothing: eight bars of each instrument at 100 beats per minute.

Every track is a loop of 32 beats, a verse of four bars and a chorus of four. What rings past the end comes back in at
the start, so a clip may begin on any beat.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import signal

from .voices import RATE, Samples

BEAT = RATE * 60 // 100  # 600 ms, so every beat falls on 10 ms
BEATS = 32
LOOP = BEAT * BEATS
CHORUS_AT = 16

# A minor, F, C, G in the verse and F, G, A minor, C in the chorus: bass note, then the chord, as MIDI numbers
CHORDS = (
    (33, (57, 60, 64, 67)),
    (29, (57, 60, 65, 67)),
    (36, (55, 60, 64, 67)),
    (31, (55, 59, 62, 69)),
    (29, (57, 60, 65, 69)),
    (31, (59, 62, 67, 71)),
    (33, (57, 60, 64, 69)),
    (36, (60, 64, 67, 71)),
)
# beat, MIDI number, length in beats, vowel
MELODY = (
    (0.5, 64, 1.0, "o"), (1.5, 67, 0.5, "a"), (2.0, 64, 1.5, "a"),
    (4.5, 65, 1.0, "o"), (5.5, 64, 0.5, "e"), (6.0, 60, 1.5, "a"),
    (8.5, 64, 1.0, "o"), (9.5, 67, 0.5, "a"), (10.0, 67, 1.5, "e"),
    (12.5, 62, 1.0, "o"), (13.5, 64, 0.5, "a"), (14.0, 62, 1.5, "o"),
    (16.0, 72, 1.5, "a"), (17.5, 71, 0.5, "e"), (18.0, 69, 1.7, "a"),
    (20.0, 71, 1.5, "a"), (21.5, 69, 0.5, "o"), (22.0, 67, 1.7, "e"),
    (24.0, 69, 1.0, "a"), (25.0, 72, 1.0, "a"), (26.0, 76, 1.7, "a"),
    (28.0, 74, 1.0, "e"), (29.0, 72, 1.0, "o"), (30.0, 67, 1.7, "o"),
)  # fmt: skip
FORMANTS = {"a": (800, 1200, 2800, 3600), "o": (480, 850, 2700, 3400), "e": (480, 1900, 2650, 3500)}


def hertz(note: float) -> float:
    """Turn a MIDI note number into its frequency."""
    return float(440 * 2 ** ((note - 69) / 12))


def seconds(length: float) -> Samples:
    """Count time from zero, sample by sample."""
    return np.arange(int(length * RATE)) / RATE


def strike(loop: Samples, sound: Samples, beat: float, gain: float = 1.0) -> None:
    """Add a sound at a beat; what hangs over the end of the loop comes back in at its start."""
    at = int(beat * BEAT) + np.arange(len(sound))
    np.add.at(loop, at % LOOP, gain * sound)


def band(sound: Samples, low_hz: float, high_hz: float, order: int = 2) -> Samples:
    """Keep what lies between two frequencies."""
    kept: Samples = signal.sosfilt(signal.butter(order, (low_hz, high_hz), "bandpass", fs=RATE, output="sos"), sound)
    return kept


def kick(rng: np.random.Generator) -> Samples:
    """Beat one and the pushes; four more in the chorus."""
    t = seconds(0.45)
    body = np.sin(2 * np.pi * (52 * t + 110 / 38 * (1 - np.exp(-38 * t)))) * np.exp(-8.5 * t)
    beater = band(rng.standard_normal(len(t)), 2200, 6000) * np.exp(-260 * t) * 1.4
    loop = np.zeros(LOOP)
    for bar in range(8):
        pattern = (0, 2.5) if bar < 4 else (0, 1.5, 2, 2.5)
        for beat in (*pattern, 3.75) if bar % 2 else pattern:
            strike(
                loop, np.tanh(1.2 * (body + beater)), 4 * bar + beat, 0.9 if beat == 0 else 0.9 * rng.uniform(0.72, 0.9)
            )
    return loop


def snare(rng: np.random.Generator) -> Samples:
    """Beats two and four, with ghost notes before some of them."""
    loop = np.zeros(LOOP)
    for beat, gain in snare_hits():
        t = seconds(0.32)
        shell = np.sin(2 * np.pi * 186 * t) * np.exp(-22 * t) + 0.6 * np.sin(2 * np.pi * 331 * t) * np.exp(-30 * t)
        wires = band(rng.standard_normal(len(t)), 1400, 9500) * np.exp(-15 * t)
        stick = band(rng.standard_normal(len(t)), 3000, 9000) * np.exp(-320 * t)
        strike(loop, np.tanh(1.3 * (0.75 * shell + 1.2 * wires + 0.8 * stick)), beat, gain)
    return loop


def ring(rng: np.random.Generator) -> Samples:
    """The snare's ring at 800 Hz, apart from it, so that the desk can cut it."""
    del rng
    t = seconds(0.7)
    tone = (np.sin(2 * np.pi * 802 * t) + 0.5 * np.sin(2 * np.pi * 811 * t)) * np.exp(-6.5 * t) * (1 - np.exp(-400 * t))
    loop = np.zeros(LOOP)
    for beat, gain in snare_hits():
        strike(loop, 0.34 * tone, beat, gain)
    return loop


def snare_hits() -> list[tuple[float, float]]:
    """Say when the snare is hit, and how hard."""
    hits = [(beat + 1.0, 0.8 if beat < CHORUS_AT else 0.95) for beat in range(0, BEATS, 2)]
    hits += [(4.0 * bar + 2.25, 0.14) for bar in range(8)] + [(4.0 * bar + 3.75, 0.18) for bar in range(0, 8, 2)]
    return hits


def hats(rng: np.random.Generator) -> Samples:
    """Eighth notes, closed; an open one leads into each bar of the chorus."""
    loop = np.zeros(LOOP)
    for eighth in range(2 * BEATS):
        is_open = eighth >= 2 * CHORUS_AT and eighth % 8 == 7
        t = seconds(0.4 if is_open else 0.12)
        metal = sum(signal.square(2 * np.pi * f * t) for f in (4113.0, 5391.0, 6731.0, 8123.0)) / 4
        sound = band(metal + 0.8 * rng.standard_normal(len(t)), 6500, 15000) * np.exp(-t * (9 if is_open else 62))
        swing = 0.02 if eighth % 2 else 0.0
        strike(loop, sound, eighth / 2 + swing, (0.34 if eighth % 2 == 0 else 0.2) * rng.uniform(0.85, 1.1))
    return loop


def toms(rng: np.random.Generator) -> Samples:
    """A fill at the end of the verse and another at the end of the chorus."""
    loop = np.zeros(LOOP)
    fill = ((0.0, 142), (0.25, 142), (0.5, 142), (0.75, 108), (1.0, 108), (1.25, 82), (1.5, 82), (1.75, 82))
    for start in (14.0, 30.0):
        for beat, pitch in fill:
            t = seconds(0.5)
            body = np.sin(2 * np.pi * (pitch * t + 40 / 30 * (1 - np.exp(-30 * t)))) * np.exp(-9 * t)
            skin = band(rng.standard_normal(len(t)), 900, 4500) * np.exp(-120 * t)
            strike(loop, 0.6 * body + 0.35 * skin, start + beat, rng.uniform(0.7, 0.95))
    return loop


def bass(rng: np.random.Generator) -> Samples:
    """Fingered eighth notes on the root, with a fifth or an octave on the way to the next bar."""
    loop = np.zeros(LOOP)
    for bar, (root, _) in enumerate(CHORDS):
        busy = bar >= 4
        line = [(0.0, 0, 1.4), (1.5, 0, 0.5), (2.0, 0, 0.9), (3.0, 7, 0.5), (3.5, 12, 0.45)]
        if busy:
            line = [(eighth / 2, (0, 0, 0, 0, 0, 0, 7, 12)[eighth], 0.46) for eighth in range(8)]
        for beat, step, length in line:
            strike(loop, pluck(hertz(root + step), length * 0.6), 4 * bar + beat, rng.uniform(0.85, 1.0))
    return loop


def pluck(pitch: float, length: float) -> Samples:
    """Pluck a bass string: harmonics that die the faster the higher they are, damped by the finger at the end."""
    t = seconds(length + 0.08)
    string = np.zeros(len(t))
    for n in range(1, 22):
        level = abs(np.sin(np.pi * n * 0.18)) / n**1.15
        string += level * np.sin(2 * np.pi * pitch * n * t * (1 + 2e-5 * n * n)) * np.exp(-t * (1.6 + 0.75 * n))
    sound: Samples = 0.62 * np.tanh(1.5 * string) * (1 - np.exp(-700 * t)) * np.clip((length + 0.08 - t) / 0.05, 0, 1)
    return sound


def keys(rng: np.random.Generator) -> Samples:
    """An electric piano by frequency modulation: left hand in octaves with the bass, right hand off the beat."""
    loop = np.zeros(LOOP)
    for bar, (root, chord) in enumerate(CHORDS):
        for beat, length in ((0.0, 1.9), (2.0, 1.9)):
            strike(loop, tine(hertz(root + 12), length * 0.6, 0.9), 4 * bar + beat, 0.30)
            strike(loop, tine(hertz(root + 19), length * 0.6, 0.8), 4 * bar + beat, 0.16)
        for beat, length in ((0.5, 0.9), (1.5, 1.4), (3.0, 0.9)):
            for note in chord:
                strike(loop, tine(hertz(note), length * 0.6, 1.0), 4 * bar + beat + rng.uniform(0, 0.02), 0.17)
    return loop


def tine(pitch: float, length: float, touch: float) -> Samples:
    """Strike one note of the electric piano: a warm body and a bell that fades at once."""
    t = seconds(length + 0.12)
    warmth = touch * 1.3 * np.exp(-2.2 * t) * np.sin(2 * np.pi * pitch * t)
    bell = 0.35 * np.exp(-14 * t) * np.sin(2 * np.pi * 14 * pitch * t) if 14 * pitch < 18000 else 0.0
    tone = np.sin(2 * np.pi * pitch * t + warmth + bell) * np.exp(-1.5 * t)
    sound: Samples = tone * (1 - np.exp(-500 * t)) * np.clip((length + 0.12 - t) / 0.1, 0, 1)
    return sound


def guitar(rng: np.random.Generator) -> Samples:
    """Strummed chords on Karplus-Strong strings, through an overdriven amplifier and its cabinet."""
    loop = np.zeros(LOOP)
    for bar, (root, chord) in enumerate(CHORDS):
        strums: tuple[tuple[float, float, float], ...] = ((0.0, 1.9, 0.55), (2.5, 1.4, 0.5))
        if bar >= 4:
            strums = tuple((eighth / 2, 0.5, 1.0 if eighth % 4 == 0 else 0.62) for eighth in range(8))
        for beat, length, force in strums:
            late = rng.uniform(0, 0.02)
            for string, note in enumerate((root + 12, root + 19, *chord[:3])):
                detune = rng.normal(0, 0.04)
                strike(
                    loop,
                    string_pluck(hertz(note + detune), length * 0.6 + 0.1, rng),
                    4 * bar + beat + late + 0.012 * string,
                    0.5 * force,
                )
    driven = np.tanh(2.4 * np.concatenate([loop, loop]))
    cabinet = signal.sosfilt(signal.butter(2, (95, 9000), "bandpass", fs=RATE, output="sos"), driven)
    sound: Samples = 0.30 * cabinet[LOOP:]
    return sound


def string_pluck(pitch: float, length: float, rng: np.random.Generator) -> Samples:
    """Pluck one string after Karplus and Strong (1983), tuned by sharing the loop between two delays."""
    period = RATE / pitch - 0.5
    whole = int(period)
    part = period - whole
    burst = np.zeros(int(length * RATE))
    burst[:whole] = signal.lfilter([0.5, 0.5], 1, rng.uniform(-1, 1, whole))
    echo = np.zeros(whole + 3)
    echo[0] = 1
    echo[whole : whole + 3] = -0.996 * np.array([(1 - part) * 0.5, 0.5, part * 0.5])
    tone = signal.lfilter([1.0], echo, burst)
    sound: Samples = tone * np.clip((length - np.arange(len(tone)) / RATE) / 0.06, 0, 1)
    return sound


def vocal(rng: np.random.Generator) -> Samples:
    """A singer without words: glottal pulses with vibrato through the formants of each vowel, and some breath.

    She is nearly whispering in the verse and loud in the chorus.
    """
    loop = np.zeros(LOOP)
    for beat, note, length, vowel in MELODY:
        is_loud = beat >= CHORUS_AT
        t = seconds(length * 0.6 + 0.05)
        scoop = -1.4 * np.exp(-t / 0.06)
        vibrato = 0.35 * np.clip((t - 0.12) / 0.25, 0, 1) * np.sin(2 * np.pi * 5.4 * t + rng.uniform(0, 6))
        pitch = hertz(note) * 2 ** ((scoop + vibrato) / 12)
        cycle = np.cumsum(pitch) / RATE
        harmonics = range(1, int(7000 / pitch.max()))
        tilt = 1.15 if is_loud else 1.7
        source = sum(np.sin(2 * np.pi * n * cycle) / n**tilt for n in harmonics)
        breath = rng.standard_normal(len(t)) * (0.05 if is_loud else 0.11)
        sung = 0.12 * (source + breath)
        for formant, gain in zip(FORMANTS[vowel], (1.0, 0.8, 0.42, 0.3), strict=True):
            b, a = signal.iirpeak(formant * 1.12, formant / (70 + formant * 0.05), fs=RATE)
            sung = sung + gain * signal.lfilter(b, a, source + 2 * breath)
        swell = np.clip(t / 0.07, 0, 1) * np.clip((len(t) / RATE - t) / 0.09, 0, 1)
        strike(loop, sung * swell, beat, 0.30 if is_loud else 0.085)
        hiss = band(rng.standard_normal(int(0.09 * RATE)), 5000, 11000) * np.hanning(int(0.09 * RATE))
        strike(loop, hiss, beat - 0.1, 0.06 if is_loud else 0.018)
    return loop


PLAYERS: dict[str, Callable[[np.random.Generator], Samples]] = {
    "kick": kick,
    "snare": snare,
    "ring": ring,
    "hats": hats,
    "toms": toms,
    "bass": bass,
    "keys": keys,
    "guitar_left": guitar,
    "guitar_right": guitar,
    "vocal": vocal,
}


@cache
def track(name: str, seed: int) -> Samples:
    """Play one track; the same seed gives the same take, and each track has its own."""
    return PLAYERS[name](np.random.default_rng([seed, list(PLAYERS).index(name)]))
