"""Whether an analysis still says what the votes say; cheap enough for every page."""

import hashlib
from functools import lru_cache
from pathlib import Path

from django.db.models import Count, Max

from evaluation.models import Analysis, JudgeRun, MetricRun, Rating, Study
from mixassist_site.jobs import State

COMPUTE = (
    "stats/*.py", "findings/*.py", "metrics/*.py", "opinions/*.py", "judging/probes.py", "analysis.py", "panel.py",
    "votes.py",
)  # fmt: skip


def newest_rating(study: Study) -> int:
    """The key of the newest rating: what tells that an analysis is behind."""
    return Rating.objects.filter(assignment__rater__study=study).aggregate(last=Max("pk"))["last"] or 0


def is_current(analysis: Analysis) -> bool:
    """Whether nothing has changed since that it was computed from: votes, exclusions, metrics, state or code."""
    study, result = analysis.study, analysis.result
    left_out = study.raters.exclude(excluded_for="").order_by().values_list("excluded_for").annotate(n=Count("pk"))
    run = MetricRun.objects.filter(study=study).finished().values_list("input_hash", flat=True).first()
    return (
        analysis.votes_seen == newest_rating(study)
        and analysis.code_version == code_version()
        and result["study"]["state"] == study.state
        and result["flow"]["excluded"] == dict(left_out)
        and (result["metrics"] or {}).get("input_hash") == run
        and {judge["run"] for judge in result["judges"]} == set(newest_judges(study))
    )


def newest_judges(study: Study) -> list[int]:
    """The newest finished run of each judge."""
    runs = JudgeRun.objects.filter(study=study, state=State.SUCCEEDED).order_by()
    return list(runs.values("judge").annotate(newest=Max("pk")).values_list("newest", flat=True))


@lru_cache(maxsize=1)
def code_version() -> str:
    """The hash of the code that computes reports and panels: it changes when their numbers might."""
    here = Path(__file__).parent
    files = sorted(path for part in COMPUTE for path in here.glob(part))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
