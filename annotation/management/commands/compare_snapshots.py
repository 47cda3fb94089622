"""Say what one snapshot has and another has not."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Snapshot
from annotation.snapshots.differing import differences

SHOWN = 50  # rows in words; --json tells all


class Command(BaseCommand):
    """`compare_snapshots BEFORE AFTER [--json]`"""

    help = "List the rows that were added, that are gone, and that changed, with their columns."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which two."""
        parser.add_argument("before", help="its number or its name")
        parser.add_argument("after", help="its number or its name")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare their files."""
        before, after = (_frozen(options[name]) for name in ("before", "after"))
        try:
            found = differences(before.path, after.path)
        except (OSError, ValueError) as error:
            raise CommandError(f"The files of one are not where they were frozen: {error}") from error
        rows = [{name: each[name] for name in ("row", "what", "columns")} for each in found.told()]
        told = {
            "before": before.content_hash,
            "after": after.content_hash,
            "added": len(found.added),
            "gone": len(found.gone),
            "changed": len(found.changed),
            "same": found.same,
            "columns": found.columns(),
            "rows": rows,
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write("{added} added, {gone} gone, {changed} changed, {same} the same.".format(**told))
        for each in rows[:SHOWN]:
            columns = f": {', '.join(each['columns'])}" if each["columns"] else ""
            self.stdout.write(f"{each['what']}: {each['row']}{columns}")
        if len(rows) > SHOWN:
            self.stdout.write(f"… and {len(rows) - SHOWN} more; --json tells them all.")


def _frozen(name: str) -> Snapshot:
    frozen = Snapshot.objects.frozen()
    found = frozen.filter(pk=int(name)) if name.isdecimal() and len(name) < 19 else frozen.filter(name=name)
    snapshot = found.order_by("-pk").first()
    if snapshot is None:
        raise CommandError(f"There is no frozen snapshot {name}.")
    return snapshot
