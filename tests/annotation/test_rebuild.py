"""What an older site did not make of its recordings is queued from the shell, once."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.models import Ingest
from mixassist_site.jobs import State
from tests.factories import RecordingFactory


@pytest.fixture
def recordings(project):
    """Two sessions of an older site: waveform and playback audio are here, and nothing else."""
    made = [RecordingFactory(session__project=project) for _ in range(2)]
    for recording in made:
        for kind in ("peaks", "proxy"):
            recording.derived.create(kind=kind, digest="abc", path="derived/none")
            recording.ingests.create(project=project, makes=kind, state=State.SUCCEEDED)
    return made


def rebuild(capsys, *arguments):
    call_command("rebuild", *arguments, "--json")
    jobs = json.loads(capsys.readouterr().out.splitlines()[-1])["jobs"]
    return [(job.recording, job.makes) for job in Ingest.objects.filter(pk__in=jobs).order_by("pk")]


def test_what_is_missing_is_queued_and_only_once(recordings, capsys):
    first, second = recordings
    assert rebuild(capsys) == [(first, "levels"), (second, "levels")]
    assert rebuild(capsys) == []


def test_a_kind_and_a_session_can_be_named(recordings, capsys):
    _, second = recordings
    session = str(second.session.pk)
    assert rebuild(capsys, "--kind", "levels", "--session", session) == [(second, "levels")]
    assert rebuild(capsys, "--kind", "spectrogram", "--session", session) == [(second, "spectrogram")]


def test_what_is_here_is_made_again_where_that_is_asked(recordings, capsys):
    first, _ = recordings
    again = rebuild(capsys, "--all", "--session", str(first.session.pk))
    assert again == [(first, "peaks"), (first, "levels"), (first, "proxy")]


def test_a_session_that_is_not_there_gets_a_sentence(recordings):
    with pytest.raises(CommandError, match=r"There is no session 9999\."):
        call_command("rebuild", "--session", "9999")
    assert Ingest.objects.count() == 4
