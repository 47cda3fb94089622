"""Build and freeze a snapshot from the shell."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import execute
from annotation.launch import start_snapshot
from annotation.models import Project
from mixassist_site.jobs import JobError, State


class Command(BaseCommand):
    """`build_snapshot PROJECT --name N [--has-content] [--topics a,b] [--fraction F] [--seed S]`"""

    help = "Freeze the accepted layers of a project into a data set."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to freeze."""
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--has-content", action="store_true", help="only turns whose has_content is yes")
        parser.add_argument("--topics", default="", help="only these, with commas between")
        parser.add_argument("--submitted", action="store_true", help="also layers that wait for a review")
        parser.add_argument("--fraction", type=float, default=1.0, help="share of the training rows")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue it and build it here."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        if not 0 < options["fraction"] <= 1:
            raise CommandError("The fraction lies above 0 and is 1 at most.")
        topics = [topic.strip() for topic in options["topics"].split(",") if topic.strip()]
        if unknown := set(topics) - {topic["key"] for topic in project.topics}:
            raise CommandError(f"The project has no topic {sorted(unknown)[0]}.")
        wanted = {name: options[name] for name in ("has_content", "submitted", "fraction")}
        try:
            snapshot = start_snapshot(
                project, options["name"], {**wanted, "topics": topics}, seed=options["seed"], by=None
            )
        except JobError as error:
            raise CommandError(error.message) from error
        execute.snapshot(snapshot)
        snapshot.refresh_from_db()
        if snapshot.state != State.SUCCEEDED:
            message = snapshot.error_message or f"The snapshot is {snapshot.state}."
            if snapshot.state == State.FAILED:
                snapshot.delete()  # the name is free again: nothing was frozen under it
            raise CommandError(message)
        told = {
            "snapshot": snapshot.pk,
            "rows": snapshot.rows,
            "counts": snapshot.counts,
            "excluded": len(snapshot.excluded),
            "content_hash": snapshot.content_hash,
            "path": str(snapshot.path),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Snapshot {snapshot.pk}: {told['rows']} rows, {snapshot.content_hash}")
