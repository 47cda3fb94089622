"""Let the expert, a base or an adapter answer a split of a snapshot."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Snapshot
from modeling import bases, execute, launch, servers, shell
from modeling.generation.config import OVER_LONG
from modeling.models import Adapter, Generation, Source


class Command(BaseCommand):
    """Queues the answers for a worker, or works them here with --wait."""

    help = "Generate candidates for a split; queues the work, or with --wait does it in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who answers what, and how."""
        parser.add_argument("snapshot", help="id or name")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--adapter", help="id or name")
        source.add_argument("--base", help="a key, a checkpoint directory or a hub id: zero-shot answers")
        source.add_argument("--server", help="a key of ANSWER_ENDPOINTS")
        source.add_argument("--expert", action="store_true", help="the expert's own answers")
        parser.add_argument("--split", default="test", choices=launch.SPLITS)
        parser.add_argument("-k", type=int, default=1, help="answers per row")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--temperature", type=float, help="0 takes the likeliest token")
        parser.add_argument("--top-p", type=float)
        parser.add_argument("--max-new-tokens", type=int)
        parser.add_argument("--max-turns", type=int, help="earlier turns that are shown")
        parser.add_argument("--max-audio-seconds", type=float, help="of a clip")
        parser.add_argument("--over-long", choices=OVER_LONG, help="what is heard of a longer clip")
        parser.add_argument("--wait", action="store_true", help="work it here, and end with it")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *, snapshot: str, split: str, k: int, seed: int, wait: bool, json: bool, **options: Any) -> None:
        """Launch, perhaps wait, and report."""
        frozen = shell.found(Snapshot.objects.select_related("project"), snapshot, "snapshot")
        decoding = {name: options[name] for name in (*launch.DECODING, *launch.WORDED) if options[name] is not None}
        try:
            generation = launch.start_generation(
                project=frozen.project,
                snapshot=frozen,
                split=split,
                answers=k,
                seed=seed,
                decoding=decoding,
                **source_of(frozen, options),
            )
        except (launch.LaunchError, bases.BaseError) as error:
            raise CommandError(str(error)) from None
        if wait:
            shell.wait_for(generation, execute.generate)
        self.stdout.write(report(generation) if json else sentence(generation))


def source_of(snapshot: Snapshot, options: dict[str, Any]) -> dict[str, Any]:
    """Who answers, as `start_generation` takes it."""
    if options["expert"]:
        return {"source": Source.EXPERT}
    if options["base"]:
        return {"source": Source.BASE, "base": bases.from_shell(options["base"])}
    if options["server"]:
        servers.named(options["server"])
        return {"source": Source.ENDPOINT, "server": options["server"]}
    adapters = Adapter.objects.filter(run__project=snapshot.project).select_related("run__base", "run__project")
    return {"source": Source.ADAPTER, "adapter": shell.found(adapters, options["adapter"], "adapter")}


def sentence(generation: Generation) -> str:
    """The generation in words."""
    if not generation.is_over:
        return f"Generation {generation.pk} is queued; a worker will answer."
    return f"Generation {generation.pk} holds {generation.record['candidates']} answers of {generation.source_name}."


def report(generation: Generation) -> str:
    """The generation as one line of JSON."""
    counted = {"candidates": generation.record.get("candidates", 0)}
    return json.dumps({"generation": generation.pk, "state": generation.state, **counted})
