"""Open what libsndfile is not asked to read – MP3, Ogg and MP4 – with FFmpeg's libraries, one file and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import av.logging

from annotation.audio.boxes import check_whole
from annotation.audio.errors import AudioError
from annotation.audio.facts import clock
from annotation.audio.sniff import mp3_frame_length, mp3_head

DEMUXERS = {"mp3": "mp3", "ogg": "ogg", "mp4": "mov", "flac": "flac"}
NAMES = {"mp3": "MP3", "ogg": "Ogg", "mp4": "MP4", "flac": "FLAC"}
CODECS = {
    "mp3": {"mp3": "mp3", "mp3float": "mp3"},
    "ogg": {"vorbis": "vorbis", "opus": "opus"},
    "mp4": {"aac": "aac", "alac": "alac", "opus": "opus"},
    "flac": {"flac": "flac"},
}
DECODERS = "mp3float,mp3,vorbis,opus,aac,alac,flac"
GAP_S = Fraction(1, 10)  # a smaller step in the time stamps is rounding, not a hole
EDGE = 64  # packets decoded at either end to prove that there is sound

av.logging.set_level(None)  # FFmpeg's own remarks about a stranger's file are of no use to anyone


@dataclass(frozen=True, slots=True)
class Coded:
    """An open container and the stream that is read from it."""

    container: Any
    stream: Any
    kind: str
    codec: str


@contextmanager
def open_coded(path: Path, kind: str) -> Iterator[Coded]:
    """Open a compressed recording by a forced demuxer, from the file system alone; what is wrong is an AudioError."""
    if kind == "mp4":
        check_whole(path)
    # the whitelists keep a crafted container from opening other files, the network or a video decoder
    options = {"protocol_whitelist": "file", "codec_whitelist": DECODERS}
    try:
        # a tag in an old encoding is no reason to refuse the sound
        with av.open(f"file:{path}", format=DEMUXERS[kind], options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise AudioError(
                    "no-audio-track",
                    f"This {NAMES[kind]} file has no sound in it (it may be video only). Choose a file with sound.",
                )
            stream = container.streams.audio[0]
            # FFmpeg has no name for a codec that it does not know
            name = stream.codec_context.name if stream.codec_context else "something unknown"
            if name not in CODECS[kind]:
                raise AudioError(
                    "unsupported-codec",
                    f"The sound in this {NAMES[kind]} file is coded as {name}, which is not read here. "
                    "Convert it to WAV, FLAC, MP3, OGG or M4A.",
                )
            yield Coded(container, stream, kind, CODECS[kind][name])
    except av.error.FFmpegError as error:
        raise damaged(kind) from error
    except (ValueError, OverflowError, RuntimeError) as error:
        # PyAV's own checks of what a damaged header says (a layout, a rate, a time stamp)
        raise damaged(kind) from error


def damaged(kind: str, at_s: float | None = None) -> AudioError:
    where = "" if at_s is None else f" near {clock(at_s)}"
    return AudioError(
        f"corrupt-{kind}",
        f"This {NAMES[kind]} file is damaged{where}: its sound can't be decoded. Copy it from where it was recorded "
        "again, or convert it to WAV.",
    )


@dataclass(frozen=True, slots=True)
class CodedShape:
    codec: str
    rate: int
    channels: int
    frames: int


def measure(path: Path, kind: str) -> CodedShape:
    """Measure a compressed recording without decoding it: all packets are counted, only those at the ends are decoded.

    Raises AudioError when the ends can't be decoded, or when a length that the file states is not there.
    """
    with open_coded(path, kind) as coded:
        context, stream = coded.stream.codec_context, coded.stream
        count = 0
        before: int | None = None
        edge: list[Any] = []
        tail: deque[Any] = deque(maxlen=EDGE)
        for packet in coded.container.demux(stream):
            if not packet.size:
                continue
            count += 1
            if packet.is_corrupt:
                raise damaged(kind)
            if before is not None and packet.pts is not None and packet.pts < before:
                raise _chained(kind)
            before = packet.pts if packet.pts is not None else before
            if len(edge) < EDGE:
                edge.append(packet)
            tail.append(packet)
        if not count:
            raise AudioError("no-audio", f"This {NAMES[kind]} file holds no sound. Check that the recording was saved.")
        first = _first_frame(context, edge, kind)
        rate, channels, start = first.sample_rate, first.layout.nb_channels, first.pts or 0
        context.flush_buffers()
        last = first
        for packet in (*tail, None):
            for frame in _decode_leniently(context, packet):
                last = frame
        if (last.sample_rate, last.layout.nb_channels) != (rate, channels):
            raise changed(kind)
        frames = round(((last.pts or 0) - start) * Fraction(stream.time_base) * rate) + last.samples
        if kind == "mp3":
            _check_mp3_is_whole(path, count)
    return CodedShape(coded.codec, rate, channels, frames)


def shape_of(coded: Coded) -> tuple[int, int]:
    """Return rate and channels as the decoder gives them; a header may say otherwise (AAC with band replication)."""
    packets = (packet for packet in coded.container.demux(coded.stream) if packet.size)
    first = _first_frame(coded.stream.codec_context, islice(packets, EDGE), coded.kind)
    return first.sample_rate, first.layout.nb_channels


def _first_frame(context: Any, packets: Iterable[Any], kind: str) -> Any:
    for packet in packets:
        for frame in _decode_leniently(context, packet):
            return frame
    raise damaged(kind, 0)


def _decode_leniently(context: Any, packet: Any) -> list[Any]:
    """Decode a packet whose forerunners the decoder may not have seen; nothing when it can't."""
    try:
        return list(context.decode(packet))
    except av.error.FFmpegError:
        return []


