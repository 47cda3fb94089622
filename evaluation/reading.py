"""A split of a snapshot as the items that a study could hold.

`python -m evaluation.reading FOLDER SPLIT` prints them as JSON. It runs as a child: Parquet's memory goes with it, and
a page that makes a study leaves the web process as small as it was.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SPEAKERS = {"user": "Amateur", "assistant": "Expert"}
PATIENCE_SECONDS = 120


class Unreadable(Exception):
    """The snapshot can't be read, in words that a person can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Row:
    """What was said before an answer, and the clip; never the answer itself."""

    row: str
    context: dict[str, Any]  # {"summary", "turns": [{"speaker", "text"}], "asked"}
    clip: str  # path relative to the snapshot, or empty
    is_answerable: bool
    topic: str = ""


def rows_of(snapshot: Path, split: str) -> list[Row]:
    """Read the rows of a split, in order, by a child process."""
    command = [sys.executable, "-m", "evaluation.reading", str(snapshot), split]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_SECONDS)
    if child.returncode:
        raise RuntimeError(f"the snapshot's reader ended with {child.returncode}: {child.stderr.decode()[-2000:]}")
    told = json.loads(child.stdout)
    if "error" in told:
        raise Unreadable(told["error"], told["message"])
    return [Row(**row) for row in told["rows"]]


def read(snapshot: Path, split: str) -> list[Row]:
    """Read the rows of a split in this process."""
    from modeling.training.examples import read_split

    root = snapshot.resolve()
    topics = _topics(root, split)
    return [
        Row(
            row=example.row,
            context=_context(example),
            clip=str(example.audio.relative_to(root)) if example.audio else "",
            is_answerable=example.is_answerable,
            topic=topics.get(example.row, ""),
        )
        for example in read_split(root, split)
    ]


def _topics(root: Path, split: str) -> dict[str, str]:
    """The topic of each row, by the row's name."""
    import pyarrow.parquet

    path = root / "data" / f"{split}-00000-of-00001.parquet"
    if not path.is_file():
        return {}
    rows = pyarrow.parquet.read_table(path, columns=["conversation_id", "turn_id", "topic"]).to_pylist()
    return {f"{split}/{row['conversation_id']}/{row['turn_id']}": row["topic"] or "" for row in rows}


def _context(example: Any) -> dict[str, Any]:
    turns = [{"speaker": SPEAKERS.get(said.role, "Amateur"), "text": said.text} for said in example.history]
    asked = example.user
    if asked and example.summary and asked.startswith(example.summary):
        asked = asked[len(example.summary) :].strip() or None  # a published row carries its summary in front
    return {"summary": example.summary, "turns": turns, "asked": asked}


def main(folder: str, split: str) -> None:
    """Print the rows, or the sentence why there are none."""
    from modeling.backbones.errors import CoreError

    try:
        told: dict[str, Any] = {"rows": [asdict(row) for row in read(Path(folder), split)]}
    except CoreError as error:
        told = {"error": error.code, "message": error.sentence}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
