"""A snapshot in miniature, written to disk as the site writes one."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

HISTORY = pa.list_(pa.struct([("audio_file", pa.string()), ("content", pa.string()), ("role", pa.string())]))
SCHEMA = pa.schema(
    [
        ("conversation_id", pa.string()), ("topic", pa.string()), ("turn_id", pa.int64()), ("has_content", pa.bool_()),
        ("input_history", HISTORY), ("audio_file", pa.string()), ("user", pa.string()), ("assistant", pa.string()),
    ]
)  # fmt: skip
ADVICE = [
    "Cut a little at three hundred hertz.", "Pan the guitars wider.", "The snare needs a slower attack.",
    "Leave it, the bass sits well there now.", "High-pass the vocal and listen again.", "Less reverb on the keys.",
    "Try two decibels more on the kick, no more than that.", "Yes.",
]  # fmt: skip
ASKED = [
    "Is the mix muddy?", "So quiet!", "What about the snare?", None, "The vocal sounds boomy to me, do you hear it?",
    "Keys?", "How loud should the kick be?", "Better?",
]  # fmt: skip


def clip(path: Path, seconds: float, *, seed: int = 0, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(times)) * 0.02
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * (110 + 60 * seed) * times) + noise, rate, subtype="PCM_16")
    return path


def rows_of(split: str, count: int, *, offset: int = 0) -> list[dict]:
    rows = []
    for index in range(count):
        conversation, turn = divmod(index, 4)
        earlier = rows[index - turn : index]
        history = [
            {"audio_file": row["audio_file"], "content": row[side], "role": side}
            for row in earlier
            for side in ("user", "assistant")
            if row[side]
        ]
        number = index + offset
        said = ADVICE[number % len(ADVICE)]
        rows.append(
            {
                "conversation_id": f"{split}-c{conversation}", "topic": "drums", "turn_id": turn,
                "has_content": index % 3 != 2, "input_history": history,
                "audio_file": None if index % 5 == 4 else f"audio/segments/Group1/cut_{split}{index}.wav",
                "user": ASKED[number % len(ASKED)],
                "assistant": said if number < len(ADVICE) else f"{said} Take {number}.",
            }
        )  # fmt: skip
    return rows


def write_snapshot(folder: Path, splits: dict[str, list[dict]] | None = None, *, seconds: float = 1.5) -> Path:
    splits = splits or {
        "train": rows_of("train", 12),
        "validation": rows_of("validation", 4),
        "test": rows_of("test", 4),
    }
    (folder / "data").mkdir(parents=True)
    (folder / "turns").mkdir()
    for split, rows in splits.items():
        name = f"{split}-00000-of-00001.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "data" / name)
        turns = [
            {
                "row": f"{split}/{row['conversation_id']}/{row['turn_id']}",
                "summary": "We have been balancing the drums." if row["turn_id"] == 0 else None,
            }
            for row in rows
        ]
        schema = pa.schema([("row", pa.string()), ("summary", pa.string())])
        pq.write_table(pa.Table.from_pylist(turns, schema=schema), folder / "turns" / name)
        for index, row in enumerate(rows):
            if row["audio_file"] and not (folder / row["audio_file"]).exists():
                clip(folder / row["audio_file"], seconds * (1 + index % 3), seed=index)
    (folder / "manifest.json").write_text(json.dumps({"content_hash": "miniature"}))
    return folder
