"""Generations: who answered what, and every answer beside what it answers."""

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.models import Project
from mixassist_site.http import MemberRequest, page_of
from modeling import importing, launch, prompts
from modeling.forms import GenerationForm, ImportForm
from modeling.models import Generation


@require_safe
def generations(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's generations."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    rows = project.generations.select_related("snapshot", "base", "adapter").annotate(stored=Count("candidates"))
    context = {
        "project": project,
        "page": page_of(request, rows.order_by("-pk")),
        "may_start": request.user.has_perm("modeling.start_run", project),
        "has_snapshot": project.snapshots.frozen().exists(),
    }
    return render(request, "modeling/generations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_generation(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose who answers which rows."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("modeling.start_run", project):
        raise PermissionDenied
    if request.method == "POST":
        form = GenerationForm(request.POST, project=project)
        if form.is_valid() and (generation := start(request, project, form)):
            return redirect(generation)
    else:
        form = GenerationForm(initial=request.GET.dict(), project=project)
    context = {"project": project, "form": form, "has_snapshot": form.fields["snapshot"].queryset.exists()}  # type: ignore[attr-defined]
    return render(request, "modeling/generation_form.html", context, status=400 if form.errors else 200)


def start(request: MemberRequest, project: Project, form: GenerationForm) -> Generation | None:
    """Launch what the form asks for; None leaves the reason in the form."""
    chosen = form.cleaned_data
    try:
        return launch.start_generation(
            project=project,
            snapshot=chosen["snapshot"],
            split=chosen["split"],
            answers=chosen["answers"],
            seed=chosen["seed"],
            decoding=form.decoding(),
            by=request.user,
            key=chosen["key"],
            **form.chosen_source(),
        )
    except launch.LaunchError as error:
        form.add_error(FIELDS.get(error.code), error.message)
        return None


FIELDS = {
    "empty-split": "split", "same-answers": "temperature", "bad-count": "answers", "bad-seed": "seed",
    "bad-name": "name", "name-taken": "name", "no-column": "column", "bad-about": "about",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: MemberRequest, slug: str) -> HttpResponse:
    """Bring in answers that another program gave, under a name of their own."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("modeling.start_run", project):
        raise PermissionDenied
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES, project=project)
        if form.is_valid() and (generation := bring(request, form)):
            return redirect(generation)
    else:
        form = ImportForm(initial=request.GET.dict(), project=project)
    context = {"project": project, "form": form, "has_snapshot": form.fields["snapshot"].queryset.exists()}  # type: ignore[attr-defined]
    return render(request, "modeling/import_form.html", context, status=400 if form.errors else 200)


def bring(request: MemberRequest, form: ImportForm) -> Generation | None:
    """Import what the form holds; None leaves the reason in the form."""
    chosen = form.cleaned_data
    try:
        answers = importing.read(chosen["file"].read(), column=chosen["column"] or None)
        return importing.bring(
            chosen["snapshot"],
            chosen["split"],
            answers,
            name=chosen["name"],
            about=chosen["about"],
            file=chosen["file"].name or "",
            by=request.user,
        )
    except launch.LaunchError as error:
        form.add_error(FIELDS.get(error.code, "file"), error.message)
        return None


@require_safe
def generation(request: MemberRequest, pk: int) -> HttpResponse:
    """One generation and its candidates, each beside what it answers."""
    visible = Generation.objects.visible_to(request.user)
    found = get_object_or_404(
        visible.select_related("project", "snapshot", "base", "adapter__run", "created_by"), pk=pk
    )
    may_read = request.user.has_perm("modeling.read_answers", found)
    rows = found.candidates.all() if may_read else found.candidates.none()
    flagged = rows.exclude(guards=[], redrawn=[])
    only_flagged = request.GET.get("only") == "flagged"
    page = page_of(request, flagged if only_flagged else rows, 20)
    asked = prompts.of(found.snapshot, found.split)
    context = {
        "generation": found,
        "job": found,
        "project": found.project,
        "page": page,
        "shown": [(candidate, asked.get(candidate.row)) for candidate in page],
        "may_read": may_read,
        "stored": found.candidates.count(),
        "flagged": flagged.count(),
        "only_flagged": only_flagged,
        "may_steer": found.is_steered_by(request.user),
        "may_start": request.user.has_perm("modeling.start_run", found),
    }
    return render(request, "modeling/generation.html", context)
