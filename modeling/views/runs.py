"""Training runs: the list, a new one, its loss curve while it learns."""

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.models import Project
from mixassist_site.http import MemberRequest, page_of
from modeling import bases, launch
from modeling.curve import draw
from modeling.foretelling import foretell
from modeling.forms import RunForm
from modeling.models import TrainingRun
from modeling.training.config import TrainingConfig

SERIES = (("loss", "Training"), ("eval_loss", "Validation"))


@require_safe
def runs(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's training runs."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    rows = project.training_runs.select_related("snapshot", "base", "adapter").order_by("-pk")
    context = {
        "project": project,
        "page": page_of(request, rows),
        "may_start": request.user.has_perm("modeling.start_run", project),
        "has_snapshot": project.snapshots.frozen().exists(),
    }
    return render(request, "modeling/runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_run(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose a snapshot, a base and what differs from its defaults."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("modeling.start_run", project):
        raise PermissionDenied
    if request.method == "POST":
        form = RunForm(request.POST, project=project)
        if form.is_valid() and (run := start(request, project, form)):
            return redirect(run)
    else:
        form = RunForm(initial=request.GET.dict(), project=project)
    context = {
        "project": project,
        "form": form,
        "has_snapshot": form.fields["snapshot"].queryset.exists(),  # type: ignore[attr-defined]
        **told_before(form, request),
    }
    return render(request, "modeling/run_form.html", context, status=400 if form.errors else 200)


def told_before(form: RunForm, request: MemberRequest) -> dict[str, Any]:
    """The estimate for what the form holds, or why there is none; a form that was just opened holds its defaults."""
    asked = request.POST if request.method == "POST" else request.GET
    first = form.fields["snapshot"].queryset.first()  # type: ignore[attr-defined]
    if first is None:
        return {}
    whole = {"snapshot": first.pk, "base": bases.known_keys()[0], "key": uuid.uuid4(), **asked.dict()}
    filled = RunForm(whole, project=form.project)
    if not filled.is_valid():
        return {"no_estimate": "There is an estimate of time and memory once the options are right."}
    base = bases.named(filled.cleaned_data["base"])
    try:
        config = launch.require_config(filled.config(), base)
    except launch.LaunchError as error:
        return {"no_estimate": error.message}
    return {"estimate": foretell(filled.cleaned_data["snapshot"], base, config)}


def start(request: MemberRequest, project: Project, form: RunForm) -> TrainingRun | None:
    """Launch what the form asks for; None leaves the reason in the form."""
    chosen = form.cleaned_data
    try:
        return launch.start_run(
            project=project,
            snapshot=chosen["snapshot"],
            base=bases.named(chosen["base"]),
            config=form.config(),
            name=chosen["name"],
            by=request.user,
            key=chosen["key"],
        )
    except launch.LaunchError as error:
        form.add_error("name" if error.code == "name-taken" else None, error.message)
        return None


@require_safe
def run(request: MemberRequest, pk: int) -> HttpResponse:
    """One run: state, curve, config, and what leads to it and from it."""
    found = visible_run(request, pk)
    kind = bases.kind_of(found.base.key)
    config = TrainingConfig.from_dict(found.config, base_kind=kind).to_dict()
    context = {
        "run": found,
        "job": found,
        "project": found.project,
        "adapter": getattr(found, "adapter", None),
        "config": {name: ("null" if value is None else value, name in found.config) for name, value in config.items()},
        "may_steer": found.is_steered_by(request.user),
        **curve_of(request, found),
    }
    return render(request, "modeling/run.html", context)


@require_safe
def curve(request: MemberRequest, pk: int) -> HttpResponse:
    """The loss curve as a piece, which asks for itself again until the run is over."""
    found = visible_run(request, pk)
    if not request.htmx:
        return redirect(found)
    return render(request, "modeling/_curve.html", {"run": found, **curve_of(request, found)})


def curve_of(request: MemberRequest, run: TrainingRun) -> dict[str, Any]:
    """Both losses, drawn and, if asked for, as rows of a table."""
    points: dict[str, list[tuple[int, float]]] = {name: [] for name, _ in SERIES}
    rows = run.metrics.filter(key__in=points).order_by("step").values_list("key", "step", "value")
    for key, step, value in rows:
        points[key].append((step, value))
    as_table = request.GET.get("as") == "table"
    context: dict[str, Any] = {"as_table": as_table, "curve": None}
    if as_table:
        evals = dict(points["eval_loss"])
        context["measured"] = [(step, loss, evals.get(step)) for step, loss in points["loss"]]
    else:
        context["curve"] = draw([(name, label, points[name]) for name, label in SERIES], run.total)
    return context


def visible_run(request: MemberRequest, pk: int) -> TrainingRun:
    """A run of one of the person's projects; 404 otherwise."""
    runs = TrainingRun.objects.visible_to(request.user)
    return get_object_or_404(
        runs.select_related("project", "snapshot", "base", "adapter", "created_by", "experiment"), pk=pk
    )
