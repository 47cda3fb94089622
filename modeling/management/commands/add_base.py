"""Register a base model that runs may name."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from modeling import bases


class Command(BaseCommand):
    """Paths are given on the shell alone: pages know bases by their keys."""

    help = "Register a checkpoint directory or a hub id as a base model."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The key, and what it stands for."""
        parser.add_argument("key", help="the name that pages and runs use: qwen2-audio")
        parser.add_argument("location", help="a checkpoint directory, or a hub id such as Qwen/Qwen2-Audio-7B-Instruct")
        parser.add_argument("--revision", default="", help="the hub revision to pin")
        parser.add_argument("--license", default="", help="what adapters of it fall under")

    def handle(self, *, key: str, location: str, revision: str, license: str, **options: Any) -> None:
        """Add it, or say why not."""
        try:
            base = bases.add(key, location, revision=revision, license=license)
        except bases.BaseError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{base.key} stands for {base.location}.")
