"""Tell a file's container from its first bytes, before any library sees it."""

from __future__ import annotations

import stat
from pathlib import Path

from annotation.audio.errors import AudioError

CONTAINERS = ("wav", "rf64", "flac", "mp3", "ogg", "mp4")
TAKEN = "WAV, FLAC, MP3, OGG or M4A"
HEAD = 4096

# Known strangers: first bytes, code, what it is, what to do.
STRANGERS: tuple[tuple[bytes, str, str, str], ...] = (
    (b"PK\x03\x04", "archive", "a zip archive", "Unpack it and upload the recording inside"),
    (b"PK\x05\x06", "archive", "an empty zip archive", "Upload the recording itself"),
    (b"\x1f\x8b", "archive", "a gzip archive", "Unpack it and upload the recording inside"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "a 7z archive", "Unpack it and upload the recording inside"),
    (b"Rar!", "archive", "a rar archive", "Unpack it and upload the recording inside"),
    (b"FORM", "unsupported-format", "an AIFF file", f"Export it as {TAKEN}"),
    (b"caff", "unsupported-format", "a CAF file", f"Export it as {TAKEN}"),
    (b"RIFX", "unsupported-format", "a big-endian WAV file", "Export it as an ordinary WAV"),
    (b"riff\x2e\x91", "unsupported-format", "a Wave64 file", "Export it as WAV (RF64 when it is larger than 4 GB)"),
    (b"\x1a\x45\xdf\xa3", "unsupported-format", "a WebM or Matroska file", f"Convert it to {TAKEN}"),
    (b"\x30\x26\xb2\x75", "unsupported-format", "a Windows Media file", f"Convert it to {TAKEN}"),
    (b"#!AMR", "unsupported-format", "an AMR voice note", f"Convert it to {TAKEN}"),
    (b"%PDF", "not-audio", "a PDF document", "Choose the recording itself"),
    (b"\x89PNG", "not-audio", "a picture", "Choose the recording itself"),
    (b"\xff\xd8\xff", "not-audio", "a picture", "Choose the recording itself"),
    (b"GIF8", "not-audio", "a picture", "Choose the recording itself"),
)
PLAYLISTS = (b"#extm3u", b"[playlist]", b"ffconcat version", b"<?wpl", b"<asx", b"<playlist")
MARKUP = (b"<?xml", b"<svg", b"<html", b"<!doctype", b"<script", b"<!--")


def read_head(path: Path) -> tuple[bytes, int]:
    """Return a file's first bytes and its size; AudioError when it is not a file, or is empty."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AudioError("not-a-file", "This is not a file. Choose the recording itself.")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError as error:
        raise AudioError("missing-file", "The file is not there any more. Upload the recording again.") from error
    except OSError as error:
        raise AudioError(
            "unreadable-file", "The file can't be read. Check its permissions, or upload it again."
        ) from error
    if not head:
        raise AudioError(
            "empty-file", "This file is empty (0 bytes). Check that the recording was saved, then upload it again."
        )
    return head, status.st_size


def sniff(path: Path) -> str:
    """Return the container (one of CONTAINERS) that the first bytes name; AudioError for anything else."""
    head, size = read_head(path)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "rf64"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:3] == b"ID3" and len(head) >= 10:
        behind = _behind_id3(path, head, size)
        if behind[:4] == b"fLaC":
            return "flac"
        if _starts_mp3(behind):
            return "mp3"
        raise AudioError(
            "unknown-format",
            f"This file has a music tag but no MP3 or FLAC sound behind it. Export it again as {TAKEN}.",
        )
    _refuse_strangers(head)
    if _starts_mp3(head):
        return "mp3"
    raise AudioError("unknown-format", f"This is not a sound file that is known here. Export the recording as {TAKEN}.")


def id3_length(head: bytes) -> int:
    """Return the length of the ID3v2 tag at the start of `head` (ID3v2.4 structure, section 3.1); 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _behind_id3(path: Path, head: bytes, size: int) -> bytes:
    """Return the bytes behind the ID3v2 tags, their padding skipped."""
    at = 0
    with path.open("rb") as file:
        for _ in range(8):  # some taggers leave several tags in a row
            length = id3_length(head)
            if not length or at + length >= size:
                break
            at += length
            file.seek(at)
            head = file.read(HEAD)
    return head.lstrip(b"\0")


def mp3_head(path: Path) -> bytes:
    """Return the first bytes of an MP3's first frame."""
    head, size = read_head(path)
    return _behind_id3(path, head, size)


BITRATES = {  # kbit/s of layer III; ISO 11172-3 table B.1 and ISO 13818-3
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44_100, 48_000, 32_000)


def mp3_frame_length(header: bytes) -> int:
    """Return the length in bytes of the layer III frame that starts here, 0 when none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return 0
    kbps = BITRATES[1 if version == 3 else 2][bitrate]
    samples_per_second = RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if version == 3 else 72) * kbps * 1000 // samples_per_second + padding


def _starts_mp3(head: bytes) -> bool:
    """Say whether two layer III frames follow one another here: one alone is too easily random bytes."""
    length = mp3_frame_length(head)
    if not length:
        return False
    following = head[length : length + 4]
    return not following or mp3_frame_length(following) > 0


def _refuse_strangers(head: bytes) -> None:
    for magic, code, name, mend in STRANGERS:
        if head.startswith(magic):
            raise AudioError(code, f"This is {name}, not a recording that can be read here. {mend}.")
    if head[:4] == b"RIFF":
        raise AudioError(
            "unsupported-format",
            f"This RIFF file holds no WAVE sound (it may be a video). Export the sound as {TAKEN}.",
        )
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        raise AudioError("unsupported-format", "This is bare AAC without a container. Convert it to M4A.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(PLAYLISTS):
        raise AudioError(
            "playlist", "This is a playlist: it names recordings and holds none. Upload the recording itself."
        )
    if text.startswith(MARKUP):
        raise AudioError(
            "not-audio",
            "This is a web page or drawing (HTML, XML or SVG), not a recording. Choose the recording itself.",
        )
    if _is_text(head):
        raise AudioError("text-file", "This is a text file, whatever its name says. Choose the recording itself.")
    if not head.strip(b"\0"):
        raise AudioError(
            "zeroed-file",
            "This file begins with nothing but zeros: the copy went wrong. Copy it from the recorder again.",
        )


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return head[:2] in (b"\xff\xfe", b"\xfe\xff") and not _starts_mp3(head)
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a character cut at the end of the head is no stain
            return False
        text = head[: error.start].decode("utf-8")
    return bool(text) and all(sign.isprintable() or sign in "\t\r\n\f" for sign in text)
