"""Train an adapter on a snapshot."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Snapshot
from modeling import bases, execute, launch, shell
from modeling.models import TrainingRun


class Command(BaseCommand):
    """Queues the run for a worker, or works it here with --wait."""

    help = "Train a LoRA adapter on a snapshot; queues the run, or with --wait works it in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is trained on what, and how."""
        parser.add_argument("snapshot", help="id or name")
        parser.add_argument(
            "--base", required=True, help="a key, a checkpoint directory or a hub id; tiny needs nothing"
        )
        parser.add_argument("--config", metavar="FILE", help="options as JSON or TOML")
        parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="one option; repeat it")
        parser.add_argument("--name", default="", help="what pages call the run")
        parser.add_argument("--wait", action="store_true", help="work it here, and end with it")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *, snapshot: str, base: str, name: str, wait: bool, json: bool, **options: Any) -> None:
        """Launch, perhaps wait, and report."""
        frozen = shell.found(Snapshot.objects.select_related("project"), snapshot, "snapshot")
        config = shell.options_of(options["config"], options["set"])
        try:
            run = launch.start_run(
                project=frozen.project, snapshot=frozen, base=bases.from_shell(base), config=config, name=name
            )
        except (launch.LaunchError, bases.BaseError) as error:
            raise CommandError(str(error)) from None
        if wait:
            shell.wait_for(run, execute.train)
        self.stdout.write(report(run) if json else sentence(run))


def sentence(run: TrainingRun) -> str:
    """The run in words."""
    if not run.is_over:
        return f"Run {run.pk}, {run.name}, is queued; a worker will train it."
    return f"Run {run.pk} trained the adapter {run.adapter.pk}: loss {run.record['last_loss']:.4f}."


def report(run: TrainingRun) -> str:
    """The run as one line of JSON."""
    adapter = getattr(run, "adapter", None)
    measured = {name: run.record.get(name) for name in ("steps", "first_loss", "last_loss")}
    made = {"adapter": adapter.pk if adapter else None, "adapter_sha256": adapter.sha256 if adapter else None}
    return json.dumps({"run": run.pk, "state": run.state, **measured, **made})
