"""Compute the automatic metrics of a study's answers."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation import execute, launch
from evaluation.errors import StudyError
from evaluation.metrics import NAMES
from evaluation.models import MetricRun, Study
from mixassist_site.jobs import State


class Command(BaseCommand):
    """`metrics STUDY [--seed S] [--json]`"""

    help = "BLEU, ROUGE-L and BERTScore of a study's answers, between floor and ceiling, and their τ with the votes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which study."""
        parser.add_argument("study", type=int, help="the study's id")
        parser.add_argument("--seed", type=int, default=0, help="of the floor and the intervals")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue the run, work it here, and tell it."""
        study = Study.objects.select_related("snapshot").filter(pk=min(options["study"], 2**62)).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']}.")
        if not 0 <= options["seed"] < 2**31:
            raise CommandError("The seed must be a whole number from 0 to 2147483647.")
        try:
            run = launch.start_metrics(study, seed=options["seed"])
        except StudyError as error:
            raise CommandError(error.message) from None
        if not execute.measure(run):
            raise CommandError("A worker computes these metrics already; look at the study's metrics page.")
        run.refresh_from_db()
        if run.state != State.SUCCEEDED:
            raise CommandError(run.error_message or "The metrics were stopped.")
        if options["json"]:
            self.stdout.write(json.dumps(told(run)))
            return
        for row in run.result["contenders"]:
            scores = (f"{name} {row[name]['value']:.4g}" for name in NAMES if row[name])
            self.stdout.write(f"  {row['name']}: {', '.join(scores) or 'no answer to score'}")
        for name, found in run.result["tau"].items():
            if found["tau"] is not None:
                self.stdout.write(f"  τ of {name} with the votes: {found['tau']:+.3f}")
        for sentence in run.result["limits"]:
            self.stdout.write(sentence)


def told(run: MetricRun) -> dict[str, Any]:
    """A run for scripts: all but each answer's own scores."""
    kept = {name: value for name, value in run.result.items() if name != "scores"}
    return {"run": run.pk, "study": run.study_id, "input_hash": run.input_hash, **kept}
