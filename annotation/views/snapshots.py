"""Snapshots: what one would hold, the building of it, what it holds."""

from pathlib import Path

import pyarrow.parquet as pq
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.forms import SnapshotForm
from annotation.launch import start_snapshot
from annotation.media import send
from annotation.models import Project, Snapshot
from annotation.snapshots.build import preflight
from annotation.snapshots.splits import SPLITS
from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import JobError


@require_safe
def snapshots(request: MemberRequest, slug: str) -> HttpResponse:
    """A project's frozen data sets."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    context = {
        "project": project,
        "page": page_of(request, project.snapshots.order_by("-pk")),
        "may_build": request.user.has_perm("annotation.build_snapshot", project),
    }
    return render(request, "annotation/snapshots.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_snapshot(request: MemberRequest, slug: str) -> HttpResponse:
    """Choose what to freeze; shows what would be left out, and why, before it is built."""
    project = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    if not request.user.has_perm("annotation.build_snapshot", project):
        raise PermissionDenied
    form = SnapshotForm(request.POST or None, project=project)
    checked = None
    if request.method == "POST" and form.is_valid():
        wanted, seed = form.wanted(), form.cleaned_data["seed"]
        if "look" in request.POST:
            checked = preflight(project, wanted, seed)
        else:
            try:
                name, key = form.cleaned_data["name"], form.cleaned_data["key"]
                return redirect(start_snapshot(project, name, wanted, seed=seed, by=request.user, key=key))
            except JobError as error:
                form.add_error("name", error.message)
    context = {"project": project, "form": form, "checked": checked}
    return render(request, "annotation/snapshot_form.html", context, status=400 if form.errors else 200)


@require_safe
def snapshot(request: MemberRequest, pk: int) -> HttpResponse:
    """What a snapshot holds: counts, hash, rows with their clips."""
    found = get_object_or_404(Snapshot.objects.visible_to(request.user).select_related("project"), pk=pk)
    split = request.GET.get("split", "train")
    split = split if split in SPLITS else "train"
    page = _rows(found, split, request.GET.get("page")) if found.is_frozen and _table(found, split).exists() else None
    context = {
        "snapshot": found,
        "project": found.project,
        "job": found,
        "split": split,
        "splits": SPLITS,
        "page": page,
        "is_lost": found.is_frozen and page is None,
        "may_steer": request.user.has_perm("annotation.build_snapshot", found),
    }
    return render(request, "annotation/snapshot.html", context)


def _rows(found: Snapshot, split: str, number: str | None) -> object:
    """One page of a split's rows, read from its file."""
    table = pq.read_table(_table(found, split))
    page = Paginator(range(table.num_rows), 25).get_page(number)
    start = page.start_index() - 1 if page.object_list else 0
    rows = table.slice(max(0, start), len(page.object_list)).to_pylist()
    for row in rows:
        row["key"] = f"{split}/{row['conversation_id']}/{row['turn_id']}"
    page.object_list = rows
    return page


def _table(found: Snapshot, split: str) -> Path:
    return found.path / "data" / f"{split}-00000-of-00001.parquet"


@require_safe
def clip(request: MemberRequest, pk: int, row: str) -> HttpResponseBase:
    """The clip of one row, by the row's name alone."""
    found = get_object_or_404(Snapshot.objects.visible_to(request.user).frozen(), pk=pk)
    split, _, rest = row.partition("/")
    conversation, _, turn = rest.rpartition("/")
    if split not in SPLITS or not turn.isdecimal() or len(turn) > 9 or not _table(found, split).is_file():
        raise Http404
    named = [("conversation_id", "=", conversation), ("turn_id", "=", int(turn))]
    files = pq.read_table(_table(found, split), columns=["audio_file"], filters=named).column("audio_file").to_pylist()
    if not files or files[0] is None:
        raise Http404
    return send(request, found.path / files[0], "audio/wav", etag=f"{found.content_hash[:16]}-{turn}", immutable=True)
