"""A split of a snapshot on disk, read as ordered examples."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from modeling.backbones.errors import TrainingError
from modeling.backbones.example import Example, history_of, spoken

SPLITS = ("train", "validation", "test")
COLUMNS = ("conversation_id", "topic", "turn_id", "has_content", "input_history", "audio_file", "user", "assistant")


def content_hash(snapshot: Path) -> str:
    """Read the content hash that the snapshot was frozen with."""
    found = _manifest(snapshot).get("content_hash")
    if found is None:
        raise _unreadable(snapshot)
    return str(found)


def _manifest(snapshot: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _unreadable(snapshot) from None
    if not isinstance(manifest, dict):
        raise _unreadable(snapshot)
    return manifest


def _absent(snapshot: Path) -> frozenset[str]:
    """The clips that rows name and that were never there; without a manifest nobody says so of any."""
    if not (snapshot / "manifest.json").is_file():
        return frozenset()
    return frozenset(_manifest(snapshot).get("absent_clips") or ())


def _unreadable(snapshot: Path) -> TrainingError:
    return TrainingError(
        "snapshot-unreadable", f"The snapshot {snapshot.name} has no readable manifest; build it again."
    )


def read_split(snapshot: Path, split: str) -> list[Example]:
    """Read the examples of one split, ordered by conversation and turn; a split without a file has none.

    Paths of clips are relative to the snapshot's root and may not leave it. A row whose clip the manifest lists as
    absent is text alone; any other missing clip is refused: training on half of a row would pass unnoticed.
    """
    if split not in SPLITS:
        raise TrainingError("unknown-split", f"The split must be one of {', '.join(SPLITS)}, not {split}.")
    path = snapshot / "data" / f"{split}-00000-of-00001.parquet"
    if not path.is_file():
        return []
    summaries = _summaries(snapshot, split)
    rows = _rows(path, COLUMNS)
    absent = _absent(snapshot)
    examples = [_example(snapshot, split, row, summaries, absent) for row in rows]
    keys = Counter(example.row for example in examples)
    doubled = sorted(key for key, count in keys.items() if count > 1)
    if doubled:
        raise TrainingError("doubled-row", f"The snapshot holds the row {doubled[0]} more than once; build it again.")
    return examples


def select(examples: Iterable[Example], *, has_content_only: bool) -> tuple[list[Example], dict[str, int]]:
    """Keep what can be trained on, and count why the others were left out."""
    kept: list[Example] = []
    skipped: Counter[str] = Counter()
    for example in examples:
        if not example.answer:
            skipped["without an expert's answer"] += 1
        elif not example.is_answerable:
            skipped["with nothing before the answer"] += 1
        elif has_content_only and example.has_content is not True:
            skipped["not flagged as content"] += 1
        else:
            kept.append(example)
    return kept, dict(sorted(skipped.items()))


def share(examples: Sequence[Example], fraction: float, seed: int) -> list[Example]:
    """Take a fraction of the examples, about the same share of every conversation, in their order.

    For one seed, what a smaller fraction takes lies in what a larger one takes.
    """
    if fraction >= 1:
        return list(examples)
    luck = random.Random(f"share {seed}")
    conversations: dict[str, list[Example]] = {}
    for example in examples:
        conversations.setdefault(example.row.rpartition("/")[0], []).append(example)
    rank: dict[str, float] = {}
    for _, turns in sorted(conversations.items()):
        shift = luck.random()
        for place, example in enumerate(luck.sample(turns, len(turns))):
            rank[example.row] = (place + shift) / len(turns)
    count = max(1, round(fraction * len(examples))) if examples else 0
    taken = set(sorted(rank, key=lambda row: (rank[row], row))[:count])
    return [example for example in examples if example.row in taken]


def _example(
    snapshot: Path, split: str, row: dict[str, Any], summaries: dict[str, str], absent: frozenset[str]
) -> Example:
    key = f"{split}/{row['conversation_id']}/{row['turn_id']}"
    return Example(
        row=key,
        history=history_of(row["input_history"]),
        summary=summaries.get(key),
        user=spoken(row["user"], "user"),
        audio=None if row["audio_file"] in absent else _clip(snapshot, row["audio_file"], key),
        answer=spoken(row["assistant"], "assistant"),
        has_content=row["has_content"],
    )


def _clip(snapshot: Path, audio_file: str | None, key: str) -> Path | None:
    if not audio_file:
        return None
    clip = (snapshot / audio_file).resolve()
    if not clip.is_relative_to(snapshot.resolve()):
        raise TrainingError("clip-outside", f"The clip of row {key} lies outside its snapshot; build it again.")
    if not clip.is_file():
        raise TrainingError("clip-missing", f"The clip {audio_file} of row {key} is missing; build the snapshot again.")
    return clip


def _summaries(snapshot: Path, split: str) -> dict[str, str]:
    path = snapshot / "turns" / f"{split}-00000-of-00001.parquet"
    if not path.is_file():
        return {}
    return {str(row["row"]): row["summary"].strip() for row in _rows(path, ("row", "summary")) if row["summary"]}


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq  # 60 MB that a web process, which reads no rows, can do without

    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are both
        raise TrainingError("snapshot-unreadable", f"The file {path.name} is not a Parquet file: {error}") from None
    absent = [column for column in columns if column not in table.column_names]
    if absent:
        raise TrainingError("snapshot-unreadable", f"The file {path.name} lacks the column {absent[0]}.")
    rows: list[dict[str, Any]] = table.select(list(columns)).to_pylist()
    if "turn_id" in columns:
        rows.sort(key=lambda row: (str(row["conversation_id"]), row["turn_id"]))
    return rows
