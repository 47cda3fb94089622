"""An experiment trains its arms on one base, compares them on the same turns, and goes on where it was stopped."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from mixassist_site import jobs
from mixassist_site.jobs import JobStopped, State
from modeling import execute, launch, outcomes
from modeling.bases import named
from modeling.execute import experiments
from modeling.models import Adapter, Experiment, TrainingRun
from modeling.outcomes import Result
from tests.modeling.app.things import experiment_of, frozen, run_of

SMALL = {"max_steps": 2, "examples_per_step": 4, "rank": 2, "alpha": 4, "validate_on": "all"}


@pytest.fixture
def snapshot(project):
    return frozen(project)


def start(snapshot, **fields):
    fields = {"design": "content", "seeds": [0, 1], **fields}
    return launch.start_experiment(project=snapshot.project, snapshot=snapshot, base=named("tiny"), **fields)


@pytest.mark.torch
@pytest.mark.django_db(transaction=True)
def test_its_adapters_are_those_that_the_runs_would_leave_alone(snapshot):
    arms = {"plain": {}, "pissa": {"variant": "pissa"}, "too wild": {"learning_rate": 1e30}, "after": {}}
    made = start(
        snapshot, design="own", arms=arms, seeds=[3], config={k: SMALL[k] for k in SMALL if k != "validate_on"}
    )
    assert execute.experiment(made)
    made.refresh_from_db()
    assert (made.state, made.error_code) == (State.FAILED, "runs-failed"), made.error_message
    assert "lower the learning rate" in made.error_message
    runs = {run.arm: run for run in made.runs.all()}
    assert [runs[arm].state for arm in arms] == ["succeeded", "succeeded", "failed", "succeeded"]
    assert runs["plain"].adapter.sha256 == runs["after"].adapter.sha256 != runs["pissa"].adapter.sha256
    assert len({runs[arm].record["validation_hash"] for arm in ("plain", "pissa", "after")}) == 1
    alone = run_of(snapshot, "alone", config={**SMALL, "seed": 3})
    execute.train(alone)
    assert alone.adapter.sha256 == runs["plain"].adapter.sha256

    assert made.retry()
    TrainingRun.objects.filter(pk=runs["too wild"].pk).update(config={**SMALL, "seed": 4})
    execute.experiment(made)
    made.refresh_from_db()
    assert (made.state, Adapter.objects.count()) == (State.SUCCEEDED, 5), made.error_message
    assert runs["plain"].fence < TrainingRun.objects.get(pk=runs["too wild"].pk).fence  # the others were left alone


@pytest.mark.django_db
def test_no_worker_takes_a_run_of_it_alone(snapshot):
    made = experiment_of(snapshot)
    assert jobs.next_job({"gpu"}) == made
    assert not made.runs.first().claim("someone")


@pytest.mark.django_db
def test_a_stop_ends_the_runs_that_wait_and_a_retry_wakes_them(snapshot):
    made = experiment_of(snapshot)
    made.runs.filter(arm="a", config__seed=0).update(state=State.SUCCEEDED)
    assert made.request_cancel()
    assert sorted(made.runs.values_list("state", flat=True)) == ["cancelled"] * 3 + ["succeeded"]
    made.refresh_from_db()
    assert made.retry()
    assert sorted(made.runs.values_list("state", flat=True)) == ["queued"] * 3 + ["succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_stop_half_way_leaves_no_run_that_seems_to_run(snapshot, monkeypatch):
    made = experiment_of(snapshot)

    def stopped(module, request, lease, hear):
        asked = json.loads(request.read_text())["runs"]
        hear({"event": "started", "run": asked[0]["key"], "snapshot_hash": snapshot.content_hash})
        assert made.runs.filter(state=State.RUNNING).count() == 1
        raise JobStopped

    monkeypatch.setattr(experiments, "run_child", stopped)
    execute.experiment(made)
    made.refresh_from_db()
    assert made.state == State.QUEUED
    assert set(made.runs.values_list("state", flat=True)) == {State.QUEUED}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"design": "luck"}, "one of reproduction"),
        ({"design": "own"}, "as JSON"),
        ({"design": "own", "arms": {"a,b": {}}}, "no comma"),
        ({"design": "own", "arms": {"a": {"seed": 1}}}, "the experiment's to set"),
        ({"design": "own", "arms": {"a": {"rnak": 1}}}, "The arm a will not do. There is no training option rnak"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": list(range(40))}, "at most 60 runs"),
        ({"config": {"seed": 1}}, "leave seed out"),
        ({"name": "expert, too"}, "no comma"),
    ],
)
def test_what_can_not_be_compared_is_refused_in_a_sentence(snapshot, fields, told):
    with pytest.raises(launch.LaunchError, match=told):
        start(snapshot, **fields)
    assert not Experiment.objects.exists() and not TrainingRun.objects.exists()


@pytest.mark.django_db
def test_every_arm_is_watched_on_the_same_turns(snapshot):
    made = start(snapshot, validate_on="content")
    assert made.runs.count() == 4
    assert {run.config["validate_on"] for run in made.runs.all()} == {"content"}
    assert [run.config["has_content_only"] for run in made.runs.order_by("pk")] == [True, True, False, False]
    assert start(snapshot).name == "Turns with content or all 2"


def test_the_table_has_mean_spread_and_paired_differences():
    """By hand: a = 1, 2, 3 and b = 1.5, 2.5, 3.8 over the same seeds; the gaps .5, .5, .8 have mean .6, SD .1732."""
    a = [Result("a", seed, loss, "v") for seed, loss in enumerate((1.0, 2.0, 3.0))]
    b = [Result("b", seed, loss, "v") for seed, loss in enumerate((1.5, 2.5, 3.8))]
    first, second = outcomes.table([*a, *b, Result("b", 9, None)])
    assert (first.mean, first.spread, first.difference) == (2.0, 1.0, None)
    assert (second.count, second.planned, second.pairs) == (3, 4, 3)
    assert second.difference == pytest.approx(0.6)
    assert second.margin == pytest.approx(4.303 * 0.173205 / 3**0.5, rel=1e-3)
    assert outcomes.watch_the_same([*a, *b])
    assert not outcomes.watch_the_same([*a, Result("b", 1, 2.0, "w")])


def test_the_figure_keeps_everything_within_its_frame():
    results = [Result("a", 0, 2.31, "v"), Result("a", 1, 2.35, "v"), Result("b", 0, 2.29, "v"), Result("c", 0, None)]
    drawn = outcomes.figure(results)
    assert [lane.arm for lane in drawn.lanes] == ["a", "b", "c"]
    places = [x for lane in drawn.lanes for x in (*lane.dots, lane.mean, lane.from_x, lane.to_x) if x is not None]
    assert all(drawn.left <= x <= drawn.right for x in places)
    assert drawn.lanes[1].dots[0] < drawn.lanes[0].dots[0] < drawn.lanes[0].dots[1]
    assert outcomes.figure([Result("a", 0, None)]) is None
    assert outcomes.figure([Result("a", 0, 2.0)]) is not None


@pytest.mark.django_db
def test_its_page_tells_the_table_and_its_csv_every_run(ada, snapshot, client, django_assert_max_num_queries):
    made = experiment_of(snapshot, question="Does rank matter?")
    for at, run in enumerate(made.runs.order_by("pk")):
        record = {"eval_loss": 2.0 + at / 10, "last_loss": 1.5, "validation_hash": "v" if at < 3 else "w"}
        TrainingRun.objects.filter(pk=run.pk).update(record=record, state=State.SUCCEEDED)
    client.force_login(ada)
    with django_assert_max_num_queries(12):
        page = client.get(f"/experiments/{made.pk}/").content.decode()
    assert "Does rank matter?" in page
    assert "2.0500" in page  # the mean of a
    assert "can’t be compared" in page
    lines = client.get(f"/experiments/{made.pk}/table/").content.decode().splitlines()
    assert len(lines) == 5
    told = client.get(f"/api/v1/experiments/{made.pk}/").json()
    assert [row["arm"] for row in told["table"]] == ["a", "b"]
    assert told["same_validation"] is False
    assert "Compare" in client.get("/projects/songs/runs/").content.decode()


@pytest.mark.django_db
def test_it_is_started_from_a_form_that_says_why_not(ada, snapshot, client):
    client.force_login(ada)
    door, form = "/projects/songs/experiments/new/", {"snapshot": snapshot.pk, "base": "tiny", "validate_on": "all"}
    form |= {"key": "7f1b4b58-7f3e-4a3b-9d55-2f1d1d0a9c11", "seeds": "0, 1", "design": "own"}
    for changes, told in (
        ({}, "Give the arms as JSON"),
        ({"arms": "{"}, "Enter a valid JSON"),
        ({"design": "scaling", "seeds": "one"}, "whole numbers with commas"),
        ({"design": "scaling", "config": "[1]"}, "Give options by name"),
        ({"design": "scaling", "config": '{"rnak": 1}'}, "There is no training option rnak"),
    ):
        answer = client.post(door, {**form, **changes})
        assert answer.status_code == 400
        assert told in answer.content.decode()
    for _ in range(2):  # the same form sent twice is one experiment
        client.post(door, {**form, "design": "scaling"})
    assert Experiment.objects.get().runs.count() == 6


@pytest.mark.django_db
def test_the_shell_starts_it_too(snapshot):
    out = StringIO()
    call_command("experiment", "mini", "--base", "tiny", "--design", "seeds", "--seeds", "1,2", "--json", stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    assert told["table"][0]["planned"] == 2
    with pytest.raises(CommandError, match="Write seeds as"):
        call_command("experiment", "mini", "--base", "tiny", "--seeds", "x")
