"""What one frozen snapshot has and another has not: rows added, gone, and changed column by column."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from annotation.snapshots.splits import SPLITS
from annotation.snapshots.writer import BATCH, SHARD

NAMING = ("conversation_id", "turn_id", "row")  # what names a row; `split` is compared like a column
DIGEST = 8  # bytes of a value
Key = tuple[str, int, str]  # conversation, turn, and the split where one snapshot has two of that name


@dataclass
class Differences:
    """Rows by what happened to them on the way from the first snapshot to the second."""

    added: list[Key] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    changed: dict[Key, list[str]] = field(default_factory=dict)  # the columns that are not the same
    same: int = 0

    def columns(self) -> dict[str, int]:
        """In how many rows each column changed, the most frequent first."""
        counts = Counter(name for names in self.changed.values() for name in names)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def told(self) -> list[dict[str, Any]]:
        """One entry for each row that differs: {"row", "what", "columns"}."""
        return [
            *({"key": key, "row": name_of(key), "what": "added", "columns": []} for key in self.added),
            *({"key": key, "row": name_of(key), "what": "gone", "columns": []} for key in self.gone),
            *(
                {"key": key, "row": name_of(key), "what": "changed", "columns": names}
                for key, names in sorted(self.changed.items())
            ),
        ]


def name_of(key: Key) -> str:
    """How people find a row."""
    conversation, turn, split = key
    return f"{conversation}, turn {turn}" + (f" ({split})" if split else "")


def differences(before: Path, after: Path) -> Differences:
    """Compare two snapshots' folders; both configs count, and so does the split. OSError where files are missing."""
    doubled = _doubled(before) | _doubled(after)
    names, old = _digests(before, doubled)
    others, new = _digests(after, doubled)
    made = Differences(sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys()))
    for key in old.keys() & new.keys():
        if names == others and old[key] == new[key]:
            made.same += 1
            continue
        one, other = _by_column(names, old[key]), _by_column(others, new[key])
        if changed := [name for name in {**one, **other} if one.get(name) != other.get(name)]:
            made.changed[key] = changed
        else:
            made.same += 1
    return made


def values(folder: Path, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """The rows of these names, with all columns of both configs."""
    by_name: dict[tuple[str, int], list[Key]] = {}
    for key in keys:
        by_name.setdefault(key[:2], []).append(key)
    found: dict[Key, dict[str, Any]] = {}
    for row in _rows(folder):
        for key in by_name.get((row["conversation_id"], row["turn_id"]), ()):
            if key[2] in ("", row["split"]):
                found[key] = row
    return found


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of both configs, batch by batch; they stand in the same order."""
    for split in SPLITS:
        name = f"{split}-{SHARD}.parquet"
        with pq.ParquetFile(folder / "data" / name) as data, pq.ParquetFile(folder / "turns" / name) as turns:
            batches = zip(data.iter_batches(BATCH), turns.iter_batches(BATCH), strict=True)
            for one, other in batches:
                for row, more in zip(one.to_pylist(), other.to_pylist(), strict=True):
                    yield {"split": split, **row, **more}


def _doubled(folder: Path) -> set[tuple[str, int]]:
    """Names that a snapshot has in several splits, as a published split may."""
    names: Counter[tuple[str, int]] = Counter()
    for split in SPLITS:
        path = folder / "data" / f"{split}-{SHARD}.parquet"
        table = pq.read_table(path, columns=["conversation_id", "turn_id"])
        names.update(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    return {name for name, count in names.items() if count > 1}


def _digests(folder: Path, doubled: Collection[tuple[str, int]]) -> tuple[list[str], dict[Key, bytes]]:
    """The compared columns, and for each row what its columns hash to, one after the other."""
    names: list[str] = []
    found: dict[Key, bytes] = {}
    for row in _rows(folder):
        names = names or [name for name in row if name not in NAMING]
        name = row["conversation_id"], row["turn_id"]
        key: Key = (*name, row["split"] if name in doubled else "")
        found[key] = b"".join(_digest(row[column]) for column in names)
    return names, found


def _digest(value: Any) -> bytes:
    # lists and structs come in the order of the schema, so their printed form says the same of the same
    return blake2b(repr(value).encode(errors="replace"), digest_size=DIGEST).digest()


def _by_column(names: Sequence[str], digests: bytes) -> dict[str, bytes]:
    return {name: digests[DIGEST * at : DIGEST * (at + 1)] for at, name in enumerate(names)}