def changed(kind: str) -> AudioError:
    return AudioError(
        "format-changes",
        f"This {NAMES[kind]} file changes its sample rate or channels on the way. Convert it to WAV, or upload its "
        "parts one by one.",
    )


def _chained(kind: str) -> AudioError:
    return AudioError(
        "several-streams",
        f"This {NAMES[kind]} file holds several recordings one behind the other. Convert it to WAV, or upload its "
        "parts one by one.",
    )


def _check_mp3_is_whole(path: Path, packets: int) -> None:
    """Compare the number of frames in the Xing or Info header, where there is one, with those found."""
    head = mp3_head(path)
    length = mp3_frame_length(head)
    for mark in (b"Xing", b"Info"):
        found = head.find(mark, 4, 4 + 40)
        if not length or found < 0 or found + 12 > len(head):
            continue
        flags, stated = int.from_bytes(head[found + 4 : found + 8]), int.from_bytes(head[found + 8 : found + 12])
        # encoders disagree whether the header's own frame counts, and a last frame may be cut by a tagger
        if flags & 1 and packets < stated - max(8, stated // 1000):
            raise AudioError(
                "truncated-mp3",
                f"This MP3 stops before its end: {packets / stated:.0%} of it is there. Copy it from where it was "
                "recorded again.",
            )


def decode(coded: Coded, *, rate: int, max_frames: int) -> Iterator[Any]:
    """Decode front to back: yields FFmpeg's frames, and for a hole in an MP4's time a whole number of silent samples.

    Raises AudioError when a packet is damaged, when time jumps in a way that no writer means, and beyond `max_frames`.
    """
    step = Fraction(coded.stream.time_base) * rate
    over, under, gap = step.numerator, step.denominator, round(GAP_S * rate)
    start: int | None = None
    done = 0
    for frame in _frames(coded):  # some 200,000 times for a session: whole numbers only
        pts: int | None = frame.pts
        hole = 0
        if pts is not None:
            start = pts if start is None else start
            hole = (pts - start) * over // under - done
            if hole < -gap:
                raise _chained(coded.kind)
            if hole <= gap:
                hole = 0
            elif coded.kind == "mp4":  # its writers skip time on purpose, when a call or a device falls silent
                done += hole
            else:  # a page is lost
                raise damaged(coded.kind, done / rate)
        done += frame.samples
        if done > max_frames:
            raise AudioError(
                "too-long",
                f"This file goes on after {clock(max_frames / rate)}. Cut it into parts and upload each by itself.",
            )
        if hole:
            yield hole
        yield frame
    if not done:
        raise damaged(coded.kind, 0)


def _frames(coded: Coded) -> Iterator[Any]:
    context, decode_packet = coded.stream.codec_context, coded.stream.codec_context.decode
    rejected: Exception | None = None
    at: int | None = 0

    def broken() -> AudioError:
        return damaged(coded.kind, max(0.0, float((at or 0) * coded.stream.time_base)))

    for packet in coded.container.demux(coded.stream):
        if not packet.size:
            continue
        if rejected is not None or packet.is_corrupt:
            raise broken() from rejected
        at = packet.pts
        try:
            yield from decode_packet(packet)
        except av.error.FFmpegError as error:
            rejected = error
    if rejected is not None and coded.kind != "mp3":  # a tag behind an MP3's last frame can look like another frame
        raise broken() from rejected
    yield from context.decode(None)
