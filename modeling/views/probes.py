"""Probes of what a base hears: the list with its form, and one probe's table."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.models import Project
from mixassist_site.http import MemberRequest, page_of
from modeling import launch, probes
from modeling.forms import ProbeForm
from modeling.models import EncoderProbe


@require_http_methods(["GET", "HEAD", "POST"])
def probe_list(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's probes; a POST starts one."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    may_start = request.user.has_perm("modeling.start_run", project)
    form = ProbeForm(request.POST or None, project=project)
    if request.method == "POST":
        if not may_start:
            raise PermissionDenied
        if form.is_valid():
            try:
                return redirect(probes.start_probe(project=project, by=request.user, **form.chosen()))
            except launch.LaunchError as error:
                form.add_error(None, error.message)
    rows = project.probes.select_related("base", "adapter").order_by("-pk")
    context = {"project": project, "page": page_of(request, rows), "form": form, "may_start": may_start}
    return render(request, "modeling/probes.html", context, status=400 if form.errors else 200)


@require_safe
def probe(request: MemberRequest, pk: int) -> HttpResponse:
    """One probe: where hearing is lost."""
    visible = EncoderProbe.objects.visible_to(request.user)
    found = get_object_or_404(visible.select_related("project", "base", "adapter", "created_by"), pk=pk)
    context = {
        "probe": found,
        "job": found,
        "project": found.project,
        "stages": probes.STAGES.values(),
        "rows": probes.laid_out(found.record),
        "may_steer": found.is_steered_by(request.user),
    }
    return render(request, "modeling/probe.html", context)
