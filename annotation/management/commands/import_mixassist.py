"""Bring the published data set in from the shell."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Project
from annotation.published import PublishedError
from annotation.receiving import receive


class Command(BaseCommand):
    """`import_mixassist DIR PROJECT [--clips FOLDER] [--json]`"""

    help = "Make sessions and layers of the published Parquet files, or of CSV or JSONL copies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the files are, and which project they go to."""
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="holds train, validation and test, or a folder data"
        )
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--clips", type=Path, metavar="FOLDER", help="holds audio/segments/Group<k>/cut_<n>.wav")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import all of it or nothing, and say what differs from what was published."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        try:
            told = receive(project, options["folder"], clips=options["clips"]).told()
        except PublishedError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for sentence in told["differs"]:
            self.stdout.write(f"Differs: {sentence}")
        for each in told["repaired"]:
            self.stdout.write(f"Repaired: {each['what']} ({each['where']})")
        for each in told["lost"]:
            self.stdout.write(f"Lost: {each['what']} ({each['where']})")
        for column, n in told["placeholders"].items():
            self.stdout.write(f"Missing: {n} sentences that stand for silence in {column}.")
        counts = ", ".join(f"{split} {n}" for split, n in told["rows"].items())
        self.stdout.write(f"Rows: {counts}; sessions: {len(told['sessions'])}, of which {told['added']} new.")
