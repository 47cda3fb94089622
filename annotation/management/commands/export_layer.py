"""Write a layer in another tool's format."""

import json
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.exporting import EXPORTERS
from annotation.models import Layer
from annotation.sending import layer_to_send


class Command(BaseCommand):
    """`export_layer LAYER --format F OUT [--force]`"""

    help = "Write a layer where other tools read it, and say what its format can't hold."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which layer, in which format, where to."""
        parser.add_argument("layer", type=int)
        parser.add_argument("out", type=Path)
        parser.add_argument("--format", choices=sorted(EXPORTERS), required=True)
        parser.add_argument("--force", action="store_true", help="replace the file if it is there")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write beside the target, then rename."""
        layer = Layer.objects.select_related("session").filter(pk=options["layer"]).first()
        if layer is None:
            raise CommandError(f"There is no layer {options['layer']}.")
        out = options["out"]
        if out.is_dir():
            raise CommandError(f"{out} is a folder; name a file in it.")
        if out.exists() and not options["force"]:
            raise CommandError(f"{out} is there already; name another file, or say --force.")
        sent, exporter = layer_to_send(layer), EXPORTERS[options["format"]]
        lost = exporter.lost(sent)
        part = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
        try:
            part.write_bytes(exporter.write(sent))
            part.replace(out)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CommandError(f"Nothing was written: {error.strerror}.") from error
        lanes = Counter(row["lane"] for row in sent.rows.segments)
        count = len(sent.rows.segments)
        told = {"layer": layer.pk, "segments": count, "lanes": dict(lanes), "repaired": [], "lost": lost}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"{count} segments written to {out}.")
            for each in lost:
                self.stdout.write(f"Not in it: {each['what']} ({each['where']}).")
