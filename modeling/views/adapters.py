"""Adapters: what one is, where it comes from, its file."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from annotation.media import send
from mixassist_site.http import MemberRequest
from modeling.models import Adapter

WEIGHTS = "adapter_model.safetensors"


@require_safe
def adapter(request: MemberRequest, pk: int) -> HttpResponse:
    """An adapter's facts and the way back to its run, snapshot and seed."""
    found = visible_adapter(request, pk)
    context = {
        "adapter": found,
        "run": found.run,
        "project": found.project,
        "generations": found.generations.select_related("snapshot").order_by("-pk")[:20],
        "may_start": request.user.has_perm("modeling.start_run", found),
    }
    return render(request, "modeling/adapter.html", context)


@require_safe
def adapter_file(request: MemberRequest, pk: int) -> HttpResponseBase:
    """The adapter's weights as safetensors."""
    found = visible_adapter(request, pk)
    path = found.path / WEIGHTS
    if not path.is_file():
        raise Http404("The adapter's file is gone.")
    name = f"{slugify(found.name) or 'adapter'}.safetensors"
    return send(request, path, "application/octet-stream", etag=found.sha256, download_name=name)


def visible_adapter(request: MemberRequest, pk: int) -> Adapter:
    """An adapter of one of the person's projects; 404 otherwise."""
    adapters = Adapter.objects.visible_to(request.user)
    return get_object_or_404(adapters.select_related("run__project", "run__snapshot", "run__base"), pk=pk)
