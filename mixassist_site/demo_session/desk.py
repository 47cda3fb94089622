"""The mixing desk: every setting the two talk about, and the stereo sound that it makes of the tracks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import signal

from .instruments import LOOP, track
from .voices import RATE, Samples

STEP = 48  # compressors decide once a millisecond
OFF = -90.0


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk as the session begins, faults included."""

    kick_db: float = -5.0
    ring_db: float = 0.0
    room_db: float = -12.0
    drum_ratio: float = 1.0
    drum_attack_ms: float = 30.0
    drum_release_ms: float = 150.0
    drum_makeup_db: float = 0.0
    bass_db: float = 0.0
    bass_low_cut_hz: float = 20.0
    bass_mud_db: float = 11.0
    bass_duck_db: float = 0.0
    guitar_db: float = 0.0
    guitar_width: float = 0.0
    guitar_low_pass_hz: float = 16000.0
    guitar_bite_db: float = 5.0
    guitar_hall_db: float = OFF
    guitar_delay: bool = False
    keys_low_cut_hz: float = 20.0
    keys_width: float = 0.0
    vocal_ride: bool = False
    vocal_squeeze: bool = False
    vocal_space: str = "none"
    limit_db: float = 0.0
    air_db: float = 0.0
    mono: bool = False
    monitor_db: float = 0.0


