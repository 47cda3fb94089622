"""Bytes in, rows out, as the site reads a file: by its content."""

import pytest

from annotation.importing import read_transcript, survey_transcript


@pytest.fixture
def file(tmp_path):
    def file(data, encoding="utf-8"):
        path = tmp_path / "transcript"
        path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
        return path

    return file


@pytest.fixture
def survey(file):
    return lambda data, **options: survey_transcript(file(data, **options))


@pytest.fixture
def said(file):
    """A reader that returns (lane or speaker, start, end, text) for each segment, and the whole that was made."""

    def said(data, lanes=None, *, encoding="utf-8", format=None):
        made = read_transcript(file(data, encoding), lanes=lanes, format=format)
        return [(row["lane"], row["start_ms"], row["end_ms"], row["text"]) for row in made.rows.segments], made

    return said


@pytest.fixture
def whats():
    return lambda told: [each["what"] for each in told]
