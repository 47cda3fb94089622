"""Train several adapters and compare them."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Snapshot
from modeling import bases, execute, launch, shell
from modeling.designs import DESIGNS
from modeling.models import Experiment
from modeling.outcomes import Result, table


class Command(BaseCommand):
    """Queues the experiment for a worker, or works it here with --wait."""

    help = "Train arms × seeds on one base and compare them on the same validation turns."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is varied on what."""
        parser.add_argument("snapshot", help="id or name")
        parser.add_argument("--base", required=True, help="a key, a checkpoint directory or a hub id")
        parser.add_argument("--design", choices=list(DESIGNS), default="own", help="what is varied")
        parser.add_argument("--arms", metavar="JSON", help='of the design own: {"rank 4": {"rank": 4}, …}')
        parser.add_argument("--seeds", default="0,1,2", help="whole numbers with commas")
        parser.add_argument("--config", metavar="FILE", help="what all arms share, as JSON or TOML")
        parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="one option; repeat it")
        parser.add_argument("--validate-on", choices=["all", "content"], default="all")
        parser.add_argument("--name", default="", help="what pages call it")
        parser.add_argument("--wait", action="store_true", help="work it here, and end with it")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *, snapshot: str, base: str, design: str, wait: bool, **options: Any) -> None:
        """Launch, perhaps wait, and report."""
        frozen = shell.found(Snapshot.objects.select_related("project"), snapshot, "snapshot")
        try:
            seeds = [int(each) for each in options["seeds"].split(",")]
            arms = json.loads(options["arms"]) if options["arms"] else None
        except ValueError:
            raise CommandError("Write seeds as 0,1,2 and arms as JSON.") from None
        try:
            made = launch.start_experiment(
                project=frozen.project,
                snapshot=frozen,
                base=bases.from_shell(base),
                design=design,
                seeds=seeds,
                arms=arms,
                config=shell.options_of(options["config"], options["set"]),
                validate_on=options["validate_on"],
                name=options["name"],
            )
        except (launch.LaunchError, bases.BaseError) as error:
            raise CommandError(str(error)) from None
        if wait:
            shell.wait_for(made, execute.experiment)
        self.stdout.write(report(made) if options["json"] else sentences(made))


def rows_of(made: Experiment) -> list[Any]:
    """The table of an experiment."""
    runs = made.runs.order_by("pk")
    return table([Result(run.arm, run.config.get("seed", 0), run.record.get("eval_loss")) for run in runs])


def sentences(made: Experiment) -> str:
    """The experiment in words."""
    told = [f"Experiment {made.pk}, {made.name}, is {made.state}."]
    for row in rows_of(made):
        if row.mean is not None:
            spread = f" ± {row.spread:.4f}" if row.spread is not None else ""
            told.append(f"{row.arm}: {row.mean:.4f}{spread} over {row.count} runs")
    return "\n".join(told)


def report(made: Experiment) -> str:
    """The experiment as one line of JSON."""
    return json.dumps({"experiment": made.pk, "state": made.state, "table": [asdict(row) for row in rows_of(made)]})
