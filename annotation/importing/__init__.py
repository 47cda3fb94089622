"""Transcripts in: one module per format, each turning text into the rows of a layer."""

from pathlib import Path
from typing import Protocol

from annotation.importing import jsonl, textgrid
from annotation.importing.rows import Imported, TranscriptError


class Format(Protocol):
    """What a format's module offers."""

    def looks_like(self, data: bytes) -> bool:
        """Whether these bytes are of this format."""

    def read(self, data: bytes, lanes: dict[str, str]) -> Imported:
        """Rows, repairs and losses."""


FORMATS: dict[str, Format] = {"jsonl": jsonl, "textgrid": textgrid}
MAX_BYTES = 64 * 2**20


def read_transcript(path: Path, *, format: str | None = None, lanes: dict[str, str] | None = None) -> Imported:
    """Read a transcript; its format is told by its content unless it is named.

    `lanes` maps a speaker's or tier's name to a lane. Raises TranscriptError with a sentence for what can't be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TranscriptError("too-large", "A transcript has at most 64 MB; this file is something else.")
        data = path.read_bytes()
    except OSError:
        raise TranscriptError("no-file", f"There is no transcript to read at {path.name}.") from None
    if format is not None and format not in FORMATS:
        raise TranscriptError("unknown-format", f"Formats that can be read: {', '.join(sorted(FORMATS))}.")
    for name, module in FORMATS.items():
        if format == name or (format is None and module.looks_like(data)):
            return module.read(data, lanes or {})
    raise TranscriptError(
        "unknown-format", f"{path.name} is in none of the formats that can be read: {', '.join(sorted(FORMATS))}."
    )


__all__ = ["FORMATS", "Imported", "TranscriptError", "read_transcript"]
