"""What a study's votes say, for those who may know: read from a frozen analysis, computed by a job."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import drawing, figures, launch, reports, tables
from evaluation.findings.moving import changes as moved
from evaluation.freshness import is_current
from evaluation.models import Analysis, Rating, Study, StudyAct
from evaluation.views.studies import visible_study
from mixassist_site.http import MemberRequest, page_of

TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png", "html": "text/html; charset=utf-8"}
MAX_SEARCH = 200
DARK = "-dark"


@require_safe
def report(request: MemberRequest, pk: int, number: int | None = None) -> HttpResponse:
    """The newest report, or an earlier one by its number, and the job that makes the next."""
    found = readable_study(request, pk)
    analysis = chosen(found, number)
    jobs = Analysis.objects.filter(study=found).defer("result").order_by("-number")
    context: dict[str, Any] = {
        "study": found,
        "project": found.project,
        "analysis": analysis,
        "job": jobs.first(),
        "numbers": list(jobs.finished().values_list("number", flat=True)[:50]),
        "may_steer": request.user.has_perm("modeling.steer_job", found),
    }
    if analysis:
        rows = page_of(request, analysis.result["rater_rows"])
        base = analysis.get_absolute_url()
        context |= {
            "report": analysis.result,
            "page": rows,
            "rater_rows": rows.object_list,
            "is_current": is_current(analysis),
            "figures": {name: f"{base}figures/{name}.svg" for name in figures.NAMES},
            "dark_figures": {name: f"{base}figures/{name}-dark.svg" for name in figures.NAMES},
        }
    return render(request, "evaluation/report.html", context)


@require_POST
def analyses(request: MemberRequest, pk: int) -> HttpResponse:
    """Queue the computation of a report."""
    launch.start_analysis(readable_study(request, pk), by=request.user)
    return redirect("study-report", pk)


@require_safe
def figure(request: MemberRequest, pk: int, number: int, name: str, kind: str) -> HttpResponse | FileResponse:
    """A figure of a report: it never changes, so it may be kept."""
    analysis = there(readable_study(request, pk), number)
    dark = kind == "svg" and name.endswith(DARK)
    name = name.removesuffix(DARK) if dark else name
    if name not in figures.NAMES or kind not in figures.FORMATS:
        raise Http404
    try:
        data = (drawing.folder_of(analysis) / f"{name}.{kind}").read_bytes()
        data = figures.darkened(data.decode()).encode() if dark else data
    except drawing.DrawingFailed:
        return HttpResponse("The figure could not be drawn; the log of the site has the details.", status=503)
    answer = HttpResponse(data, content_type=TYPES[kind])
    answer["Cache-Control"] = "private, max-age=86400"
    return answer


@require_safe
def table(request: MemberRequest, pk: int, number: int, name: str) -> HttpResponse:
    """A table of a report as CSV."""
    analysis = there(readable_study(request, pk), number)
    if name not in tables.NAMES:
        raise Http404
    answer = HttpResponse(tables.as_csv(analysis.result, name), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="study-{pk}-report-{number}-{name}.csv"'
    return answer


@require_safe
def file(request: MemberRequest, pk: int, number: int, kind: str) -> HttpResponse:
    """A whole report as one file: JSON, HTML or PDF."""
    analysis = there(readable_study(request, pk), number)
    if kind == "json":
        answer: HttpResponse = JsonResponse(reports.to_json(analysis))
    elif kind in ("html", "pdf"):
        try:
            data = reports.to_html(analysis).encode() if kind == "html" else reports.to_pdf(analysis)
        except drawing.DrawingFailed:
            return HttpResponse("The figures could not be drawn; the log of the site has the details.", status=503)
        answer = HttpResponse(data, content_type=TYPES[kind])
    else:
        raise Http404
    answer["Content-Disposition"] = f'attachment; filename="study-{pk}-report-{number}.{kind}"'
    return answer


@require_safe
def changes(request: MemberRequest, pk: int) -> HttpResponse:
    """What moved between two reports: the newest and the one before it, unless others are named."""
    found = readable_study(request, pk)
    numbers = list(Analysis.objects.filter(study=found).finished().values_list("number", flat=True)[:200])
    newest, earlier = [*numbers[:2], None, None][:2]
    after, before = (
        _named(request, name, default, numbers) for name, default in (("after", newest), ("before", earlier))
    )
    context: dict[str, Any] = {"study": found, "project": found.project, "numbers": numbers}
    if before and after:
        one, other = there(found, before), there(found, after)
        rows = [row for row in moved(one.result, other.result) if not row["what"].startswith("methods")]
        context |= {"before": one, "after": other, "page": page_of(request, rows, 100), "moved": len(rows)}
    return render(request, "evaluation/report_changes.html", context)


@require_safe
def quotes(request: MemberRequest, pk: int) -> HttpResponse:
    """The reasons that raters gave, searched by words."""
    found = readable_study(request, pk)
    asked = request.GET.get("q", "").replace("\0", "").strip()[:MAX_SEARCH]
    rows = Rating.objects.current().filter(assignment__rater__study=found).exclude(reason="")
    if asked:
        rows = rows.filter(reason__icontains=asked)
    joined = ("item", "rater", "left__contender", "right__contender")
    rows = rows.select_related(*(f"assignment__{name}" for name in joined)).order_by("pk")
    context = {"study": found, "project": found.project, "asked": asked, "page": page_of(request, rows)}
    return render(request, "evaluation/quotes.html", context)


def readable_study(request: MemberRequest, pk: int) -> Study:
    """A visible study whose results this person may read, which is logged; 403 otherwise."""
    found = visible_study(request, pk)
    if not request.user.has_perm("evaluation.read_results", found):
        raise PermissionDenied
    StudyAct.record_look(found, request.user)
    return found


def chosen(study: Study, number: int | None) -> Analysis | None:
    """The newest finished analysis, or the one of this number; 404 for a number that there isn't."""
    return there(study, number) if number is not None else finished(study).first()


def there(study: Study, number: int) -> Analysis:
    """A finished analysis by its number; 404 otherwise."""
    found: Analysis = get_object_or_404(finished(study), number=min(number, 2**31 - 1))
    return found


def finished(study: Study) -> Any:
    """The study's analyses with a result, newest first."""
    return Analysis.objects.filter(study=study).finished().select_related("study")


def _named(request: MemberRequest, name: str, default: int | None, numbers: list[int]) -> int | None:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 10 and int(value) in numbers else default
