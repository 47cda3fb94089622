"""Have things made again of the recordings that are here, or for the first time where an older site did not."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.launch import FIRST, start_making
from annotation.models import Derived, Ingest, MixingSession, Recording
from mixassist_site.jobs import State


class Command(BaseCommand):
    """`rebuild [--kind K]… [--session N] [--all]`"""

    help = "Queue what is missing of each recording; with --all, what is there as well."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to make, and of which session."""
        parser.add_argument(
            "--kind", action="append", choices=Derived.Kind.values, help="default: all but spectrograms"
        )
        parser.add_argument("--session", type=int, help="the session's number in its address")
        parser.add_argument("--all", action="store_true", help="also what is there already")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue a job for each thing, unless one is under way."""
        recordings = Recording.objects.order_by("pk")
        if options["session"] is not None:
            if not MixingSession.objects.filter(pk=options["session"]).exists():
                raise CommandError(f"There is no session {options['session']}.")
            recordings = recordings.filter(session=options["session"])
        jobs = []
        for kind in options["kind"] or FIRST:
            wanted = recordings.exclude(pk__in=under_way(kind))
            if not options["all"]:
                wanted = wanted.exclude(pk__in=Derived.objects.filter(kind=kind).values("recording"))
            jobs += [start_making(recording, kind, None).pk for recording in wanted]
        if options["json"]:
            self.stdout.write(json.dumps({"jobs": jobs}))
        else:
            self.stdout.write(f"{len(jobs)} job{'' if len(jobs) == 1 else 's'} queued; a worker now makes them.")


def under_way(kind: str) -> Any:
    """Recordings of which this is being made, or is about to be."""
    return Ingest.objects.filter(makes=kind, state__in=[State.QUEUED, State.RUNNING]).values("recording")
