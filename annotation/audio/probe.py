"""What a recording is, told from its bytes: container, codec, rate, channels, length; and whether it is all there."""

from __future__ import annotations

from pathlib import Path

from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioFacts, AudioLimits, clock
from annotation.audio.riff import CODECS, read_layout
from annotation.audio.sniff import id3_length, read_head, sniff
from annotation.audio.timing import ms_at

FLAC_TAIL = 1 << 16  # frames; larger than any FLAC frame


def probe(path: Path, *, limits: AudioLimits | None = None) -> AudioFacts:
    """Return the facts of a recording without decoding it; AudioError when it is none, is broken, or exceeds `limits`.

    A WAV's chunks are read here. For FLAC the last frames are decoded, for MP3, Ogg and MP4 all packets are counted and
    those at both ends decoded: a file that was cut short is found, damage in the middle is not (`decode` finds it).
    """
    limits = limits or AudioLimits()
    kind = sniff(path)
    if kind in ("wav", "rf64"):
        layout = read_layout(path)
        codec, rate, channels, frames = CODECS[layout.encoding], layout.rate, layout.channels, layout.frames
    elif kind == "flac" and (stated := _flac_header(path))[2]:
        codec = "flac"
        rate, channels, frames = stated
        limits.check(rate=rate, channels=channels, frames=frames)
        _check_flac_is_whole(path, rate, frames)
    else:
        from annotation.audio.coded import measure  # FFmpeg's libraries are loaded for the files that need them

        shape = measure(path, kind)
        codec, rate, channels, frames = shape.codec, shape.rate, shape.channels, shape.frames
    limits.check(rate=rate, channels=channels, frames=frames)
    return AudioFacts(
        container=kind,
        codec=codec,
        sample_rate=rate,
        channels=channels,
        frames=frames,
        duration_ms=ms_at(frames, rate),
        size_bytes=path.stat().st_size,
    )


def _flac_header(path: Path) -> tuple[int, int, int]:
    """Return rate, channels and frames from STREAMINFO (RFC 9639, section 8.2); frames is 0 when it was not known."""
    head, _ = read_head(path)
    at = id3_length(head)
    with path.open("rb") as file:
        file.seek(at)
        head = file.read(42)
    if head[:4] != b"fLaC":  # behind several tags; FFmpeg finds its way
        return 0, 0, 0
    if len(head) < 42 or head[4] & 0x7F:
        raise AudioError(
            "truncated-flac", "This FLAC file stops within its header. Copy it from where it was recorded again."
        )
    packed = int.from_bytes(head[18:26])
    return packed >> 44, (packed >> 41 & 7) + 1, packed & (1 << 36) - 1


def _check_flac_is_whole(path: Path, rate: int, frames: int) -> None:
    from annotation.audio.coded import damaged

    tail = min(frames, FLAC_TAIL)
    if _flac_decodes(path, 0, min(tail, 16)) and _flac_decodes(path, frames - tail, tail):
        return
    low, high = 0, frames
    while high - low > rate:  # to the second: where does the sound stop?
        middle = (low + high) // 2
        low, high = (middle, high) if _flac_decodes(path, middle, 16) else (low, middle)
    if not low or high > frames - rate:
        raise damaged("flac", low / rate)
    raise AudioError(
        "truncated-flac",
        f"This FLAC file should last {clock(frames / rate)} and stops near {clock(low / rate)}: "
        "the copy was cut short. Copy it from where it was recorded again.",
    )


def _flac_decodes(path: Path, at: int, count: int) -> bool:
    import soundfile  # numpy comes with it, and a WAV needs neither

    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(at)
            return len(file.read(count, dtype="int16", always_2d=True)) == count
    except (soundfile.LibsndfileError, RuntimeError):
        return False
