"""Decode a recording in blocks of 16-bit frames, whatever its container: the one way in which samples are read.

WAV and RF64 are read by numpy from where `riff` found the samples, FLAC by libsndfile, all else by FFmpeg. Samples with
more than 16 bits are rounded to 16, float beyond full scale is clipped; nothing is dithered or normalised, so the same
file gives the same samples every time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from annotation.audio.coded import changed, damaged, decode, open_coded, shape_of
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits, clock
from annotation.audio.riff import WavLayout, read_layout
from annotation.audio.sniff import sniff

GULP = 1 << 16  # frames that FFmpeg's queue gathers before numpy takes them over
PLANAR = {"u8": "u1", "s16": "<i2", "s32": "<i4", "flt": "<f4", "dbl": "<f8"}  # FFmpeg's sample formats
BLOCK = 1 << 18  # frames; smaller pays for Python, larger falls out of the cache

Block = NDArray[np.int16]


class Master(ABC):
    """An uploaded recording, ready to be read."""

    path: Path
    container: str
    rate: int
    channels: int
    frames: int | None  # None: only known once it is decoded
    about: int  # frames, as far as the header tells; enough for a progress bar
    seekable: bool

    @abstractmethod
    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Yield the frames [start, stop) as arrays of shape (n, channels), n = BLOCK but for the last.

        Raises AudioError when the sound is damaged, or ends before the length that its header states.
        """

    def ends_early(self, at: int) -> AudioError:
        return AudioError(
            f"truncated-{self.container}",
            f"This file stops at {clock(at / self.rate)}, before its own stated end. "
            "Copy it from where it was recorded again.",
        )


def open_master(path: Path, *, limits: AudioLimits | None = None) -> Master:
    """Read a recording's header and return it ready for `blocks`; AudioError when it is not a recording.

    `limits` bounds what a compressed file may swell to.
    """
    limits = limits or AudioLimits()
    kind = sniff(path)
    if kind in ("wav", "rf64"):
        return WavMaster(path, read_layout(path))
    if kind == "flac":
        flac = FlacMaster(path)
        if flac.frames:
            return flac
    return CodedMaster(path, kind, limits)


class WavMaster(Master):
    seekable = True

    def __init__(self, path: Path, layout: WavLayout) -> None:
        self.path, self.layout = path, layout
        self.container, self.rate, self.channels = layout.container, layout.rate, layout.channels
        self.frames = self.about = layout.frames

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        layout = self.layout
        stop = layout.frames if stop is None else min(stop, layout.frames)
        with self.path.open("rb", buffering=0) as file:
            file.seek(layout.data_at + start * layout.bytes_per_frame)
            for at in range(start, stop, BLOCK):
                count = min(BLOCK, stop - at)
                raw = np.empty(count * layout.bytes_per_frame, np.uint8)
                view, got = memoryview(raw.data), 0
                while got < len(view):
                    step = file.readinto(view[got:])
                    if not step:
                        raise self.ends_early(at)
                    got += step
                yield to_int16(raw, layout.encoding).reshape(count, layout.channels)


class FlacMaster(Master):
    container = "flac"
    seekable = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            self.rate, self.channels = file.samplerate, file.channels
            # libsndfile says 2^63 - 1 where the header leaves the length open, as streaming encoders do
            self.frames = None if file.frames in (0, 2**63 - 1) else file.frames
            self.about = self.frames or 0
            # libsndfile cuts deeper samples down; they are read whole and rounded, as those of a WAV
            self.deep = file.subtype not in ("PCM_16", "PCM_S8")

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(str(self.path))
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise damaged("flac") from error

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        assert self.frames is not None
        stop = self.frames if stop is None else min(stop, self.frames)
        at = start
        with self._open() as file:
            try:
                if start:
                    file.seek(start)
                while at < stop:
                    count = min(BLOCK, stop - at)
                    block = file.read(count, dtype="int32" if self.deep else "int16", always_2d=True)
                    if len(block) < count:
                        raise self.ends_early(at + len(block))
                    yield to_int16(block, "<i4") if self.deep else block
                    at += count
            except soundfile.LibsndfileError as error:
                raise damaged("flac", at / self.rate) from error


