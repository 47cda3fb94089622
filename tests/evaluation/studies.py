"""A small snapshot with clips, answers of three sources, and studies on them."""

import math
import struct
import wave
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.models import Project, Snapshot
from evaluation import protocol
from evaluation.models import Study
from mixassist_site.jobs import State
from modeling.models import Adapter, BaseModel, Candidate, Generation, TrainingRun
from tests.factories import SnapshotFactory

HISTORY = pa.list_(pa.struct([("audio_file", pa.string()), ("content", pa.string()), ("role", pa.string())]))
SCHEMA = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("topic", pa.string()),
        ("turn_id", pa.int64()),
        ("has_content", pa.bool_()),
        ("input_history", HISTORY),
        ("audio_file", pa.string()),
        ("user", pa.string()),
        ("assistant", pa.string()),
    ]
)


def tone(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = b"".join(
        struct.pack("<h", int(9000 * math.sin(2 * math.pi * 220 * n / 16_000))) for n in range(int(16_000 * seconds))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(frames)


def frozen(project: Project, items: int = 6, name: str = "evening", *, clip: str = "cut_1") -> Snapshot:
    """A frozen snapshot with this many test rows in conversations of four, whose last turn has no clip of its own."""
    snapshot = SnapshotFactory(project=project, name=name, folder=f"{name}/1", counts={"test": items})
    heard = f"audio/segments/Group1/{clip}.wav"
    tone(snapshot.path / heard)
    rows: list[dict[str, object]] = []
    for n in range(items):
        if n % 4 == 0:
            said: list[dict[str, str | None]] = []
        user, assistant = f"And how about number {n}?", f"Cut a little at {200 + n} Hz."
        rows.append(
            {
                "conversation_id": f"c{n // 4}",
                "topic": "drums",
                "turn_id": n,
                "has_content": True,
                "input_history": list(said),
                "audio_file": None if n % 4 == 3 else heard,
                "user": user,
                "assistant": assistant,
            }
        )
        said += [{"audio_file": None, "content": user, "role": "user"}]
        said += [{"audio_file": None, "content": assistant, "role": "assistant"}]
    path = snapshot.path / "data" / "test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    return snapshot


def rows_of(snapshot: Snapshot) -> dict[str, str]:
    """Each row's name, and what the expert said there."""
    table = pq.read_table(snapshot.path / "data" / "test-00000-of-00001.parquet")
    return {f"test/{row['conversation_id']}/{row['turn_id']}": row["assistant"] for row in table.to_pylist()}


def answers(snapshot: Snapshot, source: str, key: str = "", texts: dict[str, str] | None = None) -> Generation:
    """Finished answers: the expert's own words, or those of a base by its key, or of an adapter by its name."""
    base = adapter = None
    said = rows_of(snapshot)
    if source != "expert":
        base, _ = BaseModel.objects.get_or_create(key=key if source == "base" else "tiny")
    if source == "adapter":
        run = TrainingRun.objects.create(
            project=snapshot.project, snapshot=snapshot, base=base, name=key, state=State.SUCCEEDED
        )
        adapter = Adapter.objects.create(run=run, name=key, sha256="a" * 64, folder=f"{key}/1")
    generation = Generation.objects.create(
        project=snapshot.project, snapshot=snapshot, source=source, base=base, adapter=adapter, state=State.SUCCEEDED
    )
    if source != "expert":
        said = {row: f"Answer {row.replace('/', ' ')}, the {len(key)}th way." for row in said}
    given = texts or said
    Candidate.objects.bulk_create(Candidate(generation=generation, row=row, text=text) for row, text in given.items())
    return generation


def study_of(
    project: Project, *, items: int = 6, raters: int = 3, contenders: int = 3, opened: bool = True, **plan
) -> Study:
    """A study of the expert, a base and adapters, open by default."""
    snapshot = frozen(project, items)
    sources = [("expert", ""), ("base", "tiny"), ("adapter", "evening-1"), ("adapter", "evening-22")][:contenders]
    generations = tuple(answers(snapshot, source, key) for source, key in sources)
    study = protocol.create(protocol.Plan(snapshot, "test", generations, raters, **plan))
    if opened:
        protocol.open_study(study)
    return study
