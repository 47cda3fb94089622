"""Cut clips from a recording: 16-bit mono WAV, sample-exact, the same bytes every time."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from annotation.audio.decode import Block, Master, open_master
from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits, clock
from annotation.audio.timing import frames_at, ms_at
from annotation.audio.whole import whole_file

__all__ = ["ClipFacts", "Span", "cut", "frames_at"]

MARGIN_S = 0.05  # sound on either side that the resampler hears, so that a clip's edges are those of the recording
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording's own time, half-open, and the clip's place below the folder: `Group1/cut_7.wav`."""

    start_ms: int
    end_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class ClipFacts:
    name: str
    start_ms: int
    end_ms: int
    rate: int
    frames: int
    size_bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cut(
    master: Path,
    spans: Sequence[Span],
    folder: Path,
    *,
    rate: int = 16_000,
    limits: AudioLimits | None = None,
    progress: Progress | None = None,
) -> list[ClipFacts]:
    """Cut every span of a recording into a mono WAV at `rate` below `folder`; return their facts in the order asked.

    A clip is the slice [frames_at(start_ms, rate), frames_at(end_ms, rate)) of the whole recording resampled to `rate`,
    so clips that adjoin in time adjoin in sound. Its gain is the recording's; channels are averaged, so nothing clips.
    WAV and FLAC are sought, other recordings are decoded once, whatever the order and overlap of the spans.
    Raises AudioError for a span that is empty or ends after the recording, and for a name that leaves the folder.
    """
    opened = open_master(master, limits=limits)
    places = [_place(folder, span.name) for span in spans]
    if len(set(places)) < len(places):
        raise AudioError("clip-name-twice", "Two clips have the same name. Give every clip a name of its own.")
    for span in spans:
        _check_span(span, opened)
    report = progress or (lambda share: None)
    cuts = [_Cut(span, place, opened, rate) for span, place in zip(spans, places, strict=True)]
    if opened.seekable:
        for done, one in enumerate(cuts, 1):
            _cut_along(
                opened.blocks(max(0, one.first), one.last), max(0, one.first), [one], opened.rate, lambda at: None
            )
            report(done / len(cuts))
    else:
        end = max((one.last for one in cuts), default=0)
        _cut_along(opened.blocks(0, end), 0, cuts, opened.rate, lambda at: report(min(1.0, at / end)))
    return [one.facts() for one in cuts]


def _check_span(span: Span, master: Master) -> None:
    if not 0 <= span.start_ms < span.end_ms:
        raise AudioError(
            "bad-span",
            f"A clip starts before it ends and not before 0; this one runs from {span.start_ms} to {span.end_ms} ms.",
        )
    if master.frames is not None and frames_at(span.end_ms, master.rate) > master.frames:
        raise _past_end(span, master.frames, master.rate)


def _past_end(span: Span, frames: int, rate: int) -> AudioError:
    return AudioError(
        "span-past-end",
        f"The clip {span.name} ends at {span.end_ms} ms and the recording at {ms_at(frames, rate)} ms "
        f"({clock(frames / rate)}). Move its end into the recording.",
    )


