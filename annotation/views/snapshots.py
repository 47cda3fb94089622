"""Snapshots: what one would hold, the building of it, what it holds."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation.forms import SnapshotForm
from annotation.launch import start_snapshot
from annotation.media import send
from annotation.models import Project, Snapshot
from annotation.snapshots import differing
from annotation.snapshots.build import checked, preflight
from annotation.snapshots.choosing import LABELS
from annotation.snapshots.splits import SPLITS
from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import JobError

LONGEST_SHOWN = 300  # characters of a value in a table of differences


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
    looks = "look" in request.GET  # with the whole form in the address, so that its findings have pages
    sent = request.POST if request.method == "POST" else request.GET if looks else None
    form = SnapshotForm(sent, project=project)
    context: dict[str, Any] = {"project": project, "form": form}
    if sent is not None and form.is_valid():
        name, key, seed = (form.cleaned_data[field] for field in ("name", "key", "seed"))
        try:
            wanted = checked(project, form.wanted())
            if request.method == "POST" and "look" not in request.POST:
                return redirect(start_snapshot(project, name, wanted, seed=seed, by=request.user, key=key))
            found = preflight(project, wanted, seed)
            context |= {"checked": found, "page": page_of(request, found["findings"]), "query": _query(sent)}
        except JobError as error:
            form.add_error("name" if error.code == "name-taken" else None, error.message)
    return render(request, "annotation/snapshot_form.html", context, status=400 if form.errors else 200)


def _query(sent: QueryDict) -> str:
    """A form as it stands in the address of its findings' pages."""
    kept = sent.copy()
    for name in ("csrfmiddlewaretoken", "page"):
        kept.pop(name, None)
    kept["look"] = "1"
    return kept.urlencode()


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
        "left_out": Paginator(found.excluded, 50).get_page(request.GET.get("left_out")),
        "filter_words": in_words(found.filter),
        "absent": absent_of(found) if page else set(),
    }
    return render(request, "annotation/snapshot.html", context)


def in_words(wanted: dict[str, Any]) -> str:
    """A filter as people read it."""
    told = ["has_content is yes"] if wanted.get("has_content") else []
    told += [f"{flag} is {' or '.join(values)}" for flag, values in (wanted.get("flags") or {}).items()]
    for name in ("topics", "sessions", "layers"):
        if chosen := wanted.get(name):
            told.append(f"{name} {', '.join(map(str, chosen))}")
    if wanted.get("exclude"):
        told.append(f"without: {', '.join(LABELS[kind].lower() for kind in wanted['exclude'])}")
    state = wanted.get("state") or ("submitted" if wanted.get("submitted") else "accepted")
    told += [
        f"layers {state}",
        f"split: {wanted.get('split') or 'session'}",
        f"fraction {wanted.get('fraction') or 1:g}",
    ]
    return "; ".join(told)


def absent_of(found: Snapshot) -> set[str]:
    """The clips that its rows name and that it was frozen without."""
    try:
        return set(json.loads((found.path / "manifest.json").read_text(encoding="utf-8")).get("absent_clips") or ())
    except (OSError, ValueError):
        return set()


@require_safe
def differences(request: MemberRequest, pk: int) -> HttpResponse:
    """What a snapshot has that an earlier one, or another, has not."""
    visible = Snapshot.objects.visible_to(request.user).frozen()
    found = get_object_or_404(visible.select_related("project"), pk=pk)
    others = list(visible.filter(project=found.project).exclude(pk=pk).order_by("-pk"))
    asked = request.GET.get("from", "")
    before = next((each for each in others if str(each.pk) == asked), None)
    if before is None and asked:
        raise Http404
    before = before or next((each for each in others if each.pk < pk), next(iter(others), None))
    context = {"snapshot": found, "project": found.project, "others": others, "before": before}
    if before is not None:
        try:
            compared = differing.differences(before.path, found.path)
            page = page_of(request, compared.told(), 25)
            _add_values(page, before, found)
            context |= {"found": compared, "columns": compared.columns(), "page": page}
        except (OSError, ValueError):
            context["is_lost"] = True
    return render(request, "annotation/snapshot_differences.html", context)


def _add_values(page: Page[Any], before: Snapshot, after: Snapshot) -> None:
    """Beside each row of a page its columns with what they say in the one and in the other."""
    keys = [row["key"] for row in page.object_list]
    old, new = differing.values(before.path, keys), differing.values(after.path, keys)
    for row in page.object_list:
        one, other = old.get(row["key"], {}), new.get(row["key"], {})
        names = row["columns"] or ["user", "assistant"]
        row["values"] = [(name, _shown(one.get(name)), _shown(other.get(name))) for name in names]


def _shown(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


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
