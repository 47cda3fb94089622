"""Bring a transcript to a session from the shell."""

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.bringing import bring_transcript
from annotation.forms import read_lanes
from annotation.importing import FORMATS, TranscriptError
from annotation.models import MixingSession


class Command(BaseCommand):
    """`import_transcript SESSION FILE [--format F] [--lane SPEAKER=LANE]…`"""

    help = "Make a layer of a transcript."

    def add_arguments(self, parser: CommandParser) -> None:
        """The session, the file, and what its names mean."""
        parser.add_argument("session", type=int)
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=sorted(FORMATS))
        parser.add_argument(
            "--lane", action="append", default=[], metavar="SPEAKER=LANE", help="without a lane: left out"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import it, and say what was repaired and lost."""
        session = MixingSession.objects.filter(pk=options["session"]).first()
        if session is None:
            raise CommandError(f"There is no session {options['session']}.")
        try:
            lanes = read_lanes(options["lane"])
            layer = bring_transcript(session, options["file"], format=options["format"], lanes=lanes)
        except ValidationError as error:
            raise CommandError(error.messages[0]) from error
        except TranscriptError as error:
            raise CommandError(error.message) from error
        told = {"layer": layer.pk, "segments": layer.segments.count(), **layer.report}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Layer {layer.pk} with {told['segments']} segments.")
            for name, says in (("repaired", "Repaired"), ("lost", "Lost")):
                for each in layer.report[name]:
                    self.stdout.write(f"{says}: {each['what']} ({each['where']}).")