def _place(folder: Path, name: str) -> Path:
    """Return where a clip goes; AudioError when that is not below the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or any(part.startswith(".") for part in parts):
        raise AudioError(
            "bad-clip-name", "A clip's name is a plain file name, or folders and a file name below the target."
        )
    return folder.joinpath(*parts)


def _cut_along(
    blocks: Iterable[Block], at: int, cuts: Sequence[_Cut], rate: int, report: Callable[[int], None]
) -> None:
    """Feed clips from blocks that begin at source frame `at`; between blocks only clips that cross a seam are open."""
    waiting = sorted(cuts, key=lambda one: one.first, reverse=True)
    opened: list[_Cut] = []

    def feed(one: _Cut, block: Block) -> None:
        one.feed(at, block)
        if one.last <= at + len(block):
            one.finish()
            opened.remove(one)

    try:
        for block in blocks:
            for one in tuple(opened):
                feed(one, block)
            while waiting and waiting[-1].first < at + len(block):
                opened.append(waiting.pop())
                opened[-1].open()
                feed(opened[-1], block)
            at += len(block)
            report(at)
        for one in [*opened, *waiting]:
            # the recording ended: what is missing is at most the margin
            if frames_at(one.span.end_ms, rate) > at:
                raise _past_end(one.span, at, rate)
            one.finish()
            opened.remove(one)
    except BaseException as error:
        for one in opened:
            one.abandon(error)
        raise


class _Cut:
    """One clip in the making: takes blocks as they come, resamples, writes."""

    def __init__(self, span: Span, place: Path, master: Master, rate: int) -> None:
        self.span, self.place, self.rate, self.source_rate = span, place, rate, master.rate
        self.start, self.stop = frames_at(span.start_ms, rate), frames_at(span.end_ms, rate)
        # begin where a source frame and an output sample fall together, MARGIN_S or more ahead
        common = math.gcd(master.rate, rate)
        source_step, step = master.rate // common, rate // common
        margin = math.ceil(MARGIN_S * rate)
        grid = (self.start - margin) // step
        self.first = grid * source_step
        self.last = frames_at(span.end_ms, master.rate) + math.ceil(MARGIN_S * master.rate)
        self.skip = self.start - grid * step
        self.left = self.frames = self.stop - self.start
        self.at = self.first
        self._files = ExitStack()
        self.stream: Any = None

    def open(self) -> None:
        if self.source_rate != self.rate:
            self.stream = soxr.ResampleStream(self.source_rate, self.rate, 1, dtype="float64", quality="VHQ")
        self._part = self._files.enter_context(whole_file(self.place))
        self._file: BinaryIO = self._files.enter_context(self._part.open("wb"))
        self._digest = hashlib.sha256()
        self._write(wav_header(self.rate, self.frames))
        if self.first < 0:  # before the recording there is silence
            self._resample(np.zeros(-self.first))
            self.at = 0

    def feed(self, at: int, block: Block) -> None:
        """Take what this clip needs of a block that starts at source frame `at`."""
        wanted = block[max(0, self.at - at) : max(0, self.last - at)]
        if len(wanted):
            self.at += len(wanted)
            self._resample(wanted.mean(axis=1, dtype=np.float64))

    def finish(self) -> None:
        # after the recording there is silence; the resampler holds back as much as its filter is long
        self._resample(np.zeros(max(0, self.last - self.at) + self.source_rate // 10))
        if self.stream is not None:
            self._take(self.stream.resample_chunk(np.empty(0), last=True))
            self.stream = None  # some megabytes each
        assert self.left == 0
        self._files.close()

    def abandon(self, error: BaseException) -> None:
        """Leave nothing of a clip that came to nothing."""
        self._files.__exit__(type(error), error, None)

    def _resample(self, samples: NDArray[np.float64]) -> None:
        if self.left:
            self._take(samples if self.stream is None else self.stream.resample_chunk(samples))

    def _take(self, samples: NDArray[np.float64]) -> None:
        skipped = min(self.skip, len(samples))
        self.skip -= skipped
        samples = samples[skipped : skipped + self.left]
        self.left -= len(samples)
        self._write(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())

    def _write(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)

    def facts(self) -> ClipFacts:
        return ClipFacts(
            name=self.span.name,
            start_ms=self.span.start_ms,
            end_ms=self.span.end_ms,
            rate=self.rate,
            frames=self.frames,
            size_bytes=44 + 2 * self.frames,
            sha256=self._digest.hexdigest(),
        )


def wav_header(rate: int, frames: int, *, channels: int = 1) -> bytes:
    """Return the plain 44-byte header of a 16-bit WAV."""
    width = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + frames * width, b"WAVE"),
        *(b"fmt ", 16, 1, channels, rate, rate * width, width, 16),
        *(b"data", frames * width),
    )
