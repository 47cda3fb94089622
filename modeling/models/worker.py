"""A process that works jobs, as it last told of itself."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

FORGOTTEN_AFTER = timedelta(days=7)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Reads over workers."""

    def long_gone(self) -> Self:
        """Those that nobody needs to know of any more."""
        return self.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER)


class Worker(models.Model):
    """Written by the worker itself at each beat; the row goes when it ends well, and grows old when it is killed."""

    name = models.CharField(max_length=80, unique=True)  # host:pid, with which its leases begin
    queues = models.JSONField(default=list)
    gpus = models.JSONField(default=list)  # [{"name", "total_mb", "used_mb"}]
    keeps = models.CharField(max_length=200, blank=True)  # the base that its idle child has in memory
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_silent(self) -> bool:
        """Whether it has missed its beats for the length of a lease."""
        return timezone.now() - self.seen_at > timedelta(seconds=settings.JOB_LEASE_SECONDS)
