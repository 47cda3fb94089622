"""Layers out: one module per format, each writing the same bytes for the same layer and saying what it can't hold."""

from annotation.exporting import audacity, csv, eaf, jsonl, rttm, srt, textgrid, webvtt, whisperx
from annotation.exporting.layers import ExportedLayer, Exporter

EXPORTERS: dict[str, Exporter] = {
    "textgrid": textgrid.EXPORTER,
    "eaf": eaf.EXPORTER,
    "audacity": audacity.EXPORTER,
    "webvtt": webvtt.EXPORTER,
    "srt": srt.EXPORTER,
    "whisperx": whisperx.EXPORTER,
    "rttm": rttm.EXPORTER,
    "csv": csv.EXPORTER,
    "jsonl": jsonl.EXPORTER,
}

__all__ = ["EXPORTERS", "ExportedLayer", "Exporter"]
