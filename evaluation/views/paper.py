"""The paper's tables from one's own study."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation import paper
from evaluation.views.reports import finished, readable_study
from mixassist_site.http import MemberRequest


@require_safe
def tables(request: MemberRequest, pk: int) -> HttpResponse:
    """Human outcomes, judges and metrics as the newest report has them, beside what the paper states."""
    study = readable_study(request, pk)
    analysis = finished(study).first()
    context = {"study": study, "project": study.project, "analysis": analysis, "stated": paper.decided_in_paper()}
    if analysis:
        result = analysis.result
        context |= {"human": paper.human_tables(result), "judges": paper.judge_rows(result), "report": result}
    return render(request, "evaluation/paper.html", context)
