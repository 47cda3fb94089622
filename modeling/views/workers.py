"""Who works, on what, with which GPUs."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from mixassist_site.http import MemberRequest, page_of
from modeling import workers
from modeling.models import Worker


@require_safe
def worker_list(request: MemberRequest) -> HttpResponse:
    """Workers with what they do, and the queues."""
    if not workers.may_look(request.user):
        raise PermissionDenied
    page = page_of(request, Worker.objects.all(), 25)
    running = workers.running(request.user)
    shown = [(worker, [line for line in running if line["worker"] == worker.name]) for worker in page]
    known = {worker.name for worker in page} if not page.has_other_pages() else None
    lost = [line for line in running if known is not None and line["worker"] not in known]
    context = {"page": page, "shown": shown, "lost": lost, "queues": workers.queues()}
    return render(request, "modeling/workers.html", context)
