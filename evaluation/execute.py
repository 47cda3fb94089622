"""Work metrics, analyses and judges: a child computes or asks, this publishes the result."""

import json
import shutil
from functools import partial

from django.conf import settings

from evaluation import asking, measuring
from evaluation.models import JudgeRun, MetricRun
from evaluation.votes import votes_of
from mixassist_site.child import Event, run_child
from mixassist_site.jobs import Lease, works
from modeling.execute import written


@works(MetricRun)
def measure(run: MetricRun, lease: Lease) -> None:
    """Let a child score every answer of a study against what the expert said."""
    lease.report(0, 0, "Reads the answers", at_once=True)
    references, answers = measuring.inputs_of(run.study)
    attempt = run.folder / str(lease.fence)
    asked = {"model": run.model, "revision": run.revision, "layer": run.layer, "baseline": run.baseline}
    request = {
        "references": references,
        "answers": answers,
        "contenders": list(answers),  # a request's keys are sorted
        "out": str(attempt / "result.json"),
        "seed": run.seed,
        "bertscore": {**asked, "tiny": str(settings.MODELS_ROOT / "tiny-bert")} if run.model else None,
    }
    run_child("evaluation.metrics", written(attempt / "request.json", request), lease, partial(_hear, lease))
    result = json.loads((attempt / "result.json").read_text(encoding="utf-8"))
    votes = votes_of(run.study)
    result |= {"tau": measuring.concords(result, votes), "votes": len(votes)}
    found = measuring.input_hash(references, answers, run)
    with lease.publication(result=result, input_hash=found, note=""):
        pass
    shutil.rmtree(run.folder, ignore_errors=True)


def _hear(lease: Lease, event: Event) -> None:
    if event.get("event") == "step":
        lease.report(event["done"], event["total"], event["note"])


@works(JudgeRun)
def judge_study(run: JudgeRun, lease: Lease) -> None:
    """Ask a judge about a study."""
    asking.judge(run, lease)
