"""Automatic metrics of a study's answers, beside what its raters prefer."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from evaluation import launch
from evaluation.errors import StudyError
from evaluation.models import MetricRun
from evaluation.views.reports import readable_study
from mixassist_site.http import MemberRequest


@require_http_methods(["GET", "HEAD", "POST"])
def metrics(request: MemberRequest, pk: int) -> HttpResponse:
    """The newest metrics and the job that makes the next; POST queues one."""
    study = readable_study(request, pk)
    may_start = request.user.has_perm("evaluation.manage_study", study)
    if request.method == "POST":
        if not may_start:
            raise PermissionDenied
        try:
            launch.start_metrics(study, by=request.user)
        except StudyError as error:
            messages.error(request, error.message)
        return redirect("study-metrics", study.pk)
    runs = MetricRun.objects.filter(study=study).defer("result")
    done = MetricRun.objects.filter(study=study).finished().first()
    context = {
        "study": study,
        "project": study.project,
        "job": runs.order_by("-pk").first(),
        "run": done,
        "may_start": may_start,
        "may_steer": request.user.has_perm("modeling.steer_job", study),
    }
    return render(request, "evaluation/metrics.html", context)
