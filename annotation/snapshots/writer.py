"""A frozen snapshot's files: Parquet, data card and manifest, the same bytes for the same rows."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.snapshots.rows import COLUMNS, TURN_COLUMNS, TurnRow, content_hash, detailed, published
from annotation.snapshots.splits import SPLITS

BATCH = 2_000
SHARD = "00000-of-00001"
CONFIGS = "configs:\n"
FILES = "## Files\n\n"
CODE_VERSION = 3  # raise it when the same layer would give other rows


def write(rows: Sequence[TurnRow], folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write rows into a folder that already holds their clips; return the manifest.

    `facts` go into manifest and card: name, filter, seed, split_by, license, excluded.
    """
    in_order = sorted(rows, key=lambda row: (row.conversation_id, row.turn_id))
    for split in SPLITS:
        part = [row for row in in_order if row.split == split]
        _parquet(folder / "data" / f"{split}-{SHARD}.parquet", COLUMNS, map(published, part))
        _parquet(folder / "turns" / f"{split}-{SHARD}.parquet", TURN_COLUMNS, map(detailed, part))
    counts = {split: sum(row.split == split for row in rows) for split in SPLITS}
    (folder / "README.md").write_text(card(rows, counts, facts), encoding="utf-8")
    manifest = {
        **facts,
        "rows": counts,
        "content_hash": content_hash(rows),
        "code_version": CODE_VERSION,
        "files": {str(path.relative_to(folder)): sha256_of(path) for path in files_in(folder)},
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest


def files_in(folder: Path) -> list[Path]:
    """All files of a snapshot but the manifest itself, in order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")


def sha256_of(path: Path) -> str:
    """A file's hash, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot whose files are all as they were written; ValueError names the first that is not."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = {str(path.relative_to(folder)) for path in files_in(folder)}
    if odd := sorted(found.symmetric_difference(manifest["files"])):
        raise ValueError(f"{odd[0]} is missing from the snapshot or does not belong to it.")
    for name, digest in manifest["files"].items():
        if sha256_of(folder / name) != digest:
            raise ValueError(f"{name} is not what was frozen.")
    return manifest


def _parquet(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def card(rows: Sequence[TurnRow], counts: dict[str, int], facts: dict[str, Any]) -> str:
    """The data card, with the YAML head from which `datasets` learns where the rows are."""
    topics: dict[str, int] = {}
    for row in rows:
        topics[row.topic] = topics.get(row.topic, 0) + 1
    long = sum(clip.length_ms > 30_000 for row in rows for clip in row.clips)
    table = "".join(f"| {topic} | {n} |\n" for topic, n in sorted(topics.items()))
    split_by, seed = facts.get("split_by", "session"), facts.get("seed", 0)
    absent = set(facts.get("absent_clips") or ())
    without = sum(row.audio_file in absent for row in rows)
    paths = {"default": "data/{split}-*.parquet", "turns": "turns/{split}-*.parquet"}
    return (
        f"---\nlicense: other\nlicense_name: {json.dumps(facts.get('license') or 'not stated')}\n"
        "language:\n- en\ntask_categories:\n- audio-text-to-text\n"
        f"pretty_name: {json.dumps(facts.get('name', ''))}\n"
        f"{_configs(paths, [split for split in SPLITS if counts[split]])}---\n\n"
        f"# {facts.get('name', '')}\n\n"
        "Turns of co-creative mixing sessions: what an amateur asked, which music played, what an expert answered.\n"
        "One row is one turn; `input_history` holds the earlier turns of the same conversation.\n\n"
        f"- Rows: {', '.join(f'{split} {n}' for split, n in counts.items())}\n"
        f"- {facts.get('split_note') or f'Split by {split_by}, seed {seed}: no {split_by} is in two splits.'}\n"
        "- Clips: 16 kHz mono WAV cut from the masters, at their own level (no normalisation).\n"
        f"- Clips longer than the 30 s that common audio encoders hear: {long}.\n"
        f"- Rows that name a clip which is not included: {without}; read them as text alone.\n"
        "- A side that is silent is null, not a placeholder sentence. `has_content` is null where nobody set it.\n\n"
        f"| topic | rows |\n| --- | --- |\n{table}\n"
        f"{FILES}"
        "The config `turns` holds what the eight columns lose: context summary, all flags, times, clips, layer.\n"
        "`manifest.json` has the sha256 of every file and the hash of the content.\n"
    )


def _configs(paths: dict[str, str], splits: Sequence[str]) -> str:
    """The part of the YAML head that names the files; `{split}` stands in their paths."""
    return CONFIGS + "".join(
        f"- config_name: {config}\n"
        + ("  default: true\n" if config == "default" else "")
        + "  data_files:\n"
        + "".join(f"  - split: {split}\n    path: {path.format(split=split)}\n" for split in splits)
        for config, path in paths.items()
    )
