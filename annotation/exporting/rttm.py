"""RTTM: who speaks when, a row for each segment, the lane as the speaker; without a word."""

import re
from pathlib import PurePath

from annotation.exporting.layers import ExportedLayer, Exporter, lost_with, seconds, segments_of
from annotation.importing.rows import Repair


def write(layer: ExportedLayer) -> bytes:
    """Ten columns; the recording is named for the session's first file."""
    named = PurePath(layer.media[0]).stem if layer.media else layer.title
    name = re.sub(r"[\s;]+", "_", named).strip("_") or "session"
    return "".join(
        f"SPEAKER {name} 1 {seconds(row['start_ms'])} {seconds(row['end_ms'] - row['start_ms'])} "
        f"<NA> <NA> {row['lane']} <NA> <NA>\n"
        for row in segments_of(layer)
    ).encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """All texts, words' times, and what stands on segments."""
    return lost_with(layer, texts=("a text", lambda text: ""))


EXPORTER = Exporter(write, lost, ".rttm", "text/plain; charset=utf-8")
