"""Small recordings for tests: made by rule, written in every container that is taken in."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import soundfile

CODED = {"mp3": ("libmp3lame", "mp3"), "opus": ("libopus", "ogg"), "m4a": ("aac", "mp4"), "alac": ("alac", "mp4")}
LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}


def music(seconds: float, rate: int = 48_000, channels: int = 2, *, seed: int = 0) -> np.ndarray:
    """Return sound that codecs keep in time: low-passed noise with sudden strokes, shape (frames, channels), int16."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * rate)
    noise = rng.standard_normal((frames, channels))
    spectrum = np.fft.rfft(noise, axis=0)
    spectrum /= 1 + (np.arange(len(spectrum))[:, None] / seconds / 800) ** 2
    noise = np.fft.irfft(spectrum, frames, axis=0)
    strokes = np.ones(frames)
    for at in rng.integers(0, frames, max(1, round(seconds * 3))):
        strokes[at : at + rate // 4] += np.exp(-np.arange(len(strokes[at : at + rate // 4])) / (rate / 30)) * 3
    sound = noise * strokes[:, None]
    return np.rint(sound / np.abs(sound).max() * 20_000).astype(np.int16)


def wav_bytes(samples: np.ndarray, rate: int = 48_000, *, encoding: str = "<i2", extensible: bool = False) -> bytes:
    """Return a WAV file of int16 samples in one of the encodings that WAV knows."""
    channels = samples.shape[1]
    body = {
        "u1": lambda: ((samples >> 8) + 128).astype(np.uint8).tobytes(),
        "<i2": lambda: samples.astype("<i2").tobytes(),
        "i3": lambda: (samples.astype("<i4") << 8).reshape(-1, 1).view(np.uint8)[:, :3].tobytes(),
        "<i4": lambda: (samples.astype("<i4") << 16).tobytes(),
        "<f4": lambda: (samples / np.float32(32768)).astype("<f4").tobytes(),
        "<f8": lambda: (samples / 32768).astype("<f8").tobytes(),
    }[encoding]()
    width = int(encoding[-1])
    tag = 3 if "f" in encoding else 1
    fmt = wav_fmt(tag=tag, channels=channels, rate=rate, align=width * channels, bits=8 * width)
    if extensible:
        guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
        fmt = wav_fmt(tag=0xFFFE, channels=channels, rate=rate, align=width * channels, bits=8 * width)
        fmt += struct.pack("<HHI", 22, 8 * width, 0) + guid
    return riff(chunk(b"fmt ", fmt) + chunk(b"data", body))


def wav_fmt(*, tag: int = 1, channels: int = 2, rate: int = 48_000, align: int = 4, bits: int = 16) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align, bits)


def chunk(name: bytes, content: bytes, *, length: int | None = None) -> bytes:
    stated = len(content) if length is None else length
    return name + struct.pack("<I", stated) + content + b"\0" * (len(content) & 1)


def riff(chunks: bytes, *, magic: bytes = b"RIFF") -> bytes:
    length = 0xFFFFFFFF if magic != b"RIFF" else 4 + len(chunks)
    return magic + struct.pack("<I", length) + b"WAVE" + chunks


def rf64_bytes(samples: np.ndarray, rate: int = 48_000, *, magic: bytes = b"RF64") -> bytes:
    body = samples.astype("<i2").tobytes()
    ds64 = struct.pack("<QQQI", 0, len(body), len(samples), 0)
    fmt = wav_fmt(channels=samples.shape[1], rate=rate, align=2 * samples.shape[1])
    chunks = chunk(b"ds64", ds64) + chunk(b"fmt ", fmt) + chunk(b"data", body, length=0xFFFFFFFF)
    return riff(chunks, magic=magic)


def write(path: Path, samples: np.ndarray, rate: int = 48_000) -> Path:
    """Write samples as the container that the suffix names: wav, rf64, flac, vorbis, mp3, opus, m4a or alac."""
    kind = path.suffix[1:]
    if kind == "wav":
        path.write_bytes(wav_bytes(samples, rate))
    elif kind == "rf64":
        path.write_bytes(rf64_bytes(samples, rate))
    elif kind == "flac":
        soundfile.write(path, samples, rate, format="FLAC")
    elif kind == "vorbis":
        with soundfile.SoundFile(path, "w", rate, samples.shape[1], format="OGG", subtype="VORBIS") as file:
            for at in range(0, len(samples), 4096):  # libsndfile overflows its stack on a whole file
                file.write(samples[at : at + 4096])
    else:
        encode(path, samples, rate, *CODED[kind])
    return path


def encode(
    path: Path,
    samples: np.ndarray,
    rate: int,
    codec: str,
    container: str,
    *,
    start: int = 0,
    hole_at: int | None = None,
) -> None:
    """Encode with FFmpeg; `hole_at` leaves out one second of time, not of sound, at that frame."""
    channels = samples.shape[1]
    layout, form = LAYOUTS[channels], {"alac": "s16p", "libmp3lame": "s16p", "aac": "fltp"}.get(codec, "s16")
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout, format=form)
        if codec != "alac":
            stream.bit_rate = 96_000 * channels
        at = start
        step = 4096 if codec == "alac" else 8192
        for first in range(0, len(samples), step):
            piece = np.ascontiguousarray(samples[first : first + step])
            if hole_at is not None and first <= hole_at < first + step:
                at += rate
            frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, at
            at += len(piece)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def film(path: Path, *, sound: bool) -> Path:
    """Write a short MP4 with a picture, and with sound when asked."""
    with av.open(str(path), "w", format="mp4") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        voice = file.add_stream("aac", rate=48_000, layout="mono") if sound else None
        for at in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), at * 20, np.uint8), format="rgb24")
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        if voice:
            frame = av.AudioFrame.from_ndarray(music(1, channels=1).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, 0
            file.mux(voice.encode(frame))
            file.mux(voice.encode(None))
    return path
