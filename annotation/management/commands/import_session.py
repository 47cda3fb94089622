"""Bring recordings, and their transcripts, in from the shell."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.audio.errors import AudioError
from annotation.bringing import bring_transcript
from annotation.importing import FORMATS, TranscriptError
from annotation.models import MixingSession, Project
from annotation.uploading import add_recording, forget_session


class Command(BaseCommand):
    """`import_session PROJECT AUDIO… [--transcript FILE]… [--title T]`"""

    help = "Make a session of recordings; each transcript becomes a layer of it."

    def add_arguments(self, parser: CommandParser) -> None:
        """The project, the files, and what to call the session."""
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("audio", nargs="+", type=Path)
        parser.add_argument("--transcript", action="append", type=Path, default=[])
        parser.add_argument("--format", choices=sorted(FORMATS), help="the transcripts' format, where it can't be told")
        parser.add_argument("--title", default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import all of it or nothing."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        session: MixingSession | None = None
        try:
            for path in options["audio"]:
                if not path.is_file():
                    raise CommandError(f"There is no file {path}.")
                recording = add_recording(path, path.name, project, None, title=options["title"], session=session)
                session = recording.session
            assert session is not None
            layers = [bring_transcript(session, path, format=options["format"]) for path in options["transcript"]]
        except (AudioError, TranscriptError) as error:
            if session:
                forget_session(session)
            raise CommandError(f"{path.name}: {error.message}") from error
        except CommandError:
            if session:
                forget_session(session)
            raise
        told = {"session": session.pk, "recordings": session.recordings.count(), "layers": [row.pk for row in layers]}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Session {session.pk} “{session.title}”; a worker now draws and encodes it.")
