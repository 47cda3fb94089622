"""What comes out: turns found among ten thousand, and a snapshot of ten thousand rows released."""

import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.full_layer import rows as layer_rows
from bench.make_session import TOPICS, sentence
from bench.measure import ROOT, Figure, Recordings, environment, peak_mb
from bench.site import Site

LAYERS = 13  # of 800 turns: somewhat more than ten thousand
LENGTH_MS = 90 * 60_000
ROWS = 10_000
SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
ASKED = [
    {"q": "snare"},
    {"q": "the"},
    {"q": "kick loud", "side": "amateur"},
    {"q": '"in the mix"'},
    {"q": "nothingofthekind"},
    {"q": "bass", "topic": "bass"},
    {"flag": "has_content", "value": "unset"},
    {"q": "cut", "flag": "has_content", "value": "no"},
    {"page": "300"},
]


def search_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """How long a search waits for its first page, on the page and through the API, on both databases."""
    figures = _searched(folder / "sqlite", "SQLite")
    with _postgresql() as address:
        if address:
            figures += _searched(folder / "postgresql", "PostgreSQL")
    return figures


def _searched(home: Path, database: str) -> list[Figure]:
    site = Site(home)
    try:
        for seed in range(LAYERS):
            lines = "".join(json.dumps(row) + "\n" for row in layer_rows(LENGTH_MS, seed))
            (home / f"layer-{seed}.jsonl").write_text(lines)
        site.manage("shell", "-v0", "-c", f"from bench.browsing import fill; fill({str(home)!r})")
        connection = site.connect()

        def ask(path: str, **query: str) -> float:
            began = time.perf_counter()
            address = f"{path}?{urllib.parse.urlencode(query)}"
            connection.request("GET", address, headers={"Cookie": site.cookie, "Accept": "text/html,application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, (address, answer.status)
            return 1000 * (time.perf_counter() - began)

        first = ask("/projects/bench/turns/")
        pages = [ask("/projects/bench/turns/", **query) for _ in range(20) for query in ASKED]
        told = [ask("/api/v1/turns/", project="bench", **query) for _ in range(20) for query in ASKED[:-1]]
        return [
            Figure(f"search among 10,400 turns, page, p95, {database}", _p95(pages), "ms", 100.0),
            Figure(f"… through the API, p95, {database}", _p95(told), "ms", 100.0),
            Figure(f"… median of the page, {database}", statistics.median(pages), "ms"),
            Figure(f"… the first after an import of them all, {database}", first / 1000, "s"),
            Figure(f"… web process, peak, {database}", peak_mb(site.web_pid), "MB"),
        ]
    finally:
        site.close()


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def fill(home: str) -> None:
    """Bring in every layer as a transcript of a session of its own; runs inside the site."""
    from annotation.bringing import bring_transcript
    from annotation.models import MixingSession, Project

    project = Project.objects.get(slug="bench")
    for path in sorted(Path(home).glob("layer-*.jsonl")):
        session = MixingSession.open(project, path.stem, None)
        session.length_ms = LENGTH_MS
        session.save()
        bring_transcript(session, path)


@contextmanager
def _postgresql() -> Iterator[str]:
    """A database of one's own on the server that the tests use, as DATABASE_URL; nothing where none answers."""
    import psycopg2

    name = f"mixassist_bench_{os.getpid()}"
    try:
        server = psycopg2.connect(SERVER, connect_timeout=3)
    except psycopg2.OperationalError:
        yield ""
        return
    server.autocommit = True
    cursor = server.cursor()
    cursor.execute(f"CREATE DATABASE {name}")
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = f"{SERVER.rpartition('/')[0]}/{name}"
    try:
        yield os.environ["DATABASE_URL"]
    finally:
        os.environ.pop("DATABASE_URL")
        os.environ.update({"DATABASE_URL": before} if before else {})
        cursor.execute(f"DROP DATABASE {name}")
        server.close()


def export_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """A release of ten thousand rows without clips by the command, Python's own start counted."""
    home = folder / "home"
    _manage(home, "migrate", "-v0")
    _manage(home, "shell", "-v0", "-c", "from bench.browsing import freeze; freeze()")
    figures = []
    for format in ("jsonl", "hf", "csv"):
        times, peaks = [], []
        for number in range(3):
            began = time.perf_counter()
            out = str(folder / f"{format}-{number}")
            peaks.append(_manage(home, "export_snapshot", "rows", out, "--format", format))
            times.append(time.perf_counter() - began)
        figures.append(Figure(f"release of 10,000 rows as {format}", min(times), "s", 2.0))
        figures.append(Figure("… peak memory", max(peaks), "MB", 200.0))
    return figures


def _manage(home: Path, *words: str) -> float:
    """Run a command of the site; the most memory that it had, in MB."""
    process = subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=environment(home))
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, words
    return used.ru_maxrss / 1024


def freeze() -> None:
    """A frozen snapshot of ten thousand rows; runs inside the site."""
    from django.conf import settings

    from annotation.models import Project, Snapshot
    from annotation.snapshots import writer

    folder = Path(settings.SNAPSHOTS_ROOT) / "rows" / "1"
    folder.mkdir(parents=True)
    facts: dict[str, Any] = {"name": "rows", "filter": {}, "seed": 0, "license": "", "excluded": []}
    manifest = writer.write(list(_rows()), folder, facts)
    project = Project.objects.create(slug="bench", name="Bench")
    done = {"state": "succeeded", "counts": manifest["rows"], "content_hash": manifest["content_hash"]}
    Snapshot.objects.create(project=project, name="rows", folder="rows/1", **done)


def _rows() -> Iterator[Any]:
    """Turns in conversations of six, as long as people speak."""
    from annotation.snapshots.rows import TurnRow

    rng = random.Random(11)
    history: tuple[Any, ...] = ()
    for number in range(ROWS):
        conversation, turn = divmod(number, 6)
        history = history if turn else ()
        topic = list(TOPICS)[conversation % len(TOPICS)]
        row = TurnRow(
            session=f"Session {conversation % 40}",
            group=conversation % 40 + 1,
            conversation_id=f"Group{conversation % 40 + 1}-{conversation:04}",
            topic=topic,
            turn_id=turn + 1,
            user=sentence(rng, "amateur", topic),
            assistant=" ".join(sentence(rng, "expert", topic) for _ in range(2)),
            clip=None,
            clips=(),
            history=history,
            summary="They have been working on the drums." if turn == 0 else None,
            summary_author="person" if turn == 0 else None,
            flags=(("has_content", "yes" if rng.random() > 0.3 else "no", ""),),
            start_ms=turn * 10_000,
            end_ms=turn * 10_000 + 8000,
            annotator="P1",
            split=("train", "train", "train", "validation", "test")[conversation % 5],
        )
        yield row
        history = (*history, row)


ARMS = {"search": search_arm, "export": export_arm}
