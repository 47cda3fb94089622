"""Adapters: what one is, where it comes from, its file."""

import tempfile
import zipfile

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from annotation.media import send
from mixassist_site.http import MemberRequest
from modeling.models import Adapter, Standing
from modeling.training.card import served_by_vllm

WEIGHTS = "adapter_model.safetensors"
FOLDER = (WEIGHTS, "adapter_config.json", "README.md", "training.json")


@require_safe
def adapter(request: MemberRequest, pk: int) -> HttpResponse:
    """An adapter's facts and the way back to its run, snapshot and seed."""
    found = visible_adapter(request, pk)
    context = {
        "adapter": found,
        "run": found.run,
        "project": found.project,
        "generations": found.generations.select_related("snapshot").order_by("-pk")[:20],
        "may_start": request.user.has_perm("modeling.start_run", found) and found.state != Standing.RETIRED,
        "may_judge": request.user.has_perm("modeling.judge_adapter", found),
        "serves": served_by_vllm(found.run.record["config"]) if "variant" in found.facts else None,
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


@require_safe
def adapter_folder(request: MemberRequest, pk: int) -> HttpResponseBase:
    """The whole folder as a zip that unpacks to what peft and vLLM load."""
    found = visible_adapter(request, pk)
    name = slugify(found.name) or "adapter"
    if not (found.path / WEIGHTS).is_file():
        raise Http404("The adapter's file is gone.")
    packed = tempfile.TemporaryFile()  # noqa: SIM115 – the answer closes it
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in (found.path / file for file in FOLDER):
            if path.is_file():
                archive.write(path, f"{name}/{path.name}")
    packed.seek(0)
    return FileResponse(packed, as_attachment=True, filename=f"{name}.zip", content_type="application/zip")


@require_POST
def approval(request: MemberRequest, pk: int) -> HttpResponse:
    """Approve an adapter."""
    found = judged_adapter(request, pk)
    found.approve(request.user)
    return redirect(found)


@require_POST
def retirement(request: MemberRequest, pk: int) -> HttpResponse:
    """Retire an adapter: it answers nothing new."""
    found = judged_adapter(request, pk)
    found.retire(request.user)
    return redirect(found)


def judged_adapter(request: MemberRequest, pk: int) -> Adapter:
    """An adapter of which this person may say what it is good for."""
    found = visible_adapter(request, pk)
    if not request.user.has_perm("modeling.judge_adapter", found):
        raise PermissionDenied
    return found


def visible_adapter(request: MemberRequest, pk: int) -> Adapter:
    """An adapter of one of the person's projects; 404 otherwise."""
    adapters = Adapter.objects.visible_to(request.user)
    return get_object_or_404(adapters.select_related("run__project", "run__snapshot", "run__base", "judged_by"), pk=pk)
