"""Recordings that the tests of this folder share, made once."""

import pytest

from tests.annotation.audio.sounds import music, write

KINDS = ("wav", "rf64", "flac", "mp3", "opus", "vorbis", "m4a", "alac")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """The same seven seconds, 48 kHz stereo, in every kind of file."""
    folder = tmp_path_factory.mktemp("recordings")
    return {kind: write(folder / f"take.{kind}", music(7.3)) for kind in KINDS}
