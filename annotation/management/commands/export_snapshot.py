"""Write a snapshot where other tools read it."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Snapshot
from annotation.releases.options import CHOICES, Options
from annotation.releases.write import write
from annotation.releasing import about


class Command(BaseCommand):
    """`export_snapshot SNAPSHOT OUT --format hf|jsonl|csv` and the options of a release."""

    help = "Write a release of a frozen data set, with clips, card and checksums."
    requires_system_checks = []  # they read every address of the site, which a release has no use for

    def add_arguments(self, parser: CommandParser) -> None:
        """Which snapshot, where to, and how."""
        usual = Options()
        parser.add_argument("snapshot", help="its number or its name")
        parser.add_argument("out", type=Path)
        for name, choices in CHOICES.items():
            told = ", ".join(f"{key}: {words}" for key, words in choices.items())
            parser.add_argument(f"--{name}", choices=list(choices), default=getattr(usual, name), help=told)
        parser.add_argument("--content-only", action="store_true", help="only rows whose has_content is yes")
        parser.add_argument("--placeholders", action="store_true", help="the published sentences for silent sides")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify what was frozen, write beside the target, then rename."""
        name, out = options["snapshot"], options["out"].resolve()
        frozen = Snapshot.objects.frozen().select_related("project")
        found = frozen.filter(pk=int(name)) if name.isdecimal() else frozen.filter(name=name)
        snapshot = found.order_by("-pk").first()
        if snapshot is None:
            raise CommandError(f"There is no frozen snapshot {name}.")
        chosen = Options(**{each: options[each] for each in Options().as_dict()})
        try:
            made = write(snapshot.path, out, chosen, about=about(snapshot))
        except (OSError, ValueError) as error:
            raise CommandError(f"Nothing was written: {error}") from error
        told = {"snapshot": snapshot.pk, "path": str(out), "format": chosen.format, "rows": made["rows"]}
        told |= {"clips": made["clips"], "clips_missing": len(made["clips_missing"]), "files": len(made["files"])}
        self.stdout.write(json.dumps(told) if options["json"] else f"Written to {out}")
