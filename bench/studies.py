"""Studies: the balance that the real code reaches over many seeds, and the next pair among 100,000 assignments.

BENCH_STUDY_SEEDS says over how many seeds (100 by default); a seed is 24 raters with 30 trials each.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.measure import ROOT, Figure, Recordings, environment

SEEDS = int(os.environ.get("BENCH_STUDY_SEEDS", "100"))
CONTENDERS, ITEMS, RATERS, TRIALS, DROPOUT = 4, 60, 24, 30, 0.15
ASSIGNMENTS = 100_000


def balance(recordings: Recordings, folder: Path) -> list[Figure]:
    """4 contenders × 60 items × 24 raters × 30 trials with 15 % drop-outs, on the code that serves raters."""
    count = min(SEEDS, os.cpu_count() or 1)
    with ThreadPoolExecutor(count) as pool:
        parts = list(pool.map(lambda part: child(folder / str(part), "balance", f"{part}/{count}"), range(count)))
    found = {name: max(part[name] for part in parts) for name in parts[0]}
    names = ("cells", "items", "left", "repeat_views", "lost", "doubled")
    budgets = (1, 1, 0.01, 0, 0, 0)
    units = ("apart", "apart", "off 0.5", "views", "votes", "votes")
    rows = zip(names, budgets, units, strict=True)
    return [Figure(f"study, worst of {SEEDS} seeds: {name}", found[name], unit, most) for name, most, unit in rows]


def next_pair(recordings: Recordings, folder: Path) -> list[Figure]:
    """The 95th percentile of the next pair and of a vote, with 100,000 assignments in the table."""
    found = child(folder / "next", "next")
    return [
        Figure(f"next pair, p95, {found['assignments']:,} assignments", found["next"], "ms", 50),
        Figure("vote, p95, same table", found["vote"], "ms", 50),
        Figure("rater's page over HTTP, p95, same table", found["page"], "ms", 50),
    ]


def child(folder: Path, *what: str) -> dict[str, float]:
    """Measure in a process of its own, on a home of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    home = {**environment(folder), "BENCH_STUDY_SEEDS": str(SEEDS), "DJANGO_SETTINGS_MODULE": "mixassist_site.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=home, check=True)
    command = [sys.executable, "-m", "bench.studies", *what]
    told = subprocess.run(command, cwd=ROOT, env=home, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told.splitlines()[-1])


def made(ratings: int, trials: int, items: int = ITEMS):
    """A study without files: rows in conversations of four, answers as short texts."""
    from annotation.models import Project, Snapshot
    from evaluation import pairing, protocol
    from evaluation.reading import Row
    from mixassist_site.jobs import State
    from modeling.models import BaseModel, Candidate, Generation

    project = Project.objects.create(slug=f"p{time.monotonic_ns()}", name="Bench")
    snapshot = Snapshot.objects.create(
        project=project,
        name="bench",
        state=State.SUCCEEDED,
        content_hash="0" * 64,
        counts={"test": items},
        folder="b/1",
    )
    rows = [
        Row(f"test/c{n // 4}/{n}", {"summary": None, "turns": [], "asked": f"And number {n}?"}, "", True, "drums")
        for n in range(items)
    ]
    generations = []
    for each in range(CONTENDERS):
        base, _ = BaseModel.objects.get_or_create(key=f"base-{each}")
        generation = Generation.objects.create(
            project=project, snapshot=snapshot, source="base", base=base, state=State.SUCCEEDED
        )
        given = (Candidate(generation=generation, row=row.row, text=f"Way {each}: cut it.") for row in rows)
        Candidate.objects.bulk_create(given)
        generations.append(generation)
    pairing.rows_of = lambda path, split: rows
    plan = protocol.Plan(snapshot, "test", tuple(generations), 1, ratings=ratings, trials=trials)
    study = protocol.create(plan)
    protocol.open_study(study)
    return study


def measure_balance(part: str) -> dict[str, float]:
    """The worst of the seeds of one of several processes, `0/2` or `1/2`."""
    from evaluation import simulation

    study = made(ratings=100, trials=TRIALS)
    worst = dict.fromkeys(("cells", "items", "left", "repeat_views", "lost", "doubled"), 0.0)
    first, step = map(int, part.split("/"))
    for seed in range(first, SEEDS, step):
        told = simulation.simulate(study, raters=RATERS, dropout=DROPOUT, seed=seed)
        seen = {name: told[name]["max"] - told[name]["min"] for name in ("cells", "items")}
        seen["left"] = max(abs(share - 0.5) for share in told["left_share"].values())
        seen |= {name: told[name] for name in ("repeat_views", "lost", "doubled")}
        worst = {name: max(worst[name], value) for name, value in seen.items()}
        print(seed, seen, file=sys.stderr, flush=True)
    return worst


def measure_next() -> dict[str, float]:
    """A study that is half full beside others, and raters who come to it."""
    from datetime import timedelta

    from django.test import Client
    from django.utils import timezone

    from evaluation import assignment, protocol, voting
    from evaluation.models import Assignment, Comparison, Item

    study, later = made(ratings=100, trials=TRIALS), timezone.now() + timedelta(days=1)
    fill(study, ASSIGNMENTS // 2, later)  # half of them are this study's, half another's
    fill(made(ratings=100, trials=TRIALS), ASSIGNMENTS - Assignment.objects.count(), later)
    Comparison.objects.filter(item__study=study).update(placed=40, lo_left=20)
    Item.objects.filter(study=study).update(placed=240)
    times: dict[str, list[float]] = {"next": [], "vote": [], "page": [], "next_cpu": []}
    for rater in protocol.invite(study, 20):
        rater.start()
        client, address = Client(HTTP_HOST="localhost"), rater.get_absolute_url()
        for _ in range(10):
            began, busy = time.perf_counter(), time.process_time()
            served = assignment.next_for(rater)
            times["next"].append(time.perf_counter() - began)
            times["next_cpu"].append(time.process_time() - busy)
            began = time.perf_counter()
            assert client.get(address).status_code == 200
            times["page"].append(time.perf_counter() - began)
            began = time.perf_counter()
            voting.vote(rater, served.token, served.left_token)
            times["vote"].append(time.perf_counter() - began)
    total = Assignment.objects.count()
    return {name: 1000 * sorted(each)[int(0.95 * len(each))] for name, each in times.items()} | {"assignments": total}


def fill(study, count: int, later) -> None:
    """Rated pairs of another study."""
    from evaluation import protocol
    from evaluation.models import Assignment, Comparison, Response

    cells = list(Comparison.objects.filter(item__study=study).select_related("item"))
    first: dict[int, Comparison] = {}
    for cell in cells:
        first.setdefault(cell.item_id, cell)
    answers = {(one.item_id, one.contender_id): one for one in Response.objects.filter(item__study=study)}
    rows = []
    for rater in protocol.invite(study, count // ITEMS + 1, prefix="Filled", is_simulated=True):
        for n, cell in enumerate(first.values(), start=1):
            left, right = (answers[cell.item_id, who] for who in (cell.lo_id, cell.hi_id))
            kind = {"rater": rater, "comparison": cell, "item": cell.item, "left": left, "right": right}
            rows.append(Assignment(**kind, number=n, lease_until=later, state="rated"))
    Assignment.objects.bulk_create(rows[:count], batch_size=2000)


ARMS = {"studies": lambda *where: balance(*where) + next_pair(*where)}

if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps({"balance": measure_balance, "next": measure_next}[sys.argv[1]](*sys.argv[2:])))
