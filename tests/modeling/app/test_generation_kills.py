"""Answers of several adapters, whose worker or child is killed: no hole, none twice, and those of an undisturbed run.

120 rows, two adapters and two kills by default; `GENERATION_ROWS=600 GENERATION_ADAPTERS=3 MIXASSIST_KILLS=5` is the
whole trial.
"""

import os
import random
import signal
import time

import pytest

from mixassist_site.jobs import State
from modeling import execute
from modeling.models import Candidate, Generation
from tests.modeling.app.things import child_of, eventually, frozen, generation_of, kill, python, run_of
from tests.modeling.cores.miniature import rows_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
ROWS = int(os.environ.get("GENERATION_ROWS", "120"))
ADAPTERS = int(os.environ.get("GENERATION_ADAPTERS", "2"))
KILLS = int(os.environ.get("MIXASSIST_KILLS", "2"))
DECODING = {"max_new_tokens": 48, "temperature": 0.8}


def texts(generation):
    return sorted(generation.candidates.values_list("row", "index", "text", "seed"))


def test_killed_workers_and_children_leave_no_hole_and_nothing_twice(project):
    snapshot = frozen(project, splits={"train": rows_of("train", 4), "test": rows_of("test", ROWS)})
    generations = []
    for seed in range(ADAPTERS):
        run = run_of(snapshot, f"seed {seed}", config={"max_steps": 1, "examples_per_step": 2, "seed": seed})
        execute.train(run)
        run.refresh_from_db()
        generations.append(
            generation_of(snapshot, source="adapter", adapter=run.adapter, answers=2, decoding=DECODING, seed=seed)
        )
    seed = random.randrange(2**32)
    print(f"seed of the kills: {seed}")
    dice, wanted, blows = random.Random(seed), ROWS * 2 * ADAPTERS, []
    worker = python("manage.py", "worker")
    try:
        for number in range(KILLS):
            # somewhere in its share of the whole, whoever works just then
            least = wanted * number // KILLS + dice.randrange(1, max(2, wanted // KILLS // 2))
            eventually(lambda least=least: Candidate.objects.count() >= least, 120)
            time.sleep(dice.uniform(0, 0.05))
            child = child_of(worker)
            if number % 2 and child:
                os.kill(child, signal.SIGKILL)
            else:
                kill(worker)
                worker = python("manage.py", "worker")
            blows.append(("child" if number % 2 and child else "worker", Candidate.objects.count()))
        over = Generation.objects.filter(state=State.SUCCEEDED)
        eventually(lambda: over.count() == ADAPTERS, 900)
    finally:
        kill(worker)
    print(f"killed, with the answers that were stored then: {blows}; of {wanted}")
    for generation in generations:
        told = list(generation.candidates.values_list("row", "index"))
        assert len(told) == len(set(told)) == 2 * ROWS
    first = generations[0]
    undisturbed = generation_of(
        snapshot, source="adapter", adapter=first.adapter, answers=2, decoding=DECODING, seed=first.seed
    )
    execute.generate(undisturbed)
    assert texts(undisturbed) == texts(first)