def play(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """Play the whole loop with these tracks through the desk; shape (LOOP, 2)."""
    strips: dict[str, Callable[[Desk, tuple[str, ...], int], Samples]] = {
        "bass": bass_strip,
        "guitars": guitar_strip,
        "keys": keys_strip,
        "vocal": vocal_strip,
    }
    drums = tuple(name for name in hear if name not in strips)
    mix = drum_bus(desk, drums, seed) if drums else np.zeros((LOOP, 2))
    for name, strip in strips.items():
        if name in hear:
            mix = mix + strip(desk, hear, seed)
    if desk.air_db:
        mix = around(mix, lambda x: shelf(x, 9000, desk.air_db))
    if desk.limit_db:
        mix = limit(mix * gain(desk.limit_db), 0.70)
    if desk.mono:
        mix = np.repeat(mix.mean(axis=1, keepdims=True), 2, axis=1)
    return mix * gain(desk.monitor_db)


def drum_bus(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """Balance the kit, add the room pair, and compress the whole of it."""
    bus = np.zeros((LOOP, 2))
    if "kick" in hear:
        bus += pan(track("kick", seed), 0) * gain(desk.kick_db) * 0.55
    if "snare" in hear:
        bus += pan(track("snare", seed) + track("ring", seed) * gain(desk.ring_db), -0.08) * 0.5
    if "hats" in hear:
        bus += pan(track("hats", seed), 0.4) * 0.6
    if "toms" in hear:
        bus += pan(track("toms", seed), -0.35) * 0.5
    if "room" in hear:
        bus += drum_room(desk.ring_db, seed) * gain(desk.room_db)
    if desk.drum_ratio > 1:
        key = np.abs(bus).max(axis=1)
        bus = bus * reduction(key, 0.11, desk.drum_ratio, desk.drum_attack_ms, desk.drum_release_ms)[:, None]
        bus *= gain(desk.drum_makeup_db)
    return bus


@cache
def drum_room(ring_db: float, seed: int) -> Samples:
    """Hear the kit from the back of the room, squeezed hard as room mics are."""
    kit = sum(track(name, seed) for name in ("kick", "snare", "hats", "toms")) + track("ring", seed) * gain(ring_db)
    far = hall(np.asarray(kit) * 0.3, seconds_to_fade=0.75, low_hz=90, high_hz=6500, before_ms=14, seed=21)
    return 1.8 * far * reduction(np.abs(far).max(axis=1), 0.08, 4.0, 3.0, 120.0)[:, None]


def bass_strip(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """High-pass, bell at 250 Hz, and ducking by the kick when the kick plays."""
    sound = around(track("bass", seed), lambda x: low_cut(bell(x, 250, desk.bass_mud_db, 1.1), desk.bass_low_cut_hz))
    if desk.bass_duck_db and "kick" in hear:
        push = follow(np.abs(track("kick", seed)), 2.0, 90.0)
        sound = sound * gain_of(-desk.bass_duck_db * np.clip(push / 0.5, 0, 1))
    return pan(sound, 0) * 0.38 * gain(desk.bass_db)


def guitar_strip(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """The doubled guitar: two takes, as far apart as the width says, with a hall or a short delay."""
    del hear

    def tone(take: Samples) -> Samples:
        return low_pass(bell(take, 3000, desk.guitar_bite_db, 0.9), desk.guitar_low_pass_hz)

    left = around(track("guitar_left", seed), tone)
    right = around(track("guitar_right", seed), tone)
    both = pan(left, -desk.guitar_width) + pan(right, desk.guitar_width)
    if desk.guitar_hall_db > OFF:
        far = hall(left + right, seconds_to_fade=4.0, low_hz=180, high_hz=7000, before_ms=20, seed=22)
        both = 0.75 * both + 0.30 * far * gain(desk.guitar_hall_db)
    if desk.guitar_delay:
        both[:, 1] += 0.28 * np.roll(left, int(0.11 * RATE))
    return both * 0.78 * gain(desk.guitar_db)


def keys_strip(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """High-pass and a tremolo that leans from side to side."""
    del hear
    sound = around(track("keys", seed), lambda x: low_cut(x, desk.keys_low_cut_hz))
    t = np.arange(LOOP) / RATE
    sway = 0.85 * desk.keys_width * np.sin(2 * np.pi * t / 0.4)  # three sways in two beats
    return np.stack([sound * np.sqrt(1 + sway), sound * np.sqrt(1 - sway)], axis=1) * 0.25


def vocal_strip(desk: Desk, hear: tuple[str, ...], seed: int) -> Samples:
    """Fader rides, two gentle compressors, and a space."""
    del hear
    sound = track("vocal", seed)
    if desk.vocal_ride:
        level = follow(np.abs(sound), 30.0, 500.0)
        sound = sound * np.clip(0.12 / (level + 0.012), 0.5, 3.2)
    if desk.vocal_squeeze:
        for threshold, attack_ms in ((0.10, 3.0), (0.09, 12.0)):
            sound = sound * reduction(np.abs(sound), threshold, 3.0, attack_ms, 110.0) * gain(2.0)
    dry = pan(sound, 0)
    if desk.vocal_space == "hall":
        return 0.8 * dry + 0.95 * hall(sound, seconds_to_fade=3.6, low_hz=150, high_hz=8000, before_ms=0, seed=23)
    if desk.vocal_space == "plate":
        return 1.15 * dry + 0.36 * hall(sound, seconds_to_fade=1.1, low_hz=300, high_hz=9000, before_ms=40, seed=24)
    return 1.15 * dry


def gain(db: float) -> float:
    """Turn decibels into a factor."""
    return float(10 ** (db / 20))


def gain_of(db: Samples) -> Samples:
    """Turn a curve of decibels into factors."""
    curve: Samples = 10 ** (db / 20)
    return curve


def pan(sound: Samples, place: float) -> Samples:
    """Set a mono sound between left (-1) and right (1) at constant power."""
    angle = (place + 1) * np.pi / 4
    return np.stack([sound * np.cos(angle), sound * np.sin(angle)], axis=1)


def around(sound: Samples, effect: Callable[[Samples], Samples]) -> Samples:
    """Run an effect over the loop as if it had always been playing."""
    return effect(np.concatenate([sound, sound]))[LOOP:]


def low_cut(sound: Samples, hz: float) -> Samples:
    """High-pass at 24 dB per octave."""
    kept: Samples = signal.sosfilt(signal.butter(4, hz, "highpass", fs=RATE, output="sos"), sound, axis=0)
    return kept


def low_pass(sound: Samples, hz: float) -> Samples:
    """Low-pass at 12 dB per octave."""
    kept: Samples = signal.sosfilt(signal.butter(2, hz, fs=RATE, output="sos"), sound, axis=0)
    return kept


def bell(sound: Samples, hz: float, db: float, q: float) -> Samples:
    """Boost or cut around a frequency (Bristow-Johnson's peaking filter)."""
    a, w = 10 ** (db / 40), 2 * np.pi * hz / RATE
    alpha = np.sin(w) / (2 * q)
    b = np.array([1 + alpha * a, -2 * np.cos(w), 1 - alpha * a])
    shaped: Samples = signal.lfilter(b, np.array([1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]), sound, axis=0)
    return shaped


def shelf(sound: Samples, hz: float, db: float) -> Samples:
    """Lift or lower everything above a frequency, gently."""
    top: Samples = signal.sosfilt(signal.butter(1, hz, "highpass", fs=RATE, output="sos"), sound, axis=0)
    return sound + (gain(db) - 1) * top


def follow(level: Samples, attack_ms: float, release_ms: float) -> Samples:
    """Follow a level, rising with the attack and falling with the release, as if the loop had always been playing."""
    peaks = level.reshape(-1, STEP).max(axis=1)
    up, down = np.exp(-1 / max(attack_ms, 1e-3)), np.exp(-1 / release_ms)
    now, curve = 0.0, np.empty(2 * len(peaks))
    for at, peak in enumerate(np.concatenate([peaks, peaks])):
        keep = up if peak > now else down
        now = keep * now + (1 - keep) * peak
        curve[at] = now
    at_samples = np.arange(LOOP)
    smooth: Samples = np.interp(at_samples, np.arange(len(peaks)) * STEP, curve[len(peaks) :])
    return smooth


def reduction(level: Samples, threshold: float, ratio: float, attack_ms: float, release_ms: float) -> Samples:
    """Compute a compressor's gain curve for a level curve."""
    over = np.maximum(follow(level, attack_ms, release_ms) / threshold, 1.0)
    curve: Samples = over ** (1 / ratio - 1)
    return curve


def limit(mix: Samples, ceiling: float) -> Samples:
    """Hold the peaks under a ceiling, fast enough to be heard."""
    held = mix * reduction(np.abs(mix).max(axis=1), ceiling * 0.8, 20.0, 0.1, 60.0)[:, None]
    return np.clip(held, -ceiling, ceiling)


def hall(
    sound: Samples, *, seconds_to_fade: float, low_hz: float, high_hz: float, before_ms: float, seed: int
) -> Samples:
    """Put a loop, mono or stereo, into a diffuse space that falls by 60 dB in the given time; shape (LOOP, 2)."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds_to_fade * RATE)) / RATE
    space = rng.standard_normal((len(t), 2)) * np.exp(-6.9 * t / seconds_to_fade)[:, None]
    space = signal.sosfilt(signal.butter(1, (low_hz, high_hz), "bandpass", fs=RATE, output="sos"), space, axis=0)
    space /= np.sqrt((space**2).sum(axis=0))
    padded = np.zeros((LOOP, 2))
    before = int(before_ms / 1000 * RATE)
    padded[before : before + len(space)] = space[: LOOP - before]
    source = np.fft.rfft(sound if sound.ndim == 2 else pan(sound, 0) * np.sqrt(2), axis=0)
    wet: Samples = np.fft.irfft(source * np.fft.rfft(padded, axis=0), LOOP, axis=0)
    return wet
