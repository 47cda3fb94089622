"""Watching a study while it runs: who came, how fast, what looks odd; excluding by a logged decision; export."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from evaluation import exporting, flags, flow, joining, protocol
from evaluation.balance import balance_of
from evaluation.errors import StudyError
from evaluation.forms import DecisionForm, PanelForm
from evaluation.models import Rating, Study, StudyAct
from evaluation.views.reports import readable_study
from evaluation.views.studies import managed_study
from mixassist_site.http import MemberRequest, page_of


@require_safe
def monitor(request: MemberRequest, pk: int) -> HttpResponse:
    """Progress, balance, pace, and each rater with the rules that they meet."""
    found = readable_study(request, pk)
    may_manage = request.user.has_perm("evaluation.manage_study", found)
    page = page_of(request, found.raters.order_by("number"))
    seen = flags.checked(found)
    for rater in page:
        rater.checked = seen[rater.number]
    day = Rating.objects.filter(assignment__rater__study=found, created_at__gt=timezone.now() - timedelta(days=1))
    context: dict[str, Any] = {
        "study": found,
        "project": found.project,
        "may_manage": may_manage,
        "flow": flow.flow_of(found, seen),
        "balance": balance_of(found),
        "today": day.count(),
        "rules": flags.RULES,
        "page": page,
        "acts": found.acts.select_related("by")[:50],
        "identities": protocol.identities(found)[:100] if found.is_draft else [],
    }
    if may_manage:
        codes = found.panel.get("codes", {})
        context["panel_form"] = PanelForm(initial={**found.panel, **codes})
        context["decision"] = DecisionForm()
        if found.join_key:
            door = request.build_absolute_uri(f"/join/{found.join_key}/")
            ids = "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
            context["door"] = f"{door}?{ids}"
    return render(request, "evaluation/monitor.html", context)


@require_safe
def export(request: MemberRequest, pk: int, form: str) -> HttpResponse | StreamingHttpResponse:
    """Every vote with what stood where, as a file; it unblinds, so it is logged."""
    found = readable_study(request, pk)
    if form not in exporting.FORMATS:
        raise Http404
    if request.method == "GET":
        StudyAct.record(found, request.user, "unblinding", through="export", form=form)
    answer = StreamingHttpResponse(exporting.lines(found, form), content_type=exporting.FORMATS[form])
    name = f"study-{found.pk}-{form}.{'csv' if form == 'csv' else 'jsonl'}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def panel(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep places and codes, and open the door for a panel."""
    found = managed_study(request, pk)
    form = PanelForm(request.POST)
    if form.is_valid():
        Study.objects.filter(pk=found.pk).update(panel=form.panel)
        joining.open_door(found)
        StudyAct.record(found, request.user, "panel", places=form.panel["places"])
    else:
        messages.error(request, " ".join(f"{name}: {' '.join(map(str, told))}" for name, told in form.errors.items()))
    return redirect("study-monitor", pk)


@require_POST
def exclusion(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """Leave a rater out of the results, or take them in again; under a rule, for a reason, logged."""
    found = managed_study(request, pk)
    rater = get_object_or_404(found.raters, number=number)
    rule, reason = request.POST.get("rule", ""), request.POST.get("reason", "")
    try:
        if rater.excluded_for:
            flow.include(rater, by=request.user, reason=reason)
        else:
            flow.exclude(rater, by=request.user, rule=rule, reason=reason)
    except StudyError as error:
        messages.error(request, error.message)
    return redirect("study-monitor", pk)


@require_POST
def leaving_out(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the rows out of a draft whose answers name a source."""
    found = managed_study(request, pk)
    rows = sorted({row for row, _ in protocol.identities(found)})
    try:
        count = protocol.leave_out(found, rows, "an answer names its source")
        messages.success(request, f"{count} items left out.")
    except StudyError as error:
        messages.error(request, error.message)
    return redirect("study-monitor", pk)
