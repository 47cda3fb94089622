"""Bring in answers that another program gave."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Snapshot
from modeling import importing, launch, shell
from modeling.models import Generation


class Command(BaseCommand):
    """For models that live outside the site: LTU, MU-LLaMA, a service."""

    help = "Import answers to a split from CSV or JSON lines, under the name of their source."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What answers what, and who gave it."""
        parser.add_argument("snapshot", help="id or name")
        parser.add_argument("file", help="CSV, TSV or JSON lines")
        parser.add_argument("--name", required=True, help="the source's name in studies and reports")
        parser.add_argument("--split", default="test", choices=launch.SPLITS)
        parser.add_argument("--column", help="the column of the answers, if it is not called answer")
        parser.add_argument("--about", default="", help="how they came about: checkpoint, prompt, settings")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(
        self, *, snapshot: str, file: str, name: str, split: str, column: str | None, about: str, **options: Any
    ) -> None:
        """Check, store all or none, and report."""
        frozen = shell.found(Snapshot.objects.select_related("project"), snapshot, "snapshot")
        path = Path(file)
        try:
            if path.stat().st_size > importing.MOST_BYTES:
                raise CommandError(f"The file has at most {importing.MOST_BYTES >> 20} MiB; split it by its rows.")
            answers = importing.read(path.read_bytes(), column=column)
            generation = importing.bring(frozen, split, answers, name=name, about=about, file=path.name)
        except OSError as error:
            raise CommandError(f"The file {file} can't be read: {error.strerror}.") from None
        except launch.LaunchError as error:
            raise CommandError(error.message) from None
        self.stdout.write(report(generation) if options["json"] else sentence(generation))


def sentence(generation: Generation) -> str:
    """The generation in words."""
    told = generation.record
    return (
        f"Generation {generation.pk} holds {told['candidates']} answers of {generation.name} to {told['rows']} rows; "
        f"{told['missing']} rows of the split are not answered."
    )


def report(generation: Generation) -> str:
    """The generation as one line of JSON."""
    told = {name: generation.record[name] for name in ("candidates", "rows", "missing", "cleaned", "sha256")}
    return json.dumps({"generation": generation.pk, "name": generation.name, **told})
