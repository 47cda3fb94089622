"""Find where a base model's hearing is lost: in the encoder, the projector or the language model."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Project
from modeling import bases, execute, launch, probes, shell
from modeling.models import Adapter


class Command(BaseCommand):
    """Queues a probe for a worker, or works it here with --wait."""

    help = "Probe what a base model hears of tempo, key, instrument, level, pan and tilt, stage by stage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is probed, and on how many clips."""
        parser.add_argument("project", help="its slug")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--base", help="a key, a checkpoint directory or a hub id")
        source.add_argument("--adapter", help="id or name")
        parser.add_argument("--clips", type=int, default=240)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--no-questions", action="store_true", help="leave the language model out")
        parser.add_argument("--wait", action="store_true", help="work it here, and end with it")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *, project: str, clips: int, seed: int, wait: bool, **options: Any) -> None:
        """Launch, perhaps wait, and report."""
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        adapters = Adapter.objects.filter(run__project=found).select_related("run__base", "run__project")
        try:
            job = probes.start_probe(
                project=found,
                base=bases.from_shell(options["base"]) if options["base"] else None,
                adapter=shell.found(adapters, options["adapter"], "adapter") if options["adapter"] else None,
                clips=clips,
                seed=seed,
                asks=not options["no_questions"],
            )
        except (launch.LaunchError, bases.BaseError) as error:
            raise CommandError(str(error)) from None
        if wait:
            shell.wait_for(job, execute.probe)
        told = {"probe": job.pk, "state": job.state, "properties": job.record.get("properties", {})}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        elif not job.is_over:
            self.stdout.write(f"Probe {job.pk} is queued; a worker will listen.")
        else:
            for row in probes.laid_out(job.record):
                self.stdout.write(f"{row['name']}: {row['where']}")
