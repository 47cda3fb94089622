"""Celery, where a broker is set: it rings, and the job rows say what is to be done."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixassist_site.settings")

app = Celery("mixassist_site")
app.config_from_object(
    {
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": False,  # a lost message is the reaper's work; a repeated one finds the lease held
        "worker_prefetch_multiplier": 1,
        "worker_pool": "threads",  # the work itself is done in children; threads hear of a shutdown at once
        "worker_concurrency": 2,
        "task_publish_retry": False,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "socket_connect_timeout": 3,
            "socket_timeout": 5,
            # a broker that is away must not hold a click: the reaper rings again
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        "task_default_queue": "cpu",
    }
)


@app.on_configure.connect  # type: ignore[untyped-decorator]
def read_settings(sender: Celery, **kwargs: Any) -> None:
    """Take the broker's address from the site's settings."""
    from django.conf import settings

    sender.conf.broker_url = settings.CELERY_BROKER_URL or None


app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_reaper(**kwargs: Any) -> None:
    """Let this worker's own timer put back what a dead worker left."""
    from mixassist_site.jobs import Reaper

    app.reaper = Reaper()
    app.reaper.start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def put_back(**kwargs: Any) -> None:
    """Let running work save itself and go back to the queue, in place of waiting hours for its end."""
    from mixassist_site.jobs import SHUTDOWN

    SHUTDOWN.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def stop_reaper(**kwargs: Any) -> None:
    """End the timer with the worker, and the child that waits."""
    from mixassist_site.child import REST

    REST.let_go()
    if reaper := getattr(app, "reaper", None):
        reaper.stop()
