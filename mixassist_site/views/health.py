"""Whether the site is well: for a load balancer, and for whoever is woken at night."""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mixassist_site.jobs import free, kinds

log = logging.getLogger(__name__)


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"ok": True})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, 503 otherwise; a broker that is away only makes jobs wait, and is told."""
    facts: dict[str, object] = {"database": True, "broker": broker_answers(), "oldest_waiting_seconds": None}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        facts["oldest_waiting_seconds"] = oldest_waiting_seconds()
    except DatabaseError:
        log.exception("the database could not be asked")
        facts["database"] = False
    answer = JsonResponse({"ok": facts["database"], **facts}, status=200 if facts["database"] else 503)
    if not facts["database"]:
        answer["Retry-After"] = "5"
    return answer


def broker_answers() -> bool | None:
    """Whether Celery's broker can be reached; None where the site needs none."""
    if not settings.CELERY_BROKER_URL:
        return None
    from mixassist_site.celery import app

    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    except Exception as error:  # whatever a broker's library raises, the answer is the same
        log.warning("the broker could not be reached: %s", error)
        return False
    return True


def oldest_waiting_seconds() -> float | None:
    """How long the job that has waited longest has waited."""
    firsts = [
        model._default_manager.filter(free()).order_by("created_at").values_list("created_at", flat=True).first()
        for model in kinds().values()
    ]
    waiting = [first for first in firsts if first]
    return round((timezone.now() - min(waiting)).total_seconds(), 1) if waiting else None
