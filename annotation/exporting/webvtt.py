"""WebVTT: a cue for each segment, its lane as the voice; what the format reserves is written as references."""

import html
import re

from annotation.exporting.layers import ExportedLayer, Exporter, clock, lost_with, segments_of
from annotation.importing.rows import Repair

# A line break after which nothing would stand in its line: the cue would end there.
_BREAK = re.compile(r"\n(?=[ \t]*(?:\n|\Z))")


def write(layer: ExportedLayer) -> bytes:
    """Cues in order of time; overlap is normal here."""
    cues = ["WEBVTT\n"]
    for number, row in enumerate(segments_of(layer), 1):
        times = f"{clock(row['start_ms'], '.')} --> {clock(row['end_ms'], '.')}"
        cues.append(f"{number}\n{times}\n<v {row['lane']}>{_text(row['text'])}\n")
    return "\n".join(cues).encode()


def _text(text: str) -> str:
    return _BREAK.sub("&#10;", html.escape(text, quote=False).replace("\r", "&#13;"))


def lost(layer: ExportedLayer) -> list[Repair]:
    """Words' times, and what stands on segments."""
    return lost_with(layer)


EXPORTER = Exporter(write, lost, ".vtt", "text/vtt; charset=utf-8")
