"""How a track of a mix was set, from MixParams: what others did with the song of a session."""

from typing import Any, Self

from django.db import models

from annotation.models.project import Project
from annotation.models.session import MixingSession


def plain(name: str) -> str:
    """A song's name as it is compared: letters and digits alone, small."""
    return "".join(filter(str.isalnum, name.casefold()))[:200]


class MixTrackQuerySet(models.QuerySet["MixTrack"]):
    """Reads over track settings."""

    def beside(self, session: MixingSession) -> Self:
        """Tracks of the session's song; where none is named, of the song that it is titled after."""
        return self.filter(project=session.project_id, song_key=plain(session.song or session.title))


class MixTrack(models.Model):
    """One track of one mix; units of parameters differ by plug-in, and the order of inserts is not known."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mix_tracks")
    digest = models.CharField(max_length=64)  # of the row: the same is not imported twice
    mix_name = models.CharField(max_length=200)
    song_name = models.CharField(max_length=200)
    song_key = models.CharField(max_length=200)
    artist_name = models.CharField(max_length=200, blank=True)
    genre = models.CharField(max_length=200, blank=True)
    track_name = models.CharField(max_length=200, blank=True)
    track_type = models.CharField(max_length=200, blank=True)
    instrument = models.CharField(max_length=200, blank=True)
    channel_mode = models.CharField(max_length=40, blank=True)
    lufs = models.FloatField(null=True, blank=True)
    parameters = models.JSONField(default=dict)

    objects = MixTrackQuerySet.as_manager()

    class Meta:
        ordering = ["mix_name", "track_name", "pk"]
        indexes = [models.Index(fields=["project", "song_key", "mix_name"])]
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="mix_track_once_per_project")]

    def told(self) -> list[tuple[str, str]]:
        """Each parameter that is set, with its value in words."""
        return [
            (name, said(value)) for name, value in sorted(self.parameters.items()) if value not in (None, [], {}, "")
        ]


def said(value: Any) -> str:
    """A parameter as people read it: `freq 300, gain -2; …`; databases keep no order"""
    if isinstance(value, dict):
        return ", ".join(f"{name} {said(one)}" for name, one in sorted(value.items()))
    if isinstance(value, list):
        return "; ".join(said(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
