"""CSV: a row for each segment; a cell that a spreadsheet would take for a formula has a quote before it."""

import csv
import io

from annotation.exporting.layers import ExportedLayer, Exporter, lost_with, segments_of
from annotation.importing.csv import FORMULA, OURS
from annotation.importing.rows import Repair


def write(layer: ExportedLayer) -> bytes:
    """After RFC 4180, in UTF-8."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(OURS)
    for row in segments_of(layer):
        text = f"'{row['text']}" if FORMULA.match(row["text"]) else row["text"]
        writer.writerow([row["start_ms"], row["end_ms"], row["lane"], text])
    return table.getvalue().encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """Words' times, and what stands on segments."""
    return lost_with(layer)


EXPORTER = Exporter(write, lost, ".csv", "text/csv; charset=utf-8")
