"""A study's metrics: computed by a job, shown beside floor and ceiling, and compared with its votes."""

import json

import pytest
from django.core.management import CommandError, call_command

from evaluation import execute, launch, measuring, protocol
from evaluation.models import MetricRun
from mixassist_site.jobs import State
from tests.evaluation.studies import study_of
from tests.evaluation.test_report import vote


@pytest.fixture
def study(project):
    return study_of(project, items=5, contenders=3)


@pytest.mark.torch
def test_the_job_scores_every_contender_and_the_page_shows_it(client, rita, ada, study):
    vote(study, lambda rater: ["tiny"])
    client.force_login(ada)
    assert client.post(f"/studies/{study.pk}/metrics/").status_code == 302
    run = MetricRun.objects.get()
    assert execute.measure(run)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED
    assert not run.folder.exists()
    expert, tiny, _ = run.result["contenders"]
    assert expert["is_reference"] and expert["bleu"]["value"] == pytest.approx(100)
    assert tiny["bleu"]["value"] < 20
    assert tiny["bertscore"]["value"] < 1
    tau = run.result["tau"]["bleu"]
    assert tau["same"] + tau["other"] + tau["tied"] == 5  # each item's pair of the two that aren't the reference
    client.force_login(rita)
    page = client.get(f"/studies/{study.pk}/metrics/").content.decode()
    assert "is the reference" in page
    assert "nrefs:1|case:mixed" in page
    assert "nan" not in page.lower().split()
    told = client.get(f"/api/v1/studies/{study.pk}/metrics/").json()
    assert told["scores"]["expert"].keys() == {f"test/c{n // 4}/{n}" for n in range(5)}


def test_a_model_that_is_not_here_costs_bertscore_alone(study, settings, capsys):
    settings.BERTSCORE_MODEL = str(settings.MIXASSIST_HOME / "nowhere")
    call_command("metrics", str(study.pk), "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["contenders"][0]["bertscore"] is None
    assert told["contenders"][0]["rouge_l"]["value"] == 1
    assert told["limits"][0].startswith("There is no BERTScore. BERTScore's model")


def test_a_second_start_is_the_first(study):
    assert launch.start_metrics(study) == launch.start_metrics(study)


def test_a_draft_and_an_unknown_study_are_refused_in_a_sentence(project):
    draft = study_of(project, opened=False)
    with pytest.raises(CommandError, match="Open the study first"):
        call_command("metrics", str(draft.pk))
    with pytest.raises(CommandError, match="There is no study"):
        call_command("metrics", "999")
    protocol.open_study(draft)


class Vote:
    item = "a"

    def __init__(self, one, other, winner):
        self.one, self.other, self.winner = one, other, winner


def test_tau_leaves_out_the_answer_that_is_the_reference():
    scores = {name: {"a": [score, score, None]} for name, score in (("expert", 100), ("x", 9), ("y", 3))}
    rows = [{"name": name, "is_reference": name == "expert"} for name in scores]
    votes = [Vote("expert", "x", "x"), Vote("x", "y", "x"), Vote("x", "y", "x"), Vote("x", "y", None)]
    found = measuring.concords({"scores": scores, "contenders": rows}, votes)
    assert (found["bleu"]["tau"], found["bleu"]["same"], found["bleu"]["other"]) == (1, 2, 0)
    assert found["bertscore"]["tau"] is None
