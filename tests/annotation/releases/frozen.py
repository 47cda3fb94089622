"""Frozen snapshots without a database: rows of a few conversations, and clips that are really there."""

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from annotation.snapshots import writer
from annotation.snapshots.rows import Clip, TurnRow

TOPICS = ("drums", "bass", "overall_mix")
FACTS = {"name": "Songs", "filter": {"topics": []}, "seed": 3, "split_by": "session", "license": "CC-BY-4.0"}


def clip_file(group: int, number: int) -> str:
    return f"audio/segments/Group{group}/cut_{number}.wav"


def rows(conversations: int = 6, turns: int = 3) -> list[TurnRow]:
    """Conversations of one split each; in each the second turn's amateur is silent, the third turn's expert."""
    made = []
    for number in range(conversations):
        split = ("train", "train", "train", "validation", "test", "test")[number % 6]
        history: tuple[TurnRow, ...] = ()
        for turn in range(1, turns + 1):
            start = number * 60_000 + turn * 10_000
            clip = Clip(f"u{number}-{turn}", start, start + 1000 * turn, clip_file(number % 3 + 1, number * 10 + turn))
            row = TurnRow(
                session=f"Session {number % 3 + 1}",
                group=number % 3 + 1,
                conversation_id=f"Group{number % 3 + 1}-{number:02}",
                topic=TOPICS[number % 3],
                turn_id=turn,
                user=None if turn == 2 else f"Question {number}.{turn} é 🎛?",
                assistant=None if turn == 3 else f"Answer {number}.{turn}, a bit longer.",
                clip=clip if turn != 2 else None,
                clips=(clip,) if turn != 2 else (),
                history=history,
                summary="We have worked on the drums." if turn == 1 else None,
                summary_author="person" if turn == 1 else None,
                flags=(("has_content", "yes" if turn == 1 else "no", ""),) if turn < 3 else (),
                start_ms=start,
                end_ms=start + 9000,
                annotator="P1",
                split=split,
            )
            made.append(row)
            history = (*history, replace(row, history=()))
    return made


def freeze(folder: Path, of: list[TurnRow] | None = None, *, seconds: float = 0.2, without: str = "", **facts) -> Path:
    """A snapshot's folder; the clip named by `without` is not there."""
    of = rows() if of is None else of
    folder.mkdir(parents=True)
    for name in sorted({clip.file for row in of for clip in row.clips} - {without}):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(name) + int(name.split("_")[-1].split(".")[0]))
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes((rng.uniform(-0.25, 0.25, round(16_000 * seconds)) * 32767).astype("<i2").tobytes())
    writer.write(of, folder, {**FACTS, "excluded": [], **facts})
    return folder
