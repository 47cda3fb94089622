"""Segments with words and speakers as WhisperX writes them, for scripts that read that."""

import json
from typing import Any

from annotation.exporting.layers import ExportedLayer, Exporter, Row, lost_with, segments_of
from annotation.importing.rows import Repair
from annotation.importing.whisperx import OURS


def write(layer: ExportedLayer) -> bytes:
    """One JSON document; the generator's name says that segments are not to be divided again."""
    segments: list[dict[str, Any]] = []
    for row in segments_of(layer):
        words = [
            {"word": word, "start": start / 1000, "end": end / 1000, "speaker": row["lane"]}
            for start, end, word in row.get("words") or []
        ]
        times = {"start": row["start_ms"] / 1000, "end": row["end_ms"] / 1000}
        segments.append({**times, "text": row["text"], "words": words, "speaker": row["lane"]})
    every = [word for segment in segments for word in segment["words"]]
    document = {"generator": OURS, "segments": segments, "word_segments": every}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def lost(layer: ExportedLayer) -> list[Repair]:
    """What stands on segments."""
    return lost_with(layer, words=_words_fit)


def _words_fit(row: Row) -> bool:
    return all(word.strip() and word == word.strip() for *_, word in row["words"])


EXPORTER = Exporter(write, lost, ".json", "application/json")
