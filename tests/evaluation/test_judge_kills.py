"""Workers are killed while they ask a judge: every question is bought once, and none is lost."""

import json
import os
import random
import signal
import threading
import time

import pytest
from django.db import connection, transaction

from evaluation import execute, judges, panel
from evaluation.models import JudgeCall
from evaluation.models.judge import tallied
from mixassist_site.jobs import State
from tests.evaluation.studies import study_of
from tests.modeling.app.things import eventually, kill, python

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = int(os.environ.get("JUDGE_KILLS", "1"))  # 20 and 84 are the whole of it: 504 questions
ITEMS = int(os.environ.get("JUDGE_ITEMS", "3"))


def test_killed_workers_buy_every_question_once_within_the_budget(project, settings, judge):
    study = study_of(project, items=ITEMS)
    fake = judge(wait_s=0.03)
    told = {"max_parallel": 3, "timeout_s": 20}
    settings.JUDGE_ENDPOINTS = {"fake": fake.endpoint(**told)}
    wanted = ITEMS * 6
    run = judges.start(study, "fake", judges.Options(probes=0, repeats=0, max_calls=wanted))
    environment = {"JUDGE_ENDPOINTS": json.dumps(settings.JUDGE_ENDPOINTS), "JOB_LEASE_SECONDS": "2"}
    rng = random.Random(1)
    killed = 0
    while killed < KILLS:
        settled = run.calls.filter(state=JudgeCall.State.OK).count()
        worker = python("manage.py", "worker", "--queue", "cpu", **environment)
        goal = min(settled + rng.randint(1, max(1, (wanted - 1) // KILLS)), wanted - 1)
        eventually(lambda goal=goal: run.calls.filter(state=JudgeCall.State.OK).count() >= goal, 90)
        time.sleep(rng.uniform(0, 0.1))
        os.killpg(worker.pid, signal.SIGKILL)  # all that a service manager ends; who asks stands apart
        worker.communicate(timeout=30)
        killed += 1
    worker = python("manage.py", "worker", "--queue", "cpu", **environment)
    eventually(lambda: type(run).objects.get(pk=run.pk).is_over, 120)
    kill(worker)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED, run.error_message
    assert set(fake.bought().values()) == {1}  # each question once, whoever died
    assert len(fake.asked) == wanted == judges.told(run, tallied(run.calls))["calls"]
    assert tallied(run.calls)["scored"] == wanted
    assert fake.probed == 1
    before = panel.panel_of(study).input_hash
    again = judges.start(study, "fake", judges.Options(probes=0, repeats=0, max_calls=1))
    execute.judge_study(again)
    told = judges.told(again, tallied(again.calls))
    assert (told["calls"], told["cached"], told["scored"]) == (0, wanted, wanted)
    assert panel.panel_of(study).input_hash == before
    assert len(fake.asked) == wanted


def test_of_two_runs_of_one_judge_that_are_claimed_at_once_one_begins(project, settings, judge):
    """Its endpoint's limits hold over all runs; on PostgreSQL neither claim would see the other by itself."""
    settings.JUDGE_ENDPOINTS = {"fake": judge().endpoint()}
    study = study_of(project, items=1)
    first, second = (judges.start(study, "fake", judges.Options(probes=0, repeats=n)) for n in (0, 1))
    held, leave, won = threading.Event(), threading.Event(), {}

    def claim(run, name):
        with transaction.atomic():
            won[name] = run.claim(name)
            held.set()
            leave.wait(20)
        connection.close()

    one = threading.Thread(target=claim, args=(first, "one"))
    one.start()
    assert held.wait(20)
    other = threading.Thread(target=claim, args=(second, "other"))
    other.start()
    time.sleep(0.3)  # the other is at the door by now
    leave.set()
    for thread in (one, other):
        thread.join()
    assert won == {"one": True, "other": False}
