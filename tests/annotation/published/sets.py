"""Data sets in the published shape: 640 rows in three files, with silence, histories, clips by group."""

import csv
import json
import random
import wave
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from annotation.published.facts import COLUMNS, PLACEHOLDERS, ROWS, SPLITS, TOPICS, WITH_CONTENT
from annotation.snapshots.rows import COLUMNS as SCHEMA

GROUPS = {"train": (1, 2, 3, 4), "validation": (5,), "test": (6, 7)}


def rows_of(split: str, count: int, content: int, *, seed: int = 1, silence: bool = True) -> list[dict]:
    """Rows of one split as they are published: conversations of up to nine turns, most with a clip of one group."""
    rng = random.Random(f"{split}{seed}")
    rows: list[dict] = []
    conversation = 0
    while len(rows) < count:
        conversation += 1
        group = None if conversation % 11 == 0 else rng.choice(GROUPS[split])
        history: list[dict] = []
        topic = TOPICS[conversation % len(TOPICS)]
        for turn in range(min(rng.randint(2, 9), count - len(rows))):
            number = len(rows)
            quiet = silence and number % 7 == 3
            user = PLACEHOLDERS["user"] if quiet else f"Question {split} {number}: what do you hear in “{topic}”?"
            answer = f"Advice {split} {number}: cut at {100 + number} Hz — and listen."
            if silence and number % 13 == 5:
                answer = PLACEHOLDERS["assistant"]
            audio = f"audio/segments/Group{group}/cut_{split}{number}.wav" if group and number % 9 != 8 else None
            rows.append(
                {
                    "conversation_id": f"{split}_{conversation:03}", "topic": topic, "turn_id": turn,
                    "has_content": number < content, "input_history": list(history), "audio_file": audio,
                    "user": user, "assistant": answer,
                }
            )  # fmt: skip
            history.append({"audio_file": audio, "content": user, "role": "user"})
            history.append({"audio_file": None, "content": answer, "role": "assistant"})
    return rows


def published(**options) -> dict[str, list[dict]]:
    """The whole set: 340, 50 and 250 rows, 241, 34 and 156 with content."""
    return {split: rows_of(split, ROWS[split], WITH_CONTENT[split], **options) for split in SPLITS}


def small(**options) -> dict[str, list[dict]]:
    """Twenty, four and eight rows."""
    return {split: rows_of(split, n, n // 2, **options) for split, n in zip(SPLITS, (20, 4, 8), strict=True)}


def write(folder: Path, data: dict[str, list[dict]], format: str = "parquet") -> Path:
    """The files of a set."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in data.items():
        if format == "parquet":
            (folder / "data").mkdir(exist_ok=True)
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            pq.write_table(table, folder / "data" / f"{split}-00000-of-00001.parquet")
        elif format == "jsonl":
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            with (folder / f"{split}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                printed = printed_by_numpy if format == "numpy" else repr
                writer.writerows({**row, "input_history": printed(row["input_history"])} for row in rows)
    return folder


def printed_by_numpy(history: list[dict]) -> str:
    """As pandas writes a column of arrays: no commas between the dicts."""
    return "[" + "\n ".join(repr(item) for item in history) + "]"


def clip(path: Path, frames: int, *, seed: int = 0, rate: int = 16_000) -> np.ndarray:
    """A 16-bit mono WAV with a plain head; its samples."""
    samples = np.random.default_rng(seed).integers(-9000, 9000, frames).astype("<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return samples


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def clips_of(data: dict[str, list[dict]], folder: Path, *, missing: tuple[str, ...] = ()) -> Path:
    """A clip for each path that the rows name, a tenth of a second and more; some of them missing."""
    named = sorted({row["audio_file"] for rows in data.values() for row in rows if row["audio_file"]})
    for number, name in enumerate(named):
        if name not in missing:
            clip(folder / name, 1600 * (1 + number % 3), seed=number)
    return folder


def with_silence(row: dict) -> dict:
    """A row as the site keeps it: a silent side is null, and left out of histories that it does not play in."""
    history = []
    for said in row["input_history"]:
        content = None if said["content"] == PLACEHOLDERS[said["role"]] else said["content"]
        if content or (said["role"] == "user" and said["audio_file"]):
            history.append({**said, "content": content})
    sides = {side: None if row[side] == PLACEHOLDERS[side] else row[side] for side in ("user", "assistant")}
    return {**row, "input_history": history, **sides}
