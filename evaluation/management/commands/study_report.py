"""Print or write what a study's votes say."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation import drawing, reports
from evaluation.errors import StudyError
from evaluation.execute import report_of
from evaluation.figures import lines_of
from evaluation.models import Study


class Command(BaseCommand):
    """`study_report STUDY [--json | --html OUT | --pdf OUT] [--seed S]`"""

    help = "Report on a study: as text, as JSON, as one self-contained HTML file or as PDF."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which study, in which form."""
        parser.add_argument("study", type=int, help="the study's id")
        parser.add_argument("--seed", type=int, default=0, help="of the draws behind intervals")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        form.add_argument("--html", type=Path, metavar="OUT", help="write one HTML file with the figures inside")
        form.add_argument("--pdf", type=Path, metavar="OUT", help="write pages")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute once, unless nothing has changed since, then tell it as asked."""
        study = Study.objects.select_related("snapshot", "project").filter(pk=min(options["study"], 2**62)).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']}.")
        if not 0 <= options["seed"] < 2**31:
            raise CommandError("The seed must be a whole number from 0 to 2147483647.")
        try:
            analysis = report_of(study, options["seed"])
            if options["json"]:
                self.stdout.write(json.dumps(reports.to_json(analysis)))
            elif options["html"]:
                self.stdout.write(write(options["html"], reports.to_html(analysis).encode()))
            elif options["pdf"]:
                self.stdout.write(write(options["pdf"], reports.to_pdf(analysis)))
            else:
                self.stdout.write("\n".join(lines_of(analysis.result)))
        except StudyError as error:
            raise CommandError(error.message) from None
        except drawing.DrawingFailed:
            raise CommandError("The figures could not be drawn; the log has the details.") from None


def write(path: Path, data: bytes) -> str:
    """Put a file in place whole, and name it."""
    try:
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(data)
        beside.replace(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it names no file"
        raise CommandError(f"The report can't be written to {path}: {why}.") from error
    return str(path)
