"""A data set of ten thousand turns: looked at beforehand, frozen with its clips, compared; time and memory."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import full_layer
from bench.measure import ROOT, Figure, Recordings, environment, memory_mb

SESSIONS = 13  # of 800 turns and 320 clips each
TURNS = SESSIONS * full_layer.TURNS
_SET_UP = """
from pathlib import Path
from annotation.bringing import bring_transcript
from annotation.models import Layer, MixingSession, Project, Recording
from annotation.uploading import add_recording
project = Project.objects.create(slug="bench", name="Bench")
first = add_recording(Path({master!r}), "session.wav", project, None, title="Session 1")
for number in range({sessions}):
    session = first.session if number == 0 else MixingSession.open(project, f"Session {{number + 1}}", None)
    if number:
        names = (field.attname for field in Recording._meta.fields)
        fields = {{name: getattr(first, name) for name in names if name not in ("id", "session_id")}}
        Recording.objects.create(session=session, **fields)  # the same master: sound is sound
        MixingSession.objects.filter(pk=session.pk).update(length_ms=first.length_ms)
    session.refresh_from_db()
    layer = bring_transcript(session, Path({transcript!r}))
    Layer.objects.filter(pk=layer.pk).update(state="accepted")
"""


def measure(recordings: Recordings, folder: Path) -> list[Figure]:
    """One project, one preflight, two snapshots that differ in their seed."""
    env = environment(folder / "home")
    folder.mkdir(parents=True)
    transcript = full_layer.write(folder / "full.jsonl", recordings.minutes)
    script = _SET_UP.format(master=str(recordings.path("wav")), transcript=str(transcript), sessions=SESSIONS)
    for command in (["migrate", "-v0"], ["shell", "-v0", "-c", script]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, capture_output=True)
    options = ["bench", "--json", "--name"]
    looked, looked_mb, found = timed(env, "build_snapshot", *options, "look", "--preflight")
    built, built_mb, made = timed(env, "build_snapshot", *options, "one")
    timed(env, "build_snapshot", *options, "two", "--seed", "1")
    compared, compared_mb, told = timed(env, "compare_snapshots", "one", "two", "--json")
    assert found["rows"] == made["rows"] == TURNS, (found["rows"], made["rows"])
    assert told["gone"] == told["added"] == 0
    return [
        Figure(f"snapshot of {TURNS:,} turns with their clips", built, "s", 60),
        Figure("its memory, all its processes together", built_mb, "MB", 300),
        Figure("a look at what it would hold", looked, "s"),
        Figure("the look's memory", looked_mb, "MB", 300),
        Figure("two of them compared", compared, "s"),
        Figure("the comparison's memory", compared_mb, "MB", 300),
    ]


def timed(env: dict[str, str], *command: str) -> tuple[float, float, dict]:
    """Seconds, the most memory (PSS of the whole tree) and the JSON of one command."""
    began, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as told:  # a pipe would be full before anybody reads it
        process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=env, stdout=told)
        while process.poll() is None:
            most = max(most, memory_mb(process.pid))
            time.sleep(0.05)
        took = time.perf_counter() - began
        told.seek(0)
        text = told.read().decode()
    assert process.returncode == 0, text
    return took, most, json.loads(text.strip().splitlines()[-1])


ARMS = {"snapshots": measure}
