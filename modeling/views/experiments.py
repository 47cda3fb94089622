"""Experiments: the list, a new one, and what its runs came to."""

import csv

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from annotation.models import Project
from mixassist_site.http import MemberRequest, page_of
from modeling import bases, launch
from modeling.designs import DESIGNS
from modeling.forms import ExperimentForm
from modeling.models import Experiment, TrainingRun
from modeling.outcomes import Result, figure, table, watch_the_same

FIELDS = {"bad-design": "arms", "bad-seed": "seeds", "too-many": "seeds", "bad-name": "name", "name-taken": "name"}


@require_safe
def experiments(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's experiments."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    rows = project.experiments.select_related("snapshot", "base").order_by("-pk")
    context = {
        "project": project,
        "page": page_of(request, rows),
        "designs": {key: told[0] for key, told in DESIGNS.items()},
        "may_start": request.user.has_perm("modeling.start_run", project),
        "has_snapshot": project.snapshots.frozen().exists(),
    }
    return render(request, "modeling/experiments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_experiment(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose what is varied, and over which seeds."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("modeling.start_run", project):
        raise PermissionDenied
    if request.method == "POST":
        form = ExperimentForm(request.POST, project=project)
        if form.is_valid() and (made := start(request, project, form)):
            return redirect(made)
    else:
        form = ExperimentForm(initial=request.GET.dict(), project=project)
    context = {"project": project, "form": form, "has_snapshot": form.fields["snapshot"].queryset.exists()}  # type: ignore[attr-defined]
    return render(request, "modeling/experiment_form.html", context, status=400 if form.errors else 200)


def start(request: MemberRequest, project: Project, form: ExperimentForm) -> Experiment | None:
    """Launch what the form asks for; None leaves the reason in the form."""
    chosen = dict(form.cleaned_data)
    base = bases.named(chosen.pop("base"))
    try:
        return launch.start_experiment(project=project, base=base, by=request.user, **chosen)
    except launch.LaunchError as error:
        form.add_error(FIELDS.get(error.code), error.message)
        return None


@require_safe
def experiment(request: MemberRequest, pk: int) -> HttpResponse:
    """One experiment: its question, its table with spreads, its figure, its runs."""
    found = visible_experiment(request, pk)
    runs = runs_of(found)
    results = [result_of(run) for run in runs]
    context = {
        "experiment": found,
        "job": found,
        "project": found.project,
        "design": DESIGNS[found.design][0],
        "runs": runs,
        "rows": table(results),
        "figure": figure(results),
        "is_comparable": watch_the_same(results),
        "seeds": ", ".join(map(str, found.seeds)),
        "may_steer": found.is_steered_by(request.user),
    }
    return render(request, "modeling/experiment.html", context)


@require_safe
def experiment_table(request: MemberRequest, pk: int) -> HttpResponse:
    """Every run of an experiment as CSV."""
    found = visible_experiment(request, pk)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slugify(found.name) or "experiment"}.csv"'
    names = ["eval_loss", "last_loss", "steps", "examples", "validation_hash", "adapter_sha256"]
    lines = csv.writer(answer)
    lines.writerow(["arm", "seed", "run", "state", *names])
    for run in runs_of(found):
        told = [run.record.get(name, "") for name in names]
        lines.writerow([plain(run.arm), run.config.get("seed", 0), run.pk, run.state, *told])
    return answer


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def runs_of(found: Experiment) -> list[TrainingRun]:
    """Its runs in the order of arms and seeds; there are sixty at most."""
    return list(found.runs.select_related("adapter").order_by("pk"))


def result_of(run: TrainingRun) -> Result:
    """A run as the table takes it."""
    return Result(run.arm, run.config.get("seed", 0), run.record.get("eval_loss"), run.record.get("validation_hash"))


def visible_experiment(request: MemberRequest, pk: int) -> Experiment:
    """An experiment of one of the person's projects; 404 otherwise."""
    rows = Experiment.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("project", "snapshot", "base", "created_by"), pk=pk)
