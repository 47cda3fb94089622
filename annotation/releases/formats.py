"""The files that hold a release's rows: Parquet, JSON lines, CSV."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.snapshots.writer import SHARD

Row = dict[str, Any]
Rows: TypeAlias = pa.Table | Sequence[Row]  # a table where nothing of it is told otherwise: Parquet takes it as it is
Put = Callable[[Rows], None]  # writes some more rows
_as_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode  # one for all rows
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[Put]:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def put(rows: Rows) -> None:
            whole = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=schema)
            writer.write_table(whole)

        yield put


@contextmanager
def _jsonl(path: Path, schema: pa.Schema) -> Iterator[Put]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda rows: file.writelines(_as_json(row) + "\n" for row in _each(rows))


@contextmanager
def _csv(path: Path, schema: pa.Schema) -> Iterator[Put]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(schema.names)
        yield lambda rows: writer.writerows([cell(row[name]) for name in schema.names] for row in _each(rows))


def _each(rows: Rows) -> Sequence[Row]:
    listed: Sequence[Row] = rows.to_pylist() if isinstance(rows, pa.Table) else rows
    return listed


def cell(value: Any) -> Any:
    """A cell of CSV: lists as JSON, and no text that a spreadsheet would run; numbers stay numbers."""
    if isinstance(value, list | dict):
        return _as_json(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


@dataclass(frozen=True, slots=True)
class Format:
    """How rows are written, and where: `{split}` stands in the path of each config."""

    write: Callable[[Path, pa.Schema], AbstractContextManager[Put]]
    paths: dict[str, str]

    def place(self, out: Path, config: str, split: str) -> Path:
        """Where one split of a config goes."""
        return out / self.paths[config].format(split=split)


FORMATS = {
    "hf": Format(_parquet, {"default": f"data/{{split}}-{SHARD}.parquet", "turns": f"turns/{{split}}-{SHARD}.parquet"}),
    "jsonl": Format(_jsonl, {"default": "{split}.jsonl", "turns": "turns/{split}.jsonl"}),
    "csv": Format(_csv, {"default": "{split}.csv", "turns": "turns/{split}.csv"}),
}
