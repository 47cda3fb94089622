"""SubRip subtitles: a numbered cue for each segment; the lane stands before the text."""

import re

from annotation.exporting.layers import ExportedLayer, Exporter, clock, lost_with, segments_of
from annotation.importing.rows import Repair


def write(layer: ExportedLayer) -> bytes:
    """Cues in order of time, those that overlap one after the other."""
    cues = []
    for number, row in enumerate(segments_of(layer), 1):
        times = f"{clock(row['start_ms'], ',')} --> {clock(row['end_ms'], ',')}"
        cues.append(f"{number}\n{times}\n{row['lane']}: {_kept(row['text'])}\n\n")
    return "".join(cues).encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """Arrows, breaks of lines at a text's end, words' times, and what stands on segments."""
    return lost_with(layer, texts=("arrows, or line breaks at the end of a text", _kept))


def _kept(text: str) -> str:
    """A text without what would end its cue."""
    return re.sub(r"\r\n?", "\n", text).replace("-->", "→").rstrip("\n")


EXPORTER = Exporter(write, lost, ".srt", "application/x-subrip")
