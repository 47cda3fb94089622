"""Releases of a snapshot: their list, one of them, its archive; and the figures that people look at."""

from functools import lru_cache
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation import releasing
from annotation.forms import ReleaseForm
from annotation.launch import start_release
from annotation.media import send
from annotation.models import Release, Snapshot
from annotation.releases.frozen import CONFIGS, table
from annotation.releases.options import Options
from annotation.releases.statistics import Statistics, Table, gather, tables
from annotation.snapshots.splits import SPLITS
from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import JobError

KINDS = {"svg": "image/svg+xml", "csv": "text/csv; charset=utf-8"}


def _snapshot(request: MemberRequest, pk: int) -> Snapshot:
    return get_object_or_404(Snapshot.objects.visible_to(request.user).select_related("project"), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def releases(request: MemberRequest, pk: int) -> HttpResponse:
    """A snapshot's releases; POST queues one, or leads to the same one that is here already."""
    found = _snapshot(request, pk)
    may_release = request.user.has_perm("annotation.build_snapshot", found)
    if request.method == "POST" and not may_release:
        raise PermissionDenied
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(start_release(found, form.options(), by=request.user))
        except JobError as error:
            form.add_error(None, error.message)
    page = page_of(request, found.releases.select_related("snapshot").order_by("-pk"), 25)
    rows = [(each, Options(**each.options)) for each in page]
    context = {"snapshot": found, "project": found.project, "page": page, "releases": rows}
    context |= {"form": form if may_release and found.is_frozen else None}
    return render(request, "annotation/releases.html", context, status=400 if form.errors else 200)


def _release(request: MemberRequest, pk: int) -> Release:
    return get_object_or_404(Release.objects.visible_to(request.user).select_related("snapshot__project"), pk=pk)


@require_safe
def release(request: MemberRequest, pk: int) -> HttpResponse:
    """One release: how far it is, what it holds, where it is fetched."""
    found = _release(request, pk)
    context = {
        "release": found,
        "job": found,
        "options": Options(**found.options),
        "rows": [(split, n) for split in SPLITS if (n := found.facts.get("rows", {}).get(split))],
        "snapshot": found.snapshot,
        "project": found.snapshot.project,
        "may_steer": found.is_steered_by(request.user),
    }
    return render(request, "annotation/release.html", context)


@require_safe
def release_file(request: MemberRequest, pk: int) -> HttpResponseBase:
    """The archive of a release."""
    return archive(request, _release(request, pk))


def archive(request: MemberRequest, found: Release) -> HttpResponseBase:
    """A release's bytes, or 404 while there are none."""
    if not found.is_here:
        raise Http404
    name = f"{found.download_name}.zip"
    return send(request, found.path, "application/zip", etag=found.sha256[:32], download_name=name)


@require_safe
def statistics(request: MemberRequest, pk: int) -> HttpResponse:
    """What a snapshot holds, as figures, each with its table."""
    found = _snapshot(request, pk)
    counted, shown = _counted(found.path, found.content_hash) if _is_here(found) else (None, [])
    context = {"snapshot": found, "project": found.project, "counted": counted, "tables": shown}
    return render(request, "annotation/statistics.html", context)


def _is_here(found: Snapshot) -> bool:
    return found.is_frozen and all(table(found.path, config, split).is_file() for config in CONFIGS for split in SPLITS)


@lru_cache(maxsize=16)
def _counted(folder: Path, content_hash: str) -> tuple[Statistics, list[Table]]:
    """What is counted of a snapshot, which never changes."""
    counted = gather(folder)
    return counted, tables(counted)


@require_safe
def figure(request: MemberRequest, pk: int, key: str, kind: str) -> HttpResponseBase:
    """One figure, or its numbers; all are drawn when the first is asked for."""
    found = _snapshot(request, pk)
    if kind not in KINDS or not _is_here(found):
        raise Http404
    _, shown = _counted(found.path, found.content_hash)
    if key not in {each.key for each in shown}:
        raise Http404
    path = releasing.drawn(found, f"{key}.{kind}")
    name = f"{key}.csv" if kind == "csv" else None
    return send(request, path, KINDS[kind], etag=f"{found.content_hash[:24]}-{key}-{kind}", download_name=name)
