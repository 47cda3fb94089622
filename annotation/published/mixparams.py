"""Track settings from MixParams: one row is one track of one mix; its parameters come as a printed structure."""

import ast
import csv
import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.published.facts import Notes, PublishedError

NAMES = {  # our field: their column
    "mix_name": "mix_name",
    "song_name": "song_name",
    "artist_name": "artist_name",
    "genre": "genre",
    "track_name": "track_name",
    "track_type": "track_type",
    "instrument": "track_instrument_type",
    "channel_mode": "channel_mode",
}
NEEDED = ("mix_name", "song_name", "track_name", "parameters")
SUFFIXES = (".parquet", ".csv", ".jsonl", ".json")
MAX_BYTES = 256 * 2**20
MAX_ROWS = 100_000
MAX_PARAMETERS = 50_000  # characters
DEEPEST = 8  # levels of a parameter
LONGEST = {"channel_mode": 40}
MAX_NAME = 200


@dataclass
class Tracks:
    """Rows ready to be kept, and what was mended or lost on the way."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    repaired: Notes = field(default_factory=Notes)
    lost: Notes = field(default_factory=Notes)


def read_tracks(path: Path) -> Tracks:
    """Read a file, or all files of a folder; the same row twice is one. Raises PublishedError with a sentence."""
    places = (path, path / "data") if path.is_dir() else ()
    files = sorted(each for place in places if place.is_dir() for each in place.iterdir()) or [path]
    files = [each for each in files if each.suffix.lower() in SUFFIXES and each.is_file()]
    if not files:
        raise PublishedError(
            "no-files", f"{path} is no file or folder with track settings as .parquet, .csv or .jsonl."
        )
    made, seen = Tracks(), set()
    for file in files:
        for number, cells in enumerate(_cells(file), 1):
            if len(made.rows) >= MAX_ROWS:
                raise PublishedError("too-many-rows", f"More than {MAX_ROWS:,} rows are no table of this kind.")
            row = _row(made, cells, f"{file.name}, row {number}")
            if row is not None and row["digest"] not in seen:
                seen.add(row["digest"])
                made.rows.append(row)
    return made


def _cells(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.stat().st_size > MAX_BYTES:
        raise PublishedError("too-large", f"{path.name} is larger than {MAX_BYTES >> 20} MB: it is something else.")
    try:
        if path.suffix.lower() == ".parquet":
            with pq.ParquetFile(path) as file:
                _require(path, file.schema_arrow.names)
                for batch in file.iter_batches(500):
                    yield from batch.to_pylist()
        elif path.suffix.lower() == ".csv":
            csv.field_size_limit(MAX_PARAMETERS * 4)
            with path.open(encoding="utf-8-sig", newline="") as text:
                rows = csv.DictReader(text)
                _require(path, rows.fieldnames or ())
                yield from rows
        else:
            with path.open(encoding="utf-8-sig") as text:
                for line in text:
                    if line.strip():
                        row = json.loads(line)
                        _require(path, row if isinstance(row, dict) else ())
                        yield row
    except (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError, RecursionError, csv.Error) as error:
        brief = str(error).split("\n", 1)[0][:120]
        raise PublishedError("unreadable", f"{path.name} can't be read: {brief}") from None


def _require(path: Path, names: Any) -> None:
    if absent := [name for name in NEEDED if name not in names]:
        raise PublishedError("wrong-columns", f"{path.name} lacks the column {absent[0]}; is it a file of MixParams?")


def _row(made: Tracks, cells: Mapping[str, Any], where: str) -> dict[str, Any] | None:
    row: dict[str, Any] = {}
    for name, column in NAMES.items():
        value = cells.get(column)
        text = value if isinstance(value, str) else "" if value is None else str(value)
        kept = text.replace("\0", "").encode("utf-8", "replace").decode().strip()[: LONGEST.get(name, MAX_NAME)]
        if kept != text.strip():
            made.repaired.add(f"a {column} that is too long or can't be stored", where)
        row[name] = kept
    if not row["mix_name"] or not row["song_name"]:
        made.lost.add("a track without the name of its mix or song", where)
        return None
    row["lufs"] = _number(cells.get("track_audio_lufs"))
    row["parameters"] = _parameters(made, cells.get("parameters"), where)
    told = json.dumps(row, sort_keys=True, ensure_ascii=False)
    return {**row, "digest": hashlib.sha256(told.encode()).hexdigest()}


def _number(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _parameters(made: Tracks, cell: Any, where: str) -> dict[str, Any]:
    """The parameters of a track; what can't be understood stays as the text that it was."""
    if cell is None or cell == "":
        return {}
    found = cell if isinstance(cell, dict) else parse(cell) if isinstance(cell, str) else None
    if isinstance(found, dict):
        kept = _kept(found, DEEPEST)
        if isinstance(kept, dict):
            return kept
    made.repaired.add("parameters that are no structure are kept as text", where)
    text = str(cell)[:MAX_NAME].replace("\0", "").encode("utf-8", "replace").decode()
    return {"text": text}


def parse(text: str) -> Any:
    """A structure that was written as JSON or printed by Python: literals alone, so nothing is ever run; else None."""
    if len(text) > MAX_PARAMETERS or text.count("(") + text.count("[") + text.count("{") > 2_000:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in texts
            return ast.literal_eval(text.strip().replace("\0", ""))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _kept(value: Any, deep: int) -> Any:
    """A structure that JSON of any database keeps; what is deeper than anybody means is its own text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 1e15 and math.isfinite(value) else str(value)[:MAX_NAME]
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_NAME]
    if deep and isinstance(value, dict):
        return {str(_kept(str(name), 0)): _kept(one, deep - 1) for name, one in value.items()}
    if deep and isinstance(value, list | tuple):
        return [_kept(one, deep - 1) for one in value]
    return _kept(str(value), 0)
