"""Two people in two rooms: text to speech, brought to the session's rate, level and place.

The voices are flite's `rms` and `slt`, which FFmpeg offers as a source filter. They sound far more human than formant
synthesis, and the same flite gives the same samples every time.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import signal

Samples = npt.NDArray[np.float64]

RATE = 48_000
GRID = RATE // 100  # utterances begin and end on 10 ms
SAID = {"dB": "decibels", "Hz": "hertz", "kHz": "kilohertz", "ms": "milliseconds", "EQ": "E Q"}


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker: flite's voice, its place between left (-1) and right (1), and the microphone's colour."""

    name: str
    pan: float
    level_db: float
    low_cut_hz: float
    presence_db: float
    pace: float
    room_seed: int


VOICES = {
    "expert": Voice("rms", pan=-0.32, level_db=-19.5, low_cut_hz=75, presence_db=2.0, pace=1.06, room_seed=11),
    "amateur": Voice("slt", pan=0.34, level_db=-20.0, low_cut_hz=120, presence_db=-1.0, pace=1.0, room_seed=12),
}


def spoken(text: str) -> str:
    """Write units out, as a voice must say them: `3 dB` becomes `3 decibels`."""
    return re.sub(r"\b(dB|Hz|kHz|ms|EQ)\b", lambda unit: SAID[unit.group()], text)


def speak(text: str, voice: Voice) -> Samples:
    """Say a text dry and mono at 48 kHz, trimmed of silence and padded to a whole number of 10 ms."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "line.txt"
        script.write_text(spoken(text), encoding="utf-8")
        source = f"flite=voice={voice.name}:textfile={script},atempo={voice.pace}"
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            source,
            "-ac",
            "1",
            "-ar",
            str(RATE),
            "-f",
            "f32le",
            "-",
        ]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
    line = np.frombuffer(raw, dtype="<f4").astype(np.float64)
    heard = np.flatnonzero(np.abs(line) > 0.02 * np.abs(line).max())
    line = line[max(0, heard[0] - 240) : heard[-1] + 960]
    fade = np.linspace(0, 1, 240)
    line[:240] *= fade
    line[-240:] *= fade[::-1]
    return np.pad(line, (0, -len(line) % GRID))


def place(line: Samples, voice: Voice) -> Samples:
    """Colour, level and pan a dry line, and add the speaker's room; shape (frames + tail, 2)."""
    line = signal.sosfilt(signal.butter(2, voice.low_cut_hz, "highpass", fs=RATE, output="sos"), line)
    line = line + (10 ** (voice.presence_db / 20) - 1) * signal.sosfilt(
        signal.butter(1, (2200, 5200), "bandpass", fs=RATE, output="sos"), line
    )
    line = np.tanh(line / (4 * active_rms(line))) * 4  # rounds off the loudest vowels, as a voice channel does
    line *= 10 ** (voice.level_db / 20) / active_rms(line)
    angle = (voice.pan + 1) * np.pi / 4
    dry = np.stack([line * np.cos(angle), line * np.sin(angle)], axis=1) * np.sqrt(2)
    room = small_room(voice.room_seed)
    wet = np.stack([signal.fftconvolve(line, room[:, side]) for side in range(2)], axis=1)
    wet[: len(dry)] += dry
    return wet


def active_rms(line: Samples) -> float:
    """Measure the level of the speech in a line, leaving out its pauses."""
    blocks = line[: len(line) // GRID * GRID].reshape(-1, GRID)
    power = (blocks**2).mean(axis=1)
    return float(np.sqrt(power[power > 0.02 * power.max()].mean()))


def small_room(seed: int) -> Samples:
    """Make 180 ms of a furnished room: sparse early reflections, then a soft dark tail; shape (frames, 2)."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(0.18 * RATE)) / RATE
    tail: Samples = rng.standard_normal((len(t), 2)) * np.exp(-t / 0.028)[:, None] * 0.012
    tail = signal.sosfilt(signal.butter(1, 3500, fs=RATE, output="sos"), tail, axis=0)
    for delay_ms in (3.1, 5.7, 8.9, 13.3, 19.0):
        for side in range(2):
            at = int((delay_ms + rng.uniform(-0.6, 0.6)) / 1000 * RATE)
            tail[at, side] += rng.choice((-1, 1)) * 0.11 * np.exp(-delay_ms / 14)
    return tail
