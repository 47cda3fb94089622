"""Cut a moment out of a recording for the ear: 16-bit WAV at the recording's own rate, exact to the frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.audio.clip import MARGIN_S, wav_header
from annotation.audio.decode import Block, open_master
from annotation.audio.facts import AudioLimits
from annotation.audio.whole import whole_file

HEARD = 2  # channels: those of more are folded, as for the proxy


@dataclass(frozen=True, slots=True)
class ExcerptFacts:
    """What was cut; `exact` when its samples are the recording's own, and not those of its playback copy."""

    rate: int
    channels: int
    frames: int
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cut(
    master: Path,
    out: Path,
    *,
    start: int,
    stop: int,
    rate: int,
    channels: int,
    proxy: Path | None = None,
    limits: AudioLimits | None = None,
) -> ExcerptFacts:
    """Write the frames [start, stop) of a recording of this rate and these channels to `out`, which appears whole.

    WAV and FLAC are sought and give their own samples. What can only be decoded from its beginning is cut from its
    proxy, which is in time with it to the sample, and from itself while there is none. Raises AudioError when the
    sound is damaged, or ends before `stop`.
    """
    opened = open_master(master, limits=limits)
    heard = min(channels, HEARD)
    exact = opened.seekable or proxy is None
    blocks: Iterable[Block]
    if exact:
        blocks = _folded(opened.blocks(start, stop)) if channels > HEARD else opened.blocks(start, stop)
    else:
        assert proxy is not None
        blocks = [_from_proxy(proxy, start, stop, rate)]
    frames = 0
    with whole_file(out) as part, part.open("wb") as file:
        file.write(wav_header(rate, stop - start, channels=heard))
        for block in blocks:
            frames += len(block)
            file.write(block.astype("<i2", copy=False).tobytes())
        if frames != stop - start:
            raise opened.ends_early(start + frames)
    return ExcerptFacts(rate, heard, frames, exact)


def _folded(blocks: Iterator[Block]) -> Iterator[Block]:
    from annotation.audio.proxy import fold  # FFmpeg's libraries come with it: a tenth of a second that few need

    return (fold(block, HEARD) for block in blocks)


def _from_proxy(path: Path, start: int, stop: int, rate: int) -> Block:
    """Decode frames of a recording from its proxy, brought to the recording's rate where the proxy has another."""
    import soxr

    from annotation.audio.proxy import opened, sound_between

    with opened(path) as (container, stream):
        common = math.gcd(rate, stream.rate)
        step, own_step = rate // common, stream.rate // common
        if step == own_step:
            return _rounded(sound_between(container, stream, start, stop))
        # begin where a frame of the proxy and one of the recording fall together, MARGIN_S or more ahead
        grid = (start - math.ceil(MARGIN_S * rate)) // step
        last = math.ceil((stop / rate + MARGIN_S) * stream.rate)
        sound = sound_between(container, stream, grid * own_step, last)
        sound = soxr.resample(sound, stream.rate, rate, quality="VHQ")
    return _rounded(sound[start - grid * step :][: stop - start])


def _rounded(sound: NDArray[np.float32]) -> Block:
    rounded: Block = np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)
    return rounded
