"""What a study's votes say, for those who may know."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation import drawing, reports
from evaluation.models import Study
from evaluation.views.studies import visible_study
from mixassist_site.http import MemberRequest


@require_safe
def report(request: MemberRequest, pk: int) -> HttpResponse:
    """The report page."""
    found = readable_study(request, pk)
    context = {"study": found, "project": found.project, "report": reports.report_of(found)}
    return render(request, "evaluation/report.html", context)


@require_safe
def figure(request: MemberRequest, pk: int) -> HttpResponse:
    """The report's figure; its address stays, its tag follows the votes."""
    found = readable_study(request, pk)
    made = reports.report_of(found)
    tag = f'"{made.input_hash[:32]}-{made.code_version}"'
    if request.headers.get("If-None-Match") == tag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(drawing.svg(made), content_type="image/svg+xml")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def readable_study(request: MemberRequest, pk: int) -> Study:
    """A visible study whose results this person may read; 403 otherwise."""
    found = visible_study(request, pk)
    if not request.user.has_perm("evaluation.read_results", found):
        raise PermissionDenied
    return found
