"""Work jobs off the table, without a broker: one thread for the GPU's queue, two for the CPU's."""

import os
import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from mixassist_site.child import REST
from mixassist_site.jobs import SHUTDOWN, Reaper, next_job, reap, work_off
from modeling.workers import Heart

THREADS = {"cpu": 2, "gpu": 1}


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C; what runs then saves itself and goes back to the queue."""

    help = "Work jobs off the table until stopped, or with --once until none is queued."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which queues, and whether to stay."""
        parser.add_argument("--queue", default="cpu,gpu", help="the queues to work, with commas: cpu,gpu")
        parser.add_argument("--once", action="store_true", help="end when no job is queued")

    def handle(self, *, queue: str, once: bool, **options: Any) -> None:
        """Start the threads, and wait for their end."""
        queues = list(dict.fromkeys(name for part in queue.split(",") if (name := part.strip())))
        unknown = [name for name in queues if name not in THREADS]
        if unknown or not queues:
            raise CommandError(f"There is no queue {', '.join(unknown) or 'named'}; the queues are cpu and gpu.")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        if once:
            reap()
        reaper = Reaper()
        reaper.start()
        heart = Heart(queues)
        heart.start()
        try:
            work(queues, once=once)
        finally:
            reaper.stop()
            heart.stop()
            REST.let_go()


def work(queues: list[str], *, once: bool) -> None:
    """Work these queues in threads; with `once`, until all of them find nothing in the same round."""
    while True:
        threads = [
            threading.Thread(target=thread, args=(name, once), name=f"{name}-{number}")
            for name in queues
            for number in range(THREADS[name])
        ]
        for one in threads:
            one.start()
        for one in threads:
            while one.is_alive():
                one.join(timeout=1)
        # the last job of one thread may have queued work for another that had gone home
        if not once or SHUTDOWN.is_set() or next_job(set(queues)) is None:
            return


def thread(name: str, once: bool) -> None:
    """Work one queue on a database connection of its own."""
    try:
        work_off({name}, once=once)
    finally:
        connections.close_all()


def stop(signum: int, frame: FrameType | None) -> None:
    """End after saving; at the second time, at once."""
    if SHUTDOWN.is_set():
        os._exit(128 + signum)  # children end with us; the lease runs out and another worker goes on
    SHUTDOWN.set()
