"""What Celery's messages ring for; the rows say what is to be done."""

from celery import shared_task

from evaluation import execute
from evaluation.models import Analysis, JudgeRun, MetricRun


@shared_task  # type: ignore[untyped-decorator]
def measure_answers(run_id: int) -> None:
    """Compute the metrics of a study's answers."""
    execute.measure(MetricRun.objects.get(pk=run_id))


@shared_task  # type: ignore[untyped-decorator]
def judge_study(run_id: int) -> None:
    """Ask a judge about a study."""
    if run := JudgeRun.objects.filter(pk=run_id).first():
        execute.judge_study(run)


@shared_task  # type: ignore[untyped-decorator]
def analyse_study(analysis_id: int) -> None:
    """Compute what a study's votes say."""
    execute.analyse(Analysis.objects.get(pk=analysis_id))
