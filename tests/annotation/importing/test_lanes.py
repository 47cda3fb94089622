"""Which lane a speaker is: by its name, by what somebody says, or left out; and what is known before that."""

import json
import uuid

import pytest

from annotation.importing import TranscriptError, read_transcript, survey_transcript
from annotation.importing.rows import MAX_SPEAKERS, TOLD

S1, S2, T1, T2, C1 = (str(uuid.uuid4()) for _ in range(5))


def segment(lane, start=0, **more):
    return {"type": "segment", "lane": lane, "start_ms": start, "end_ms": start + 900, "text": f"{lane} speaks", **more}


@pytest.fixture
def write(tmp_path):
    def write(*rows):
        path = tmp_path / "evening.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        return path

    return write


def test_a_survey_counts_and_asks_for_no_lane(write):
    found = survey_transcript(write(segment("expert", 1000), segment("Ben"), segment("Ben", 500), segment("Teacher")))
    assert (found.format, found.segments, found.length_ms) == ("jsonl", 4, 1900)
    told = [(each.name, each.lane, each.segments, each.speech_ms, each.sample) for each in found.speakers]
    assert told == [
        ("expert", "expert", 1, 900, "expert speaks"),
        ("Ben", None, 2, 1800, "Ben speaks"),
        ("Teacher", "expert", 1, 900, "Teacher speaks"),
    ]


def test_a_survey_refuses_what_no_choice_of_lanes_would_mend(write):
    with pytest.raises(TranscriptError) as error:
        survey_transcript(write(segment("amateur", uid=S1), segment("amateur", uid=S1)))
    assert error.value.code == "double-uid"


def test_speakers_that_nobody_knows_are_named_at_once(write):
    with pytest.raises(TranscriptError, match="“Ben”, “Eve”") as error:
        read_transcript(write(segment("Ben"), segment("Eve"), segment("expert")))
    assert error.value.code == "unknown-lane"


def test_a_lane_that_there_is_not_is_refused(write):
    with pytest.raises(TranscriptError):
        read_transcript(write(segment("Ben")), lanes={"Ben": "drums"})


def test_who_is_left_out_is_told_as_lost(write):
    made = read_transcript(write(segment("Ben"), segment("expert")), lanes={"Ben": ""})
    assert made.lanes() == {"expert": 1}
    assert made.lost == [{"what": "1 segments left out", "where": "Ben"}]
    path = write(segment("Ben"), segment("expert"))
    assert read_transcript(path, strict_lanes=False).rows.segments == made.rows.segments


def test_what_stands_on_segments_that_are_left_out_goes_with_them(write):
    path = write(
        segment("Ben", uid=S1),
        segment("expert", uid=S2),
        {"type": "turn", "uid": T1, "amateur": [S1], "expert": [S2]},
        {"type": "turn", "uid": T2, "amateur": [S1]},
    )
    with pytest.raises(TranscriptError):  # an utterance in two turns, whoever speaks it
        read_transcript(path, lanes={"Ben": "amateur"})
    path = write(
        segment("Ben", uid=S1),
        segment("expert", uid=S2),
        {"type": "turn", "uid": T1, "expert": [S2]},
        {"type": "turn", "uid": T2, "amateur": [S1]},
        {"type": "conversation", "uid": C1, "topic": "drums", "turns": [T1, T2]},
        {"type": "summary", "turn": T2, "text": "They began."},
        {"type": "flag", "turn": T2, "flag": "has_content", "value": "yes"},
    )
    made = read_transcript(path, lanes={"Ben": ""})
    assert [turn["uid"] for turn in made.rows.turns] == [T1]
    assert made.rows.conversations[0]["turns"] == [T1]
    assert not made.rows.summaries
    assert not made.rows.flags
    assert len(made.lost) == 2


def test_a_further_tier_of_a_lane_is_of_that_lane(write):
    assert read_transcript(write(segment("expert"), segment("expert (2)", 300))).lanes() == {"expert": 2}


def test_a_report_stays_short(write):
    found = survey_transcript(write(*(segment("Ben", n, text="a\x00b") for n in range(100))))
    assert len(found.repaired) == TOLD + 1
    assert found.repaired[-1]["where"] == f"{100 - TOLD} more places"


def test_a_file_of_too_many_speakers_is_something_else(write):
    with pytest.raises(TranscriptError) as error:
        survey_transcript(write(*(segment(f"Ben {n}") for n in range(MAX_SPEAKERS + 1))))
    assert error.value.code == "too-many"
