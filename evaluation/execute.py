"""Work metrics, analyses and judges: a child computes or asks, this publishes the result."""

import gc
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings

from evaluation import analysis, asking, drawing, launch, measuring
from evaluation.errors import StudyError
from evaluation.findings import whole
from evaluation.findings.votes import columns
from evaluation.flags import looked_at
from evaluation.freshness import code_version, is_current, newest_rating
from evaluation.models import Analysis, JudgeRun, MetricRun, Study
from evaluation.votes import votes_of
from mixassist_site.child import Event, run_child
from mixassist_site.jobs import JobStopped, Lease, State, works
from modeling.execute.files import written

log = logging.getLogger(__name__)


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


@works(Analysis)
def analyse(job: Analysis, lease: Lease) -> None:
    """Compute what a study's votes say, and freeze it."""
    study = job.study
    lease.report(0, 3, "Reads the votes", at_once=True)
    newest = newest_rating(study)
    with _uncollected():
        rows = looked_at(study)
        facts = analysis.facts_of(study, rows)
        everyone = [vote for vote in rows if vote.kind == "main"]
        if lease.should_stop():
            raise JobStopped
        lease.report(1, 3, "Estimates and resamples", at_once=True)
        names = list(study.contenders.order_by("pk").values_list("name", flat=True))
        votes = columns(everyone, names)
        result = whole.report(facts, votes, draws=job.draws, seed=job.seed)
    if lease.should_stop():
        raise JobStopped
    lease.report(2, 3, "Writes it down", at_once=True)
    made = {
        "votes_seen": newest,
        "input_hash": analysis.input_hash(facts, votes),
        "code_version": code_version(),
        "sha256": hashlib.sha256(whole.as_bytes(result)).hexdigest(),
    }
    with lease.publication(result=result, note="", **made):
        pass
    job.refresh_from_db()
    try:
        drawing.folder_of(job)
    except drawing.DrawingFailed:
        log.warning("the figures of %s are drawn when they are asked for", job)  # the numbers stand without them


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let a hundred thousand votes be read without the collector looking through them again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def report_of(study: Study, seed: int = 0) -> Analysis:
    """The newest analysis if nothing has changed since, else a new one, computed here.

    Raises StudyError where another process computes it just now, or it can't be computed.
    """
    newest = Analysis.objects.filter(study=study).finished().select_related("study").first()
    if newest and newest.seed == seed and is_current(newest):
        return newest
    job = launch.start_analysis(study, seed=seed)
    if not analyse(job):
        raise StudyError("busy", "A worker computes this report already; try again when it has finished.")
    job.refresh_from_db()
    if job.state != State.SUCCEEDED:
        raise StudyError(job.error_code or "stopped", job.error_message or "The report was stopped.")
    return job
