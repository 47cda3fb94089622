"""The jobs page, a job's piece on any page, and what stops or repeats a job."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import CharField, QuerySet, Value
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from mixassist_site.http import MemberRequest, page_of
from mixassist_site.jobs import Job, kinds


@require_safe
def jobs(request: MemberRequest) -> HttpResponse:
    """All jobs that this person may see, newest first."""
    page = page_of(request, rows_of_all_kinds(request), 25)
    page.object_list = fetched(page.object_list)
    shown = [(job, job.is_steered_by(request.user)) for job in page]
    is_moving = any(not job.is_over for job, _ in shown)
    template = "mixassist_site/_jobs.html" if request.htmx else "mixassist_site/jobs.html"
    return render(request, template, {"page": page, "jobs": shown, "is_moving": is_moving})


@require_safe
def job(request: MemberRequest, kind: str, pk: int) -> HttpResponse:
    """One job's state: a piece that pages include, and that replaces itself until the job is over."""
    found = visible_job(request, kind, pk)
    if not request.htmx:
        return HttpResponseRedirect(found.get_absolute_url())
    context = {"job": found, "may_steer": found.is_steered_by(request.user), "swapped": True}
    answer = render(request, "_job.html", context)
    if found.is_over:  # what the job made can be shown now: pieces listen for this on the body
        trigger_client_event(answer, "job:over", {"kind": kind, "pk": pk}, after="settle")
    return answer


@require_POST
def cancellation(request: MemberRequest, kind: str, pk: int) -> HttpResponse:
    """Stop a job: at once while it waits, at its next safe point while it runs."""
    found = steered_job(request, kind, pk)
    found.request_cancel()
    return back(request, found)


@require_POST
def retry(request: MemberRequest, kind: str, pk: int) -> HttpResponse:
    """Queue a failed or cancelled job again."""
    found = steered_job(request, kind, pk)
    found.retry()
    return back(request, found)


def rows_of_all_kinds(request: MemberRequest) -> QuerySet[Any, dict[str, Any]]:
    """Kind and id of every visible job as one ordered query."""
    parts = [
        visible(model, request).order_by().annotate(word=Value(word, CharField())).values("word", "pk", "created_at")
        for word, model in kinds().items()
    ]
    united: QuerySet[Any, dict[str, Any]] = parts[0].union(*parts[1:], all=True)
    return united.order_by("-created_at", "-pk")


def fetched(rows: Any) -> list[Any]:
    """The jobs of these rows in their order, with one query for each kind."""
    rows = list(rows)
    models = kinds()
    found: dict[tuple[str, int], Any] = {}
    for word in {row["word"] for row in rows}:
        pks = [row["pk"] for row in rows if row["word"] == word]
        for one in models[word]._default_manager.select_related(*related(models[word])).filter(pk__in=pks):
            found[word, one.pk] = one
    return [found[row["word"], row["pk"]] for row in rows if (row["word"], row["pk"]) in found]


def related(model: type[Job], depth: int = 2) -> list[str]:
    """What a job's title and address may read: its foreign keys and theirs, so that no row asks again."""
    names = []
    for field in model._meta.fields:
        if field.many_to_one and field.name != "created_by":
            names.append(field.name)
            if depth > 1:
                names += [f"{field.name}__{name}" for name in related(field.related_model, depth - 1)]  # type: ignore[arg-type]
    return names


def visible(model: type[Job], request: MemberRequest) -> QuerySet[Any]:
    """The jobs of one kind that this person may see."""
    rows: QuerySet[Any] = model._default_manager.visible_to(request.user)  # type: ignore[attr-defined]
    return rows


def visible_job(request: MemberRequest, kind: str, pk: int) -> Any:
    """A job that this person may see; 404 otherwise."""
    model = kinds().get(kind)
    if model is None:
        raise Http404
    return get_object_or_404(visible(model, request), pk=pk)


def steered_job(request: MemberRequest, kind: str, pk: int) -> Any:
    """A job that this person may stop and repeat; 403 for one that they may only see."""
    found = visible_job(request, kind, pk)
    if not found.is_steered_by(request.user):
        raise PermissionDenied
    return found


def back(request: MemberRequest, job: Job) -> HttpResponse:
    """The piece for htmx; otherwise the page that the button stood on."""
    job.refresh_from_db()
    if request.htmx:
        return render(request, "_job.html", {"job": job, "may_steer": True, "swapped": True})
    page = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(page if is_ours else reverse("jobs"))
