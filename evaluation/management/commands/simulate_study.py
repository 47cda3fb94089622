"""Show how balanced a study's assignment will be."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from evaluation import simulation
from evaluation.errors import StudyError
from evaluation.models import Study


class Command(BaseCommand):
    """`simulate_study STUDY --raters N --dropout P --seed S`"""

    help = "Let simulated raters go through a study by the real code, count, and roll everything back."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many come, and how many leave early."""
        parser.add_argument("study", type=int, help="the study's id")
        parser.add_argument("--raters", type=int, required=True)
        parser.add_argument("--dropout", type=float, default=0.0, help="share of raters who leave early")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate and print the balance."""
        settings = {name: options[name] for name in ("raters", "dropout", "seed")}
        with aside():
            study = Study.objects.filter(pk=min(options["study"], 2**62)).first()
            if study is None:
                raise CommandError(f"There is no study {options['study']}.")
            try:
                counted = simulation.simulate(study, **settings)
            except StudyError as error:
                raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(counted))
        else:
            for name, value in counted.items():
                self.stdout.write(f"{name}: {value}")


@contextmanager
def aside() -> Iterator[None]:
    """Work on a copy of an SQLite database: a simulation writes for seconds, and SQLite has one writer at a time.

    PostgreSQL locks the study's own row alone, and inside a transaction there is nothing that a copy would see.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    live = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite3"
        with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        connection.close()
        connection.settings_dict["NAME"] = str(copy)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = live
