"""Bring a transcript to a session from the shell."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.audio.facts import clock
from annotation.bringing import bring_transcript
from annotation.forms import read_lanes
from annotation.importing import FORMATS, Repair, Survey, TranscriptError, survey_transcript
from annotation.models import MixingSession


class Command(BaseCommand):
    """`import_transcript SESSION FILE [--format F] [--lane SPEAKER=LANE]… [--dry-run]`"""

    help = "Make a layer of a transcript."

    def add_arguments(self, parser: CommandParser) -> None:
        """The session, the file, and what its names mean."""
        parser.add_argument("session", type=int)
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=sorted(FORMATS))
        parser.add_argument(
            "--lane", action="append", default=[], metavar="SPEAKER=LANE", help="without a lane: left out"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what is in the file, and make nothing")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import it, and say what was repaired and lost."""
        session = MixingSession.objects.filter(pk=options["session"]).first()
        if session is None:
            raise CommandError(f"There is no session {options['session']}.")
        try:
            if options["dry_run"]:
                self._survey(survey_transcript(options["file"], format=options["format"]), options["json"])
                return
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
            self._tell(layer.report["repaired"], layer.report["lost"])

    def _survey(self, found: Survey, as_json: bool) -> None:
        """What an import would make of the file."""
        if as_json:
            self.stdout.write(json.dumps(asdict(found)))
            return
        self.stdout.write(f"{found.format} with {found.segments} segments, {clock(found.length_ms / 1000)} long.")
        for each in found.speakers:
            lane = f"is {each.lane}" if each.lane else "needs --lane"
            self.stdout.write(
                f"{each.name} {lane}: {each.segments} segments, {clock(each.speech_ms / 1000)}; {each.sample}"
            )
        self._tell(found.repaired, found.lost)

    def _tell(self, repaired: Iterable[Repair], lost: Iterable[Repair]) -> None:
        for says, told in (("Repaired", repaired), ("Lost", lost)):
            for each in told:
                self.stdout.write(f"{says}: {each['what']} ({each['where']}).")
