"""What no session holds is refused with a sentence before it fills anything: times, counts, depth, sizes."""

import json

import pytest

from annotation.importing import FORMATS, TranscriptError, read_transcript
from annotation.importing.rows import MAX_SEGMENTS, MAX_TEXT, MAX_TOLD

BEYOND = {
    "whisperx": json.dumps({"segments": [{"start": 0, "end": 1e300, "text": "x"}]}),
    "labelstudio": json.dumps([{"label": [{"start": 0, "end": 1e300, "labels": ["note"]}]}]),
    "labelstudio percents": json.dumps(
        [{"label": [{"start": "0%", "end": "1e308%", "original_length": 1e308, "labels": ["note"]}]}]
    ),
    "csv": "start,end,speaker,text\n0,999999999,note,x\n",
    "audacity": "0\t999999999\tnote: x\n",
    "srt": "1\n00:00:00,000 --> 9999:00:00,000\nnote: x\n",
    "webvtt": "WEBVTT\n\n00:00.000 --> 9999:00:00.000\n<v note>x\n",
    "rttm": "SPEAKER a 1 0.0 999999999 <NA> <NA> note <NA> <NA>\n",
}
MANY = {
    "csv": ("start,end,speaker,text\n", "0,1,note,x\n"),
    "audacity": ("", "0\t1\tx\n"),
    "srt": ("", "1\n0:0 --> 0:1\n\n"),
    "webvtt": ("WEBVTT\n\n", "0:0 --> 0:1\n"),
    "rttm": ("", "SPEAKER a 1 0 1 <NA> <NA> note <NA> <NA>\n"),
    "eaf": (
        '<ANNOTATION_DOCUMENT><TIER TIER_ID="note">',
        '<ANNOTATION><REF_ANNOTATION ANNOTATION_REF="a"/></ANNOTATION>',
    ),
    "whisperx": ('{"segments": [', '{"start":0,"end":1,"text":"x"},'),
}
LONG = {
    "whisperx": json.dumps({"segments": [{"start": 0, "end": 1, "text": "x" * (MAX_TEXT + 1)}]}),
    "srt": "1\n00:00:00,000 --> 00:00:01,000\n" + "x" * (MAX_TEXT + 1),
    "csv": f'start,end,text\n0,1,"{"x" * 200_000}"\n',
}


def refused(file, data):
    with pytest.raises(TranscriptError) as error:
        read_transcript(file(data))
    assert error.value.message.endswith(".")
    return error.value.code


@pytest.mark.parametrize("name", BEYOND)
def test_a_time_beyond_all_sessions(file, name):
    assert refused(file, BEYOND[name]) == "bad-time"


@pytest.mark.parametrize("name", MANY)
def test_more_segments_than_any_session_has(file, name):
    head, one = MANY[name]
    end = '{"start":0}]}' if name == "whisperx" else ""
    assert refused(file, head + one * (MAX_SEGMENTS + 1) + end) == "too-many"


def test_more_damage_than_any_transcript_has(file):
    assert refused(file, "0\t1\tx\n" + "x\n" * MAX_TOLD) == "too-many"


@pytest.mark.parametrize("name", LONG)
def test_a_text_without_end(file, name):
    assert refused(file, LONG[name]) in ("long-text", "broken-table")


@pytest.mark.parametrize("data", ['{"segments": ' + "[" * 200_000, '[{"labels": ' + "[" * 200_000])
def test_depth_without_end(file, data):
    assert refused(file, data) == "bad-json"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 1000, b"\xff\xfe", b"\xff\xfe\x00", b"ooBinaryFile\x08TextGrid", b"\xfe\xff"]
)
def test_what_is_no_transcript_of_the_format_that_it_is_said_to_be(file, name, data):
    try:
        made = read_transcript(file(data), format=name)
    except TranscriptError as error:
        assert error.message.endswith(".")
    else:
        assert not made.rows.segments


def test_times_of_more_digits_than_any_need_are_read(said):
    rows, made = said("4.000000500000\t5.000\tnote: x\n")
    assert rows == [("note", 4000, 5000, "x")]
    assert made.repaired == [{"what": "time rounded to a millisecond", "where": "line 1"}]
