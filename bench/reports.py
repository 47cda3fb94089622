"""A study with a hundred thousand votes: its report computed anew, and the page that shows it."""

import json
import subprocess
import sys
from pathlib import Path

from bench.measure import ROOT, Figure, Recordings, environment

RATERS, ITEMS, CONTENDERS = 200, 500, 3
_SCRIPT = """
import json, random, time
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from annotation.models import Person, Project, Snapshot
from evaluation import drawing, execute, launch
from evaluation.models import Assignment, Comparison, Contender, Item, Rater, Rating, Response, Study
from evaluation.models.rater import digest_of
from modeling.models import Candidate, Generation

random.seed(7)
raters, items, contenders = {raters}, {items}, {contenders}
project = Project.objects.create(slug="bench", name="Bench")
snapshot = Snapshot.objects.create(project=project, name="s", state="succeeded", folder="s/1", content_hash="a" * 64)
now = timezone.now()
study = Study.objects.create(
    project=project, snapshot=snapshot, title="Bench", question="Which is better?", state="closed",
    frozen_hash="b" * 64, opened_at=now, closed_at=now, protocol={{"trials_per_rater": items}},
    ratings_per_comparison=raters // 3,
)
made = [
    Contender.objects.create(
        study=study, name=f"source-{{n}}",
        generation=Generation.objects.create(
            project=project, snapshot=snapshot, source="imported", name=f"source-{{n}}", state="succeeded"),
    )
    for n in range(contenders)
]
Item.objects.bulk_create(
    Item(study=study, row=f"test/c{{n // 5}}/{{n}}", position=n, topic=["drums", "bass", "keys"][n % 3])
    for n in range(items)
)
rows = list(Item.objects.order_by("position"))
words = "Cut a little of the bass around eighty hertz and listen to the kick again. "
for contender in made:
    answers = [
        Candidate(generation=contender.generation, row=item.row, text=words * random.randint(1, 5)) for item in rows
    ]
    Candidate.objects.bulk_create(answers)
    Response.objects.bulk_create(
        Response(item=item, contender=contender, candidate=answer, text=answer.text, shown=answer.text, sha256="c" * 64)
        for item, answer in zip(rows, answers, strict=True)
    )
said = {{(each.item_id, each.contender_id): each for each in Response.objects.all()}}
pairs = [(a, b) for n, a in enumerate(made) for b in made[n + 1 :]]
Comparison.objects.bulk_create(Comparison(item=item, lo=a, hi=b) for item in rows for a, b in pairs)
cells = {{(each.item_id, each.lo_id, each.hi_id): each for each in Comparison.objects.all()}}
Rater.objects.bulk_create(
    Rater(study=study, number=n + 1, label=f"Rater {{n + 1}}", digest=digest_of(str(n)), started_at=now)
    for n in range(raters)
)
for number, rater in enumerate(Rater.objects.order_by("number")):
    shown = []
    for place, item in enumerate(rows):
        a, b = pairs[(number + place) % len(pairs)]
        left, right = (a, b) if random.random() < 0.5 else (b, a)
        shown.append(
            Assignment(
                rater=rater, item=item, comparison=cells[item.pk, a.pk, b.pk], left=said[item.pk, left.pk],
                right=said[item.pk, right.pk], number=place + 1, lease_until=now, state="rated",
            )
        )
    Assignment.objects.bulk_create(shown)
    choices = random.choices(["left", "right", "both_good", "both_bad"], [4, 4, 1, 1], k=len(shown))
    Rating.objects.bulk_create(
        Rating(assignment=each, choice=choice, ms_to_vote=random.randint(9000, 60000))
        for each, choice in zip(shown, choices, strict=True)
    )
drawing_of, drawing.folder_of = drawing.folder_of, lambda analysis: None
autodiscover_modules("execute")  # a worker that runs has its hands already
job = launch.start_analysis(study)
began = time.perf_counter()
assert execute.analyse(job)
computed = time.perf_counter() - began
job.refresh_from_db()
assert job.state == "succeeded", job.error_message
began = time.perf_counter()
drawing_of(job)
drawn = time.perf_counter() - began
client = Client()
client.force_login(Person.objects.create_superuser(username="sue", password="x"))
times = []
for _ in range(60):
    began = time.perf_counter()
    assert client.get(f"/studies/{{study.pk}}/report/").status_code == 200
    times.append(time.perf_counter() - began)
times = sorted(times[5:])
p95 = times[int(0.95 * len(times))]
print(json.dumps({{"votes": job.result["votes"], "computed": computed, "drawn": drawn, "p95": p95}}))
"""


def measure(recordings: Recordings, folder: Path) -> list[Figure]:
    """Two hundred raters on five hundred items."""
    env = environment(folder / "home") | {"ALLOWED_HOSTS": "testserver"}
    script = _SCRIPT.format(raters=RATERS, items=ITEMS, contenders=CONTENDERS)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True, capture_output=True)
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v0", "-c", script]
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    told = json.loads(answer.stdout.strip().splitlines()[-1])
    return [
        Figure(f"report of {told['votes']:,} votes computed, read and frozen", told["computed"], "s", 3.0),
        Figure("its figures drawn by a child", told["drawn"], "s"),
        Figure("the report page from its snapshot, p95", 1000 * told["p95"], "ms", 300.0),
    ]


ARMS = {"reports": measure}
