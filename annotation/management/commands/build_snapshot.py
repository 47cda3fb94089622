"""Build and freeze a snapshot from the shell."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import execute
from annotation.launch import start_snapshot
from annotation.models import Project
from annotation.snapshots.build import checked, preflight
from annotation.snapshots.choosing import OPTIONAL, SPLIT_BY, STATES
from mixassist_site.jobs import JobError, State


class Command(BaseCommand):
    """`build_snapshot PROJECT --name N [--has-content] [--topics a,b] [--flag has_content=no] [--sessions 1,2] …`"""

    help = "Freeze the accepted layers of a project into a data set."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to freeze."""
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--has-content", action="store_true", help="only turns whose has_content is yes")
        parser.add_argument("--topics", default="", help="only these, with commas between")
        parser.add_argument("--flag", action="append", default=[], metavar="FLAG=yes|no|unset", help="may come again")
        parser.add_argument("--sessions", default="", help="only those of these numbers, with commas between")
        parser.add_argument("--layers", default="", help="only these, by the numbers in their addresses")
        parser.add_argument(
            "--state", choices=STATES, help="of the layers, as far as they have come; default: accepted"
        )
        parser.add_argument("--submitted", action="store_true", help="the same as --state submitted")
        parser.add_argument("--split", choices=SPLIT_BY, help="default: published where all was, else session")
        parser.add_argument("--exclude", action="append", default=[], choices=sorted(OPTIONAL), help="may come again")
        parser.add_argument("--preflight", action="store_true", help="only say what it would hold")
        parser.add_argument("--fraction", type=float, default=1.0, help="share of the training rows")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue it and build it here."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        try:
            wanted = checked(project, _wanted(options))
            if options["preflight"]:
                self._say_before(preflight(project, wanted, options["seed"]), as_json=options["json"])
                return
            snapshot = start_snapshot(project, options["name"], wanted, seed=options["seed"], by=None)
        except JobError as error:
            raise CommandError(error.message) from error
        execute.snapshot(snapshot)
        snapshot.refresh_from_db()
        if snapshot.state != State.SUCCEEDED:
            message = snapshot.error_message or f"The snapshot is {snapshot.state}."
            if snapshot.state == State.FAILED:
                snapshot.delete()  # the name is free again: nothing was frozen under it
            raise CommandError(message)
        told = {
            "snapshot": snapshot.pk,
            "rows": snapshot.rows,
            "counts": snapshot.counts,
            "excluded": len(snapshot.excluded),
            "content_hash": snapshot.content_hash,
            "path": str(snapshot.path),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Snapshot {snapshot.pk}: {told['rows']} rows, {snapshot.content_hash}")

    def _say_before(self, found: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({name: found[name] for name in ("rows", "counts", "split_note", "kinds")}))
            return
        self.stdout.write(f"It would hold {found['rows']} rows. {found['split_note']}")
        for kind in found["kinds"]:
            self.stdout.write(f"{kind['rows']} {'left out' if kind['is_excluded'] else 'kept'}: {kind['label']}")


def _wanted(options: dict[str, Any]) -> dict[str, Any]:
    """The filter that the options ask for."""
    return {
        "has_content": options["has_content"],
        "topics": _listed(options["topics"]),
        "flags": _flags(options["flag"]),
        "sessions": _numbers(options["sessions"]),
        "layers": _numbers(options["layers"]),
        "state": options["state"] or ("submitted" if options["submitted"] else "accepted"),
        "split": options["split"],
        "exclude": sorted(set(options["exclude"])),
        "fraction": options["fraction"],
    }


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[int]:
    words = _listed(text)
    if not all(word.isdecimal() and len(word) < 10 for word in words):
        raise CommandError("Give numbers with commas between: 1,2.")
    return [int(word) for word in words]


def _flags(pairs: list[str]) -> dict[str, list[str]]:
    flags: dict[str, list[str]] = {}
    for pair in pairs:
        flag, _, value = pair.partition("=")
        flags.setdefault(flag.strip(), []).append(value.strip())
    return flags
