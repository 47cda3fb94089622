"""Read the chunks of a WAV, RF64 or BW64 file: what the samples are and where they lie.

WAV after Microsoft's multimedia programming interface 1.0 (1991) and WAVEFORMATEXTENSIBLE; RF64 after EBU Tech 3306
(2009), BW64 after ITU-R BS.2088.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from annotation.audio.errors import AudioError
from annotation.audio.facts import clock

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
# What programs write when they stream and can't come back to fill in the length: ffmpeg, nothing at all, arecord, sox.
PLACEHOLDERS = frozenset({0xFFFFFFFF, 0, 0x7FFFFFFF, 0x80000000, 0x7FFFF000})
ENCODINGS = {
    (PCM, 8): "u1",
    (PCM, 16): "<i2",
    (PCM, 24): "i3",
    (PCM, 32): "<i4",
    (FLOAT, 32): "<f4",
    (FLOAT, 64): "<f8",
}
CODECS = {
    "u1": "pcm_u8",
    "<i2": "pcm_s16le",
    "i3": "pcm_s24le",
    "<i4": "pcm_s32le",
    "<f4": "pcm_f32le",
    "<f8": "pcm_f64le",
}
MAX_CHUNKS = 1_000
GIB_4 = 1 << 32


@dataclass(frozen=True, slots=True)
class WavLayout:
    """How to read the samples: `encoding` is a numpy type, or i3 for packed 24-bit integers."""

    container: str
    encoding: str
    rate: int
    channels: int
    data_at: int
    frames: int

    @property
    def bytes_per_frame(self) -> int:
        return int(self.encoding[-1]) * self.channels


def read_layout(path: Path) -> WavLayout:
    """Return where and how a WAV file's samples lie; AudioError when its header is broken or lies."""
    size = path.stat().st_size
    with path.open("rb") as file:
        opening = file.read(12)
        container = "wav" if opening[:4] == b"RIFF" else "rf64"
        fmt = b""
        data64: int | None = None
        for _ in range(MAX_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                raise _no_data(fmt)
            name, length = head[:4], struct.unpack("<I", head[4:])[0]
            at = file.tell()
            if name == b"data":
                if not fmt:
                    raise AudioError(
                        "wav-no-format",
                        "This WAV says nothing about its samples (no fmt chunk). "
                        "Export it again from where it was recorded.",
                    )
                return _layout(container, fmt, at, _data_length(file, at, size, length, data64, fmt, container))
            if name == b"fmt ":
                fmt = file.read(min(length, 64))
            elif name == b"ds64" and container == "rf64":
                data64 = _data64(file.read(min(length, 28)))
            if at + length > size:
                raise AudioError(
                    "wav-header", "This WAV's header is damaged. Export it again from where it was recorded."
                )
            file.seek(at + length + (length & 1))
    raise AudioError(
        "wav-header",
        f"This WAV has over {MAX_CHUNKS} chunks before its sound. Export it again from where it was recorded.",
    )


def _no_data(fmt: bytes) -> AudioError:
    if fmt:
        return AudioError("wav-no-data", "This WAV ends before its sound begins. Copy it from the recorder again.")
    return AudioError("wav-header", "This WAV's header is damaged. Export it again from where it was recorded.")


def _data64(ds64: bytes) -> int | None:
    if len(ds64) < 16:
        raise AudioError(
            "wav-header", "This RF64 file's size table is damaged. Export it again from where it was recorded."
        )
    length: int = struct.unpack_from("<Q", ds64, 8)[0]
    return length


def _data_length(
    file: BinaryIO, at: int, size: int, length: int, data64: int | None, fmt: bytes, container: str
) -> int:
    """Return how many bytes of sound there are, from the header where it can be believed."""
    present = size - at
    if container == "rf64" and length == 0xFFFFFFFF and data64 is not None:
        if data64 in (0, (1 << 64) - 1):
            return present
        length = data64
    elif length in PLACEHOLDERS:
        return present
    elif size > GIB_4:
        # over 4 GiB a plain WAV's length wraps around: the whole turns that are missing lie in the file
        length += (present - length) // GIB_4 * GIB_4
    if length > present:
        per_second = max(1, struct.unpack_from("<I", fmt.ljust(16, b"\0"), 8)[0])
        raise AudioError(
            "wav-longer-than-file",
            f"This WAV's header promises {clock(length / per_second)} of sound and the file holds "
            f"{clock(present / per_second)}: the copy was cut short. Copy it from the recorder again.",
        )
    return length


def _layout(container: str, fmt: bytes, at: int, length: int) -> WavLayout:
    if len(fmt) < 16:
        raise AudioError("wav-header", "This WAV's header is damaged. Export it again from where it was recorded.")
    tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == EXTENSIBLE and len(fmt) >= 26:
        tag = struct.unpack_from("<H", fmt, 24)[0]
    if channels == 0:
        raise AudioError(
            "no-channels", "This WAV claims to have no channels. Export it again from where it was recorded."
        )
    if rate == 0:
        raise AudioError(
            "wav-no-rate", "This WAV claims no samples a second. Export it again from where it was recorded."
        )
    if tag not in (PCM, FLOAT):
        raise AudioError(
            "unsupported-codec",
            f"This WAV holds compressed sound (format {tag:#06x}). Export it as plain PCM WAV, or as FLAC.",
        )
    if align == 0 or align % channels:
        raise _bad_align(align, channels, bits)
    # 12 or 20 bits lie left-justified in a whole number of bytes
    encoding = ENCODINGS.get((tag, align // channels * 8))
    if encoding is None or not align // channels * 8 - 8 < bits <= align // channels * 8:
        raise _bad_align(align, channels, bits)
    return WavLayout(container, encoding, rate, channels, at, length // align)


def _bad_align(align: int, channels: int, bits: int) -> AudioError:
    return AudioError(
        "wav-block-align",
        f"This WAV's header contradicts itself: {align} bytes a frame for {channels} channels of {bits} bits. "
        "Export it again from where it was recorded.",
    )
