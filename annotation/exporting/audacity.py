"""Audacity's label track: start, end and text between tabs; the lane stands before the text."""

import re

from annotation.exporting.layers import ExportedLayer, Exporter, lost_with, seconds, segments_of
from annotation.importing.rows import Repair


def write(layer: ExportedLayer) -> bytes:
    """A line for each segment."""
    return "".join(
        f"{seconds(row['start_ms'], 6)}\t{seconds(row['end_ms'], 6)}\t{row['lane']}: {_kept(row['text'])}\n"
        for row in segments_of(layer)
    ).encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """Breaks of lines, words' times, and what stands on segments."""
    return lost_with(layer, texts=("the line breaks of a text", _kept))


def _kept(text: str) -> str:
    return re.sub(r"\r\n|[\r\n]", " ", text)


EXPORTER = Exporter(write, lost, ".txt", "text/plain; charset=utf-8")
