"""Write the row of an analysis or of a study's metrics, and ring for it once it is committed; closing asks for one."""

import uuid
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from annotation.models import Person
from evaluation import protocol
from evaluation.errors import StudyError
from evaluation.models import Analysis, MetricRun, Study
from mixassist_site.jobs import Job, State, ring

MOVING = (State.QUEUED, State.RUNNING)


def start_metrics(study: Study, *, by: Person | None = None, seed: int = 0, key: uuid.UUID | None = None) -> MetricRun:
    """Queue the metrics of a study's answers; while one waits or runs, that one is meant."""
    if study.is_draft:
        raise StudyError("draft", "Open the study first: a draft's answers may still change.")
    under_way = MetricRun.objects.filter(study=study, state__in=MOVING).first()
    if under_way:
        return under_way
    job = MetricRun(
        project=study.project,
        study=study,
        model=settings.BERTSCORE_MODEL,
        revision=settings.BERTSCORE_REVISION,
        layer=settings.BERTSCORE_LAYER,
        baseline=settings.BERTSCORE_BASELINE,
        seed=seed,
        created_by=by,
    )
    return _queue(job, key)


def start_analysis(study: Study, *, by: Person | None = None, seed: int = 0, key: uuid.UUID | None = None) -> Analysis:
    """Queue the analysis of a study's votes; while one waits or runs, that one is meant."""
    under_way = Analysis.objects.filter(study=study, state__in=MOVING).first()
    if under_way:
        return under_way
    return _analysis(study, by, seed, key)


def close_study(study: Study, by: Person | None = None) -> bool:
    """End the voting for good and queue the report of it; False when the study isn't open.

    One that is under way may have read the votes before the end, so this is always one of its own.
    """
    with transaction.atomic():
        closed = protocol.close_study(study, by)
        if closed:
            _analysis(study, by, 0, None)
    return closed


def _analysis(study: Study, by: Person | None, seed: int, key: uuid.UUID | None) -> Analysis:
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)  # one number at a time
        last = Analysis.objects.filter(study=study).aggregate(last=Max("number"))["last"] or 0
        job = Analysis(project=study.project, study=study, number=last + 1, seed=seed, created_by=by)
        return _queue(job, key)


J = TypeVar("J", Analysis, MetricRun)


def _queue(job: J, key: uuid.UUID | None) -> J:
    """Insert the row and ring on commit; whoever comes second with a key gets the first one's row."""
    if key:
        job.key = key
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            transaction.on_commit(partial(ring, job))
    except IntegrityError:
        earlier: Job | None = type(job)._default_manager.filter(key=job.key).first()
        if not isinstance(earlier, type(job)) or earlier.study_id != job.study_id:
            raise StudyError("taken", "Somebody asked for this just now; look at the page again.") from None
        return earlier
    return job
