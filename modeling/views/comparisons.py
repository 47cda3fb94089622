"""Runs side by side: where their configs differ, and their curves on one pair of axes."""

import csv
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from annotation.models import Project
from mixassist_site.http import MemberRequest
from modeling import bases
from modeling.curve import draw
from modeling.models import Metric, TrainingRun
from modeling.training.config import TrainingConfig
from modeling.views.experiments import plain

MOST = 6  # more lines than that nobody tells apart
SHOWN = ("examples", "steps", "first_loss", "last_loss", "eval_loss", "validation_hash", "adapter_sha256")


@require_safe
def comparison(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose runs, and see how they differ."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    chosen, said = chosen_runs(request, project)
    steps = max((run.total for run in chosen), default=0)
    series = {key: points_of(chosen, key) for key in ("loss", "eval_loss")}
    titles = {"loss": "Training loss", "eval_loss": "Validation loss"}
    curves = [
        (titles[key], curve)
        for key, points in series.items()
        if (curve := draw([(f"line-{at}", run.name, points[run.pk]) for at, run in enumerate(chosen)], steps))
    ]
    others = project.training_runs.order_by("-pk").only("pk", "name", "state")[:100]
    context = {
        "project": project,
        "runs": chosen,
        "said": said,
        "others": [(run, run in chosen) for run in others],
        "most": MOST,
        "options": differences(chosen),
        "facts": [(name, [run.record.get(name) for run in chosen]) for name in SHOWN],
        "is_comparable": len({run.record.get("validation_hash") for run in chosen if run.record}) < 2,
        "curves": curves,
        "query": "&".join(f"run={run.pk}" for run in chosen),
    }
    return render(request, "modeling/comparison.html", context)


@require_safe
def comparison_table(request: MemberRequest, slug: str) -> HttpResponse:
    """Every measured value of the chosen runs as CSV."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    chosen, _ = chosen_runs(request, project)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="runs.csv"'
    lines = csv.writer(answer)
    lines.writerow(["run", "name", "step", "key", "value"])
    names = {run.pk: plain(run.name) for run in chosen}
    rows = Metric.objects.filter(run__in=chosen).order_by("run", "step", "key")
    for pk, step, key, value in rows.values_list("run", "step", "key", "value").iterator():
        lines.writerow([pk, names[pk], step, key, value])
    return answer


def chosen_runs(request: MemberRequest, project: Project) -> tuple[list[TrainingRun], str]:
    """The runs of the project that the address names, in its order; with what is to be said of the choice."""
    words = request.GET.getlist("run")
    asked = list(dict.fromkeys(int(word) for word in words if word.isdecimal() and len(word) < 19))
    rows = project.training_runs.select_related("snapshot", "base").in_bulk(asked[:MOST])
    said = f"The first {MOST} are shown; choose fewer to see others." if len(asked) > MOST else ""
    return [rows[pk] for pk in asked if pk in rows], said


def points_of(runs: list[TrainingRun], key: str) -> dict[int, list[tuple[int, float]]]:
    """One curve of each run, with one query."""
    points: dict[int, list[tuple[int, float]]] = {run.pk: [] for run in runs}
    rows = Metric.objects.filter(run__in=runs, key=key).order_by("step").values_list("run", "step", "value")
    for pk, step, value in rows:
        points[pk].append((step, value))
    return points


def differences(runs: list[TrainingRun]) -> list[tuple[str, list[Any]]]:
    """Where the runs differ: base, snapshot, and every option that is not the same in all."""
    configs = [TrainingConfig.from_dict(run.config, base_kind=bases.kind_of(run.base.key)).to_dict() for run in runs]
    rows: list[tuple[str, list[Any]]] = [
        ("base", [run.base.key for run in runs]),
        ("snapshot", [run.snapshot.name for run in runs]),
    ]
    rows += [(name, [config[name] for config in configs]) for name in (configs[0] if configs else {})]
    return [
        (name, ["null" if value is None else value for value in values])
        for name, values in rows
        if any(value != values[0] for value in values)
    ]
