"""Bring track settings in from the shell."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import MixTrack, Project
from annotation.models.track import plain
from annotation.published import PublishedError
from annotation.published.mixparams import read_tracks


class Command(BaseCommand):
    """`import_mixparams FILE PROJECT [--json]`"""

    help = "Keep the track settings of MixParams, to be shown beside the sessions of their songs."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, or a folder of them, and the project."""
        parser.add_argument("file", type=Path)
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Keep what is not here yet."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        try:
            found = read_tracks(options["file"])
        except PublishedError as error:
            raise CommandError(error.message) from error
        before = project.mix_tracks.count()
        tracks = (MixTrack(project=project, song_key=plain(row["song_name"]), **row) for row in found.rows)
        MixTrack.objects.bulk_create(tracks, batch_size=500, ignore_conflicts=True)
        told = {
            "tracks": len(found.rows),
            "added": project.mix_tracks.count() - before,
            "mixes": len({row["mix_name"] for row in found.rows}),
            "songs": len({plain(row["song_name"]) for row in found.rows}),
            "repaired": found.repaired.told(),
            "lost": found.lost.told(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write("{tracks} tracks of {mixes} mixes of {songs} songs, {added} of them new.".format(**told))
            for each in [*found.repaired.told(), *found.lost.told()]:
                self.stdout.write(f"{each['what']} ({each['where']})")
