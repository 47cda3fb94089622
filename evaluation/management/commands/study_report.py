"""Print or write what a study's votes say."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation import reports
from evaluation.models import Study


class Command(BaseCommand):
    """`study_report STUDY [--json | --html OUT]`"""

    help = "Report on a study: as a table, as JSON, or as one self-contained HTML file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which study, in which form."""
        parser.add_argument("study", type=int, help="the study's id")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        form.add_argument("--html", type=Path, metavar="OUT", help="write one HTML file with the figure inside")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute once, then tell it as asked."""
        study = Study.objects.select_related("snapshot").filter(pk=min(options["study"], 2**62)).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']}.")
        report = reports.report_of(study)
        if options["json"]:
            self.stdout.write(json.dumps(reports.to_json(report)))
        elif options["html"]:
            write(options["html"], reports.to_html(report))
            self.stdout.write(str(options["html"]))
        else:
            self.stdout.write("\n".join(lines(report)))


def write(path: Path, text: str) -> None:
    """Put a file in place whole."""
    try:
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it names no file"
        raise CommandError(f"The report can't be written to {path}: {why}.") from error


def lines(report: reports.StudyReport) -> list[str]:
    """The report for a terminal."""
    told = [f"{report.title}: {report.votes} votes, {report.decided} decided, {report.comparisons} comparisons"]
    if report.simulated_votes:
        told.append(f"{report.simulated_votes} of these votes are simulated.")
    for each in report.contenders:
        share = "no decided vote"
        if each.share is not None and each.low is not None and each.high is not None and each.p is not None:
            share = f"{each.share:.1%} of decided [{each.low:.1%}, {each.high:.1%}], sign test p = {each.p:.3g}"
        told.append(f"  {each.name}: {each.wins} won, {each.losses} lost, {share}")
    return [*told, *report.limits]