class CodedMaster(Master):
    seekable = False
    frames = None

    def __init__(self, path: Path, kind: str, limits: AudioLimits) -> None:
        self.path, self.container, self.limits = path, kind, limits
        with open_coded(path, kind) as coded:
            self.rate, self.channels = shape_of(coded)
            self.about = round((coded.container.duration or 0) / 1_000_000 * self.rate)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Decode from the beginning whatever `start` is: a seek would not land on the sample."""
        at = 0
        for block in ahead(_even(self._pieces())):
            first, last = max(0, start - at), len(block) if stop is None else min(len(block), stop - at)
            if first < last:
                yield block[first:last]
            at += len(block)
            if stop is not None and at >= stop:
                return

    def _pieces(self) -> Iterator[Block]:
        with open_coded(self.path, self.container) as coded:
            fifo = av.AudioFifo()
            for frame in decode(coded, rate=self.rate, max_frames=self.limits.max_frames(self.rate) + self.rate):
                if isinstance(frame, int):
                    yield from self._drain(fifo)
                    for at in range(0, frame, BLOCK):
                        yield np.zeros((min(BLOCK, frame - at), self.channels), np.int16)
                    continue
                frame.pts = None  # the queue insists on stamps without holes; holes are filled above
                try:
                    fifo.write(frame)
                except ValueError as error:  # another format, layout or rate than the frames before
                    raise changed(self.container) from error
                if fifo.samples >= GULP:
                    yield from self._drain(fifo)
            yield from self._drain(fifo)

    def _drain(self, fifo: av.AudioFifo) -> Iterator[Block]:
        if not fifo.samples:
            return
        frame = fifo.read(fifo.samples)
        assert frame is not None
        if (frame.sample_rate, frame.layout.nb_channels) != (self.rate, self.channels):
            raise changed(self.container)
        planes, encoding = frame.to_ndarray(), PLANAR[frame.format.name.removesuffix("p")]
        if not frame.format.is_planar:
            yield to_int16(planes.reshape(-1), encoding).reshape(-1, self.channels)
            return
        block = np.empty((planes.shape[1], self.channels), np.int16)
        for channel, plane in enumerate(planes):  # a quarter of the time that turning the whole array takes
            block[:, channel] = to_int16(plane, encoding)
        yield block


def to_int16(samples: NDArray[Any], encoding: str) -> Block:
    """Bring samples of a WAV encoding, or its raw bytes, to 16 bits: rounded, clipped, silence where no number is."""
    if encoding == "i3":
        triples = samples.view(np.uint8).reshape(-1, 3)
        # the top two bytes are the 16-bit sample; the third says whether to round up
        high = np.ascontiguousarray(triples[:, 1:]).view("<i2").reshape(-1)
        return _round_up(high, triples[:, 0] >> 7)
    if samples.dtype == np.uint8:
        samples = samples.view(encoding)
    if encoding == "<i2":
        return np.ascontiguousarray(samples, np.int16)
    if encoding == "u1":
        return (samples.astype(np.int16) - 128) << 8
    if encoding == "<i4":
        return _round_up((samples >> 16).astype(np.int16), samples >> 15 & 1)
    scaled = samples * samples.dtype.type(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    if np.isnan(scaled.sum()):
        np.nan_to_num(scaled, copy=False)
    rounded: Block = scaled.astype(np.int16)
    return rounded


def _round_up(high: Block, carry: NDArray[Any]) -> Block:
    up: Block = (carry.astype(np.bool_) & (high < 32767)).astype(np.int16)
    return high + up


def _even(pieces: Iterator[Block]) -> Iterator[Block]:
    """Gather pieces of any length into blocks of BLOCK frames."""
    room: Block | None = None
    filled = 0
    for piece in pieces:
        while len(piece):
            if room is None:
                room, filled = np.empty((BLOCK, piece.shape[1]), np.int16), 0
            count = min(len(piece), BLOCK - filled)
            room[filled : filled + count] = piece[:count]
            piece, filled = piece[count:], filled + count
            if filled == BLOCK:
                yield room
                room = None
    if room is not None:
        yield room[:filled]


def ahead(blocks: Iterator[Block], depth: int = 4) -> Iterator[Block]:
    """Let a second thread run `blocks` a few blocks ahead: decoders and numpy release the interpreter meanwhile."""
    queue: Queue[Block | BaseException | None] = Queue(depth)
    unwanted = Event()

    def put(thing: Block | BaseException | None) -> None:
        while not unwanted.is_set():
            with suppress(Full):
                queue.put(thing, timeout=0.1)
                return

    def work() -> None:
        try:
            for block in blocks:
                put(block)
                if unwanted.is_set():
                    break
        except BaseException as error:  # it is raised again where the blocks are wanted
            put(error)
        put(None)

    thread = Thread(target=work, name="decode-ahead", daemon=True)
    thread.start()
    try:
        while (thing := queue.get()) is not None:
            if isinstance(thing, BaseException):
                raise thing
            yield thing
    finally:
        unwanted.set()
        thread.join()
