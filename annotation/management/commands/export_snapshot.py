"""Write a snapshot where other tools read it."""

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Snapshot
from annotation.snapshots import writer


class Command(BaseCommand):
    """`export_snapshot SNAPSHOT OUT --format hf|jsonl|csv`"""

    help = "Copy a frozen data set out, with clips, card and checksums."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which snapshot, where to, and how."""
        parser.add_argument("snapshot", help="its number or its name")
        parser.add_argument("out", type=Path)
        parser.add_argument("--format", choices=sorted(writer.EXPORTS), default="hf")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify what was frozen, write beside the target, then rename."""
        name, out = options["snapshot"], options["out"].resolve()
        frozen = Snapshot.objects.frozen()
        found = frozen.filter(pk=int(name)) if name.isdecimal() else frozen.filter(name=name)
        snapshot = found.order_by("-pk").first()
        if snapshot is None:
            raise CommandError(f"There is no frozen snapshot {name}.")
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CommandError(f"{out} is there already; name a folder that isn't.")
        part = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
        try:
            manifest = writer.verify(snapshot.path)
            out.parent.mkdir(parents=True, exist_ok=True)
            writer.EXPORTS[options["format"]](snapshot.path, part)
            part.replace(out)
        except (OSError, ValueError) as error:
            shutil.rmtree(part, ignore_errors=True)
            raise CommandError(f"Nothing was written: {error}") from error
        told = {"snapshot": snapshot.pk, "format": options["format"], "path": str(out), "rows": manifest["rows"]}
        self.stdout.write(json.dumps(told) if options["json"] else f"Written to {out}")
