"""How long transcripts take to read: large ones, four times as large ones, and broken ones."""

import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from annotation.exporting import EXPORTERS, ExportedLayer
from annotation.importing import FORMATS, TranscriptError, read_transcript, survey_transcript
from annotation.importing.rows import LayerRows
from bench.measure import Figure, Recordings, least
from tests.annotation.importing.test_mutations import broken, goods

SEGMENTS, BROKEN, SLOWEST_S = 5_000, 300, 1.0
TEXTS = ("Cut it.", "Hm?", "two\nlines", "a < b")


def transcripts_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Each format with 5,000 segments; four times as many may take four times as long, and not sixteen times."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for name, exporter in EXPORTERS.items():
        few, many = folder / f"few.{name}", folder / f"many.{name}"
        few.write_bytes(exporter.write(_layer(SEGMENTS)))
        many.write_bytes(exporter.write(_layer(4 * SEGMENTS)))
        one, four = (least(_reading(path), 2) for path in (few, many))
        against = "a quarter of four times as many"
        figures.append(Figure(f"{name} of 5,000 segments read", one, "s", SLOWEST_S, against, one / (four / 4)))
    return figures + [_slowest(name, folder) for name in FORMATS]


def _layer(segments: int) -> ExportedLayer:
    rows = [
        {
            "uid": str(uuid.UUID(int=number + 1)),
            "lane": ("amateur", "expert", "music")[number % 3],
            "start_ms": number * 700,
            "end_ms": number * 700 + 900,
            "text": TEXTS[number % 4],
        }
        for number in range(segments)
    ]
    return ExportedLayer(LayerRows(segments=rows))


def _reading(path: Path) -> Callable[[], object]:
    return lambda: read_transcript(path)


def _slowest(name: str, folder: Path) -> Figure:
    """The slowest of some hundred broken files of a format, in seconds of the processor."""
    whole, slowest, path = goods(name), 0.0, folder / f"broken.{name}"
    for number in range(BROKEN):
        seed = random.Random(f"{name} {number}")
        path.write_bytes(broken(seed.choice(whole), seed))
        began = time.process_time()
        try:
            survey_transcript(path)
            read_transcript(path)
        except TranscriptError:
            pass
        slowest = max(slowest, time.process_time() - began)
    return Figure(f"{name}, the slowest of {BROKEN} broken files", slowest, "s", 2 * SLOWEST_S)


ARMS = {"transcripts": transcripts_arm}
