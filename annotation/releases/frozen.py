"""The rows of a frozen snapshot, read in batches; both of its configs hold the same rows in the same order."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.snapshots.splits import SPLITS
from annotation.snapshots.writer import SHARD

Row = dict[str, Any]
BATCH = 1_000  # rows with their histories that are in memory at once
CONFIGS = {"default": "data", "turns": "turns"}  # and the folders that hold them


def table(folder: Path, config: str, split: str) -> Path:
    """Where one split of a config lies."""
    return folder / CONFIGS[config] / f"{split}-{SHARD}.parquet"


def schema(folder: Path, config: str) -> pa.Schema:
    """The columns of a config."""
    return pq.read_schema(table(folder, config, SPLITS[0]))


def batches(
    folder: Path, split: str, *, content_only: bool = False, columns: tuple[list[str], list[str]] | None = None
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Rows of a split, some thousands at a time: the eight columns, and what they lose.

    `columns` names those that are wanted of each config.
    """
    wanted, lost = columns or (None, None)
    files = [pq.ParquetFile(table(folder, config, split)) for config in CONFIGS]
    one_thread: dict[str, Any] = {"use_threads": False}  # more would hold a dozen megabytes, and be no quicker
    data_batches = files[0].iter_batches(BATCH, columns=wanted, **one_thread)
    pairs = zip(data_batches, files[1].iter_batches(BATCH, columns=lost, **one_thread), strict=True)
    for data, turns in pairs:
        pair = pa.Table.from_batches([data]), pa.Table.from_batches([turns])
        if content_only:
            kept = pair[0].column("has_content").fill_null(False)
            pair = pair[0].filter(kept), pair[1].filter(kept)
        yield pair


def clips_named(folder: Path, *, content_only: bool = False) -> list[str]:
    """Every clip that a row, its history or its turn names, in order of their names."""
    names: set[str] = set()
    columns = ["has_content", "audio_file", "input_history"], ["clips"]
    for split in SPLITS:
        for data, turns in batches(folder, split, content_only=content_only, columns=columns):
            names.update(_said(data.column("audio_file")))
            names.update(_said(_field(data.column("input_history"))))
            names.update(_said(_field(turns.column("clips"))))
    return sorted(names)


def _field(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([chunk.flatten().field("audio_file") for chunk in lists.chunks], pa.string())


def _said(column: pa.ChunkedArray) -> Iterable[str]:
    values: list[str | None] = column.unique().to_pylist()
    return [value for value in values if value]
