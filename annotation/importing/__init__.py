"""Transcripts in: one module per format, each turning bytes into what they tell, and that into the rows of a layer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotation.importing import audacity, csv, eaf, jsonl, labelstudio, rttm, srt, textgrid, webvtt, whisperx
from annotation.importing.rows import Heard, Imported, Repair, TranscriptError, placed
from annotation.importing.survey import Speaker, Survey, survey


@dataclass(frozen=True, slots=True)
class Format:
    """What a format's module offers: whether bytes are of it, and what they tell."""

    looks_like: Callable[[bytes], bool]
    hear: Callable[[bytes], Heard]

    def read(self, data: bytes, lanes: dict[str, str]) -> Imported:
        """Rows, repairs and losses."""
        return placed(self.hear(data), lanes)


# In the order in which they are told apart: what says its name comes before what has none.
FORMATS: dict[str, Format] = {
    name: Format(module.looks_like, module.hear)
    for name, module in {
        "textgrid": textgrid,
        "eaf": eaf,
        "webvtt": webvtt,
        "jsonl": jsonl,
        "labelstudio": labelstudio,
        "whisperx": whisperx,
        "rttm": rttm,
        "srt": srt,
        "audacity": audacity,
        "csv": csv,
    }.items()
}
MAX_BYTES = 64 * 2**20


def read_transcript(
    path: Path, *, format: str | None = None, lanes: dict[str, str] | None = None, strict_lanes: bool = True
) -> Imported:
    """Read a transcript; its format is told by its content unless it is named.

    `lanes` maps a speaker's or tier's name to a lane, or to "" to leave it out; unless `strict_lanes`, a speaker of
    whom nobody said is left out too. Raises TranscriptError with a sentence for what can't be read.
    """
    _, heard = _hear(path, format)
    return placed(heard, lanes or {}, strict=strict_lanes)


def survey_transcript(path: Path, *, format: str | None = None) -> Survey:
    """What a transcript holds, and what an import would repair and lose; TranscriptError for what can't be read."""
    return survey(*_hear(path, format))


def _hear(path: Path, format: str | None) -> tuple[str, Heard]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TranscriptError("too-large", "A transcript has at most 64 MB; this file is something else.")
        data = path.read_bytes()
    except OSError:
        raise TranscriptError("no-file", f"There is no transcript to read at {path.name}.") from None
    if format is not None and format not in FORMATS:
        raise TranscriptError("unknown-format", f"Formats that can be read: {', '.join(sorted(FORMATS))}.")
    for name, each in FORMATS.items():
        if format == name or (format is None and each.looks_like(data)):
            return name, each.hear(data)
    raise TranscriptError(
        "unknown-format", f"{path.name} is in none of the formats that can be read: {', '.join(sorted(FORMATS))}."
    )


__all__ = [
    "FORMATS",
    "Imported",
    "Repair",
    "Speaker",
    "Survey",
    "TranscriptError",
    "read_transcript",
    "survey_transcript",
]
