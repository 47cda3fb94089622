"""Judges of a study: who there is, what a run would cost, how it goes, and what all of them say."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import judge_files, judges
from evaluation import panel as panels
from evaluation.errors import StudyError
from evaluation.judge_forms import CacheForm, JudgeForm, PublishedForm
from evaluation.models import JudgeCall, JudgeRun, Study, StudyAct
from evaluation.models.judge import tallied
from evaluation.views.reports import readable_study
from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import State

FIELDS = {"template", "reference", "orders", "repeats", "probes", "seed"}
NAMED = {"judge": "judge", "price": "accepts_unknown_price", "max-calls": "max_calls", "max-cost": "max_dollars"}
LINES = "application/x-ndjson"


@require_http_methods(["GET", "HEAD", "POST"])
def study_judges(request: MemberRequest, pk: int) -> HttpResponse:
    """The judges and their runs; POST counts what a run would take, or queues it."""
    study = readable_study(request, pk)
    may_start = request.user.has_perm("evaluation.manage_study", study)
    found, wrong = judges.endpoints()
    form = JudgeForm(request.POST or None, judges=found)
    planned: dict[str, Any] = {}
    if request.method == "POST":
        if not may_start:
            raise PermissionDenied
        if form.is_valid():
            try:
                if "ask" in request.POST:
                    data = form.cleaned_data
                    run = judges.start(study, data["judge"], form.options(), by=request.user, key=data["key"])
                    return redirect(run)
                endpoint = judges.endpoint_named(form.cleaned_data["judge"])
                planned = {"plan": judges.plan(study, endpoint, form.options()), "asked": endpoint}
            except StudyError as error:
                form.add_error(error.code if error.code in FIELDS else NAMED.get(error.code), error.message)
    rows = JudgeRun.objects.filter(study=study).order_by("-pk")
    context = {
        **frame(study),
        "judges": list(found.values()),
        "wrong": wrong,
        "page": page_of(request, rows, 25),
        "form": form,
        "cache_form": CacheForm(),
        "published_form": PublishedForm(),
        "may_start": may_start,
        "may_steer": request.user.has_perm("modeling.steer_job", study),
        **planned,
    }
    return render(request, "evaluation/judges/judges.html", context, status=400 if form.errors else 200)


@require_safe
def judge_run(request: MemberRequest, pk: int) -> HttpResponse:
    """One run: how far it is, what came of its questions, and the calls one by one."""
    run = readable_run(request, pk)
    calls = run.calls.select_related("item", "reply", "verdict").order_by("pk")
    state = request.GET.get("state", "")
    if state in JudgeCall.State.values:
        calls = calls.filter(state=state)
    tally = tallied(run.calls)
    result = panels.panel_of(run.study, [run]).judges[0] if run.state == State.SUCCEEDED else None
    context = {
        **frame(run.study),
        "run": run,
        "job": run,
        "tally": tally,
        "told": judges.told(run, tally),
        "judge": result,
        "page": page_of(request, calls),
        "states": JudgeCall.State.choices,
        "state": state,
        "may_steer": run.is_steered_by(request.user),
    }
    return render(request, "evaluation/judges/run.html", context)


@require_safe
def judge_run_file(request: MemberRequest, pk: int) -> StreamingHttpResponse:
    """A run as JSON lines."""
    run = readable_run(request, pk)
    return download(judge_files.run_lines(run), f"judge-run-{run.pk}.jsonl")


@require_safe
def panel(request: MemberRequest, pk: int) -> HttpResponse:
    """What all judges say, and how far they agree with people."""
    study = readable_study(request, pk)
    return render(request, "evaluation/judges/panel.html", {**frame(study), "panel": panels.panel_of(study)})


@require_http_methods(["GET", "HEAD", "POST"])
def judge_cache(request: MemberRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """Everything that was bought in the study's project as JSON lines; POST takes such a file in."""
    study = readable_study(request, pk)
    if not request.user.has_perm("evaluation.manage_study", study):
        raise PermissionDenied
    if request.method != "POST":
        return download(judge_files.cache_lines(study.project), f"judge-replies-{study.project.slug}.jsonl")
    form = CacheForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose the file of exported replies.")
        return redirect("study-judges", study.pk)
    try:
        fresh, here = judge_files.import_cache(
            study.project, form.cleaned_data["file"].read(judge_files.MOST_BYTES + 1)
        )
        messages.success(request, f"{fresh} replies are new; {here} were here already.")
    except StudyError as error:
        messages.error(request, error.message)
    return redirect("study-judges", study.pk)


@require_POST
def judge_imports(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the rankings of a result file of the paper's script, without those that it made up."""
    study = readable_study(request, pk)
    if not request.user.has_perm("evaluation.manage_study", study):
        raise PermissionDenied
    form = PublishedForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("study-judges", study.pk)
    try:
        data = form.cleaned_data["file"].read(judge_files.MOST_BYTES + 1)
        run = judge_files.import_published(study, data, form.cleaned_data["names"], by=request.user)
    except StudyError as error:
        messages.error(request, error.message)
        return redirect("study-judges", study.pk)
    return redirect(run)


def readable_run(request: MemberRequest, pk: int) -> JudgeRun:
    """A run of a visible study (404) whose verdicts this person may read (403)."""
    rows = JudgeRun.objects.visible_to(request.user).select_related("study__project", "study__snapshot", "project")
    run = get_object_or_404(rows, pk=pk)
    if not request.user.has_perm("evaluation.read_results", run.study):
        raise PermissionDenied
    StudyAct.record_look(run.study, request.user)
    return run


def frame(study: Study) -> dict[str, Any]:
    """What every page of a study has."""
    return {"study": study, "project": study.project}


def download(lines: Any, name: str) -> StreamingHttpResponse:
    """Lines as a file."""
    answer = StreamingHttpResponse(lines, content_type=LINES)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
