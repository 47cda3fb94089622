"""What machines write: Whisper and its kin, diarisations, tables, Label Studio."""

import json

import pytest

from annotation.importing import TranscriptError, survey_transcript
from annotation.importing.proposing import propose_lanes


def word(text, start=None, end=None, speaker=None):
    told = {"word": text, "start": start, "end": end, "speaker": speaker}
    return {name: value for name, value in told.items() if value is not None}


def whisper(*segments, **more):
    return json.dumps({"segments": list(segments), **more}, ensure_ascii=False)


def test_a_segment_that_spans_speakers_is_divided_where_they_change(said, whats):
    words = [word("Cut", 1, 1.4, "A"), word("it."), word("Why?", 2, 2.5, "B"), word("Hm", 2.6, 2.8, "B")]
    rows, made = said(
        whisper({"start": 1, "end": 3, "text": " Cut it. Why? Hm", "speaker": "A", "words": words}),
        {"A": "expert", "B": "amateur"},
    )
    assert rows == [("expert", 1000, 1400, "Cut it."), ("amateur", 2000, 3000, "Why? Hm")]
    assert whats(made.repaired) == ["a segment of several speakers divided where they change"]
    assert whats(made.lost) == ["the time of a word that has none, or ends before it starts"]
    assert [row["words"] for row in made.rows.segments] == [
        [[1000, 1400, "Cut"]],
        [[2000, 2500, "Why?"], [2600, 2800, "Hm"]],
    ]


def test_words_that_the_text_does_not_say_are_its_parts_where_speakers_change(said, whats):
    words = [word("cut"), word("it", 1, 2, "expert"), word("why", 2, 3, "amateur")]
    rows, made = said(whisper({"start": 1, "end": 3, "text": "Cut it! Why?", "words": words}))
    assert rows == [("expert", 1000, 2000, "cut it"), ("amateur", 2000, 3000, "why")]
    assert "a text that its words don't follow, made again of the words" in whats(made.repaired)


def test_a_glued_segment_is_divided_at_its_pauses(said, whats):
    words = [word(" One", 0.5, 1), word(" two.", 1.2, 2), word(" Three", 20, 21), word(" four.", 21.5, 22)]
    segment = {"start": 0, "end": 29.98, "text": " One two. Three four.", "words": words}
    rows, made = said(whisper(segment), {"unnamed": "expert"})
    assert rows == [("expert", 0, 2000, "One two."), ("expert", 20000, 29980, "Three four.")]
    assert whats(made.repaired) == ["a long segment divided at its pauses"]


def test_a_segment_that_ends_before_it_starts_has_its_words_times_or_is_turned(said, whats):
    rows, made = said(
        whisper(
            {"start": 5, "end": 4, "text": "a", "speaker": "expert", "words": [word("a", 4.5, 4.8)]},
            {"start": 7, "end": 6, "text": "b", "speaker": "expert"},
            {"start": None, "end": 6, "text": "c", "speaker": "expert"},
        )
    )
    assert rows == [("expert", 4500, 4800, "a"), ("expert", 6000, 7000, "b")]
    assert whats(made.repaired) == ["a segment's times taken from its words", "start and end exchanged"]
    assert whats(made.lost) == ["a segment without times"]


@pytest.mark.parametrize(
    "document",
    [
        {"text": "Hi", "segments": [{"id": 0, "seek": 0, "start": 1.0, "end": 2.0, "text": " Hi", "tokens": [1]}]},
        {"text": "Hi", "chunks": [{"timestamp": [1.0, 2.0], "text": " Hi"}]},
        {"transcription": [{"offsets": {"from": 1000, "to": 2000}, "text": " Hi"}]},
        [{"start": 1.0, "end": 2.0, "text": " Hi"}],
    ],
)
def test_whispers_kin_say_the_same(said, document):
    assert said(json.dumps(document), {"unnamed": "note"})[0] == [("note", 1000, 2000, "Hi")]


RTTM = """;; by a machine
SPKR-INFO evening 1 <NA> <NA> <NA> unknown SPEAKER_00 <NA> <NA>
SPEAKER evening 1 1.500 2.000 <NA> <NA> SPEAKER_00 <NA> <NA>
SPEAKER evening 1 3.000 4.250 <NA> <NA> SPEAKER_01 <NA>
SPEAKER evening 1 3.200 0.500 <NA> <NA> SPEAKER_02 <NA> <NA>
SPEAKER morning 1 0.000 9.000 <NA> <NA> SPEAKER_00 <NA> <NA>
SPEAKER evening 1 <NA> 2.000 <NA> <NA> SPEAKER_00 <NA> <NA>
evening 1 0.000 300.000
"""


def test_a_diarisation_says_who_speaks_when(said, whats):
    rows, made = said(RTTM, {"SPEAKER_00": "amateur", "SPEAKER_01": "expert", "SPEAKER_02": ""})
    assert rows == [("amateur", 1500, 3500, ""), ("expert", 3000, 7250, "")]
    assert sorted(whats(made.lost)) == [
        "1 segments left out",
        "a region that is scored (UEM)",
        "a row of SPKR-INFO",
        "a row of another recording than the first",
        "a row without its times or its speaker",
    ]


def test_a_uem_alone_is_said_to_be_one(said):
    with pytest.raises(TranscriptError) as error:
        said("evening 1 0.000 300.000\n")
    assert error.value.code == "only-uem"


def test_who_speaks_longest_is_proposed_as_the_expert(file):
    speakers = survey_transcript(file(RTTM)).speakers
    proposal = propose_lanes(speakers)
    assert proposal.lanes == {"SPEAKER_01": "expert", "SPEAKER_00": "amateur", "SPEAKER_02": ""}
    assert "SPEAKER_01 speaks longest (4.2 s)" in proposal.reason
    said_so = propose_lanes(speakers, expert="SPEAKER_02")
    assert said_so.lanes == {"SPEAKER_02": "expert", "SPEAKER_01": "amateur", "SPEAKER_00": ""}
    with pytest.raises(ValueError, match="Nobody"):
        propose_lanes(speakers, expert="Eve")


def test_names_that_are_lanes_are_not_proposed_otherwise(file):
    speakers = survey_transcript(file(RTTM.replace("SPEAKER_01", "amateur").replace("SPEAKER_02", "music"))).speakers
    assert propose_lanes(speakers).lanes == {"amateur": "amateur", "music": "music", "SPEAKER_00": "expert"}


TABLES = {
    "ms by the head": "start_ms,end_ms,speaker,text\n1500,2000,expert,Cut\n",
    "seconds": "start,end,speaker,text\n1.5,2.0,expert,Cut\n",
    "clocks": "Start Time;End Time;Participant;Transcript\n00:00:01.500;0:02;expert;Cut\n",
    "decimal commas": "begin;end;tier;annotation\n1,5;2,0;expert;Cut\n",
    "a length": "onset\tduration\tlane\tlabel\n1.5\t0.5\texpert\tCut\n",
    "ELAN's tab-delimited": "Begin Time - ss.msec\tEnd Time - ss.msec\tTier\tAnnotation\n1.500\t2.000\texpert\tCut\n",
    "seconds by the head": "Start (s)|End (s)|Speaker|Text\n1.5|2|expert|Cut\n",
    "camel case": "text,startMs,endMs,speaker\nCut,1500,2000,expert\n",
}


def test_columns_that_nobody_reads_are_told_as_lost(said, whats):
    rows, made = said("start,end,score,speaker,text,,empty\n1,2,0.9,expert,a,b,\n")
    assert len(rows) == 1
    assert whats(made.lost) == ["the column score", "the column 6"]


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_read_by_its_head(said, kind):
    assert said(TABLES[kind])[0] == [("expert", 1500, 2000, "Cut")]


def test_whole_numbers_without_a_unit_are_milliseconds_where_segments_are_long(said, whats):
    rows, made = said("start\tend\ttext\n0\t1500\tCut\n1500\t4000\tso\n", {"unnamed": "note"})
    assert [row[1:3] for row in rows] == [(0, 1500), (1500, 4000)]
    assert whats(made.repaired) == ["times without a unit, read as milliseconds"]
    assert said("start,end,text\n0,3,Cut\n5,9,so\n", {"unnamed": "note"})[0][1][1:3] == (5000, 9000)


def test_a_row_without_times_is_lost_and_a_table_without_a_head_is_refused(said, whats):
    rows, made = said("start,end,speaker,text\nsoon,2,expert,a\n1,2,expert,b\n1\n")
    assert len(rows) == 1
    assert made.lost == [{"what": "a row without its times", "where": f"line {n}"} for n in (2, 4)]
    with pytest.raises(TranscriptError):
        said("a,b,c\n1,2,3\n", format="csv")


def region(uid, start, end, label=None, text=None, length=60.0):
    value = {"start": start, "end": end, "channel": 0}
    told = []
    if label:
        told.append({"type": "labels", "value": {**value, "labels": [label]}})
    if text:
        told.append({"type": "textarea", "value": {**value, "text": [text]}})
    return [{"id": uid, "from_name": "x", "to_name": "audio", "original_length": length, **each} for each in told]


def tasks(*results, **more):
    return json.dumps(
        [{"id": 7, "data": {"audio": "a.wav"}, "annotations": [{"id": 1, "result": list(results)}], **more}]
    )


def test_label_studio_keeps_labels_and_texts_of_a_region_together(said, whats):
    choice = {"id": "c", "type": "choices", "from_name": "q", "to_name": "audio", "value": {"choices": ["good"]}}
    rows, made = said(
        tasks(*region("a", 1.5, 2, "expert", "Cut"), *region("b", 1.75, 3.25, "Eve"), choice), {"Eve": "amateur"}
    )
    assert rows == [("expert", 1500, 2000, "Cut"), ("amateur", 1750, 3250, "")]
    assert whats(made.lost) == ["a result of type choices without a region"]


def test_label_studios_percents_are_told_from_seconds(said, whats):
    rows, made = said(tasks(*region("a", 25, 50, "expert", "Cut", length=8.0)))
    assert rows == [("expert", 2000, 4000, "Cut")]
    assert whats(made.repaired) == ["times in percent of the length"]


def test_other_tasks_and_other_annotators_are_told_as_lost(said, whats):
    result = region("a", 1.5, 2, "expert", "Cut")
    task = {"annotations": [{"result": result}, {"result": result}, {"was_cancelled": True, "result": result}]}
    rows, made = said(json.dumps([{"annotations": []}, task, task]))
    assert len(rows) == 1
    assert whats(made.lost) == ["1 annotations of others", "a task of another recording than the first"]


def test_texts_of_the_least_export_that_belong_to_no_region_are_told_as_lost(said, whats):
    task = {"label": [{"start": 1, "end": 2, "labels": ["note"]}], "transcription": ["Cut", "so"]}
    assert whats(said(json.dumps([task]))[1].lost) == [
        f"a text that belongs to no region: {text}" for text in ("Cut", "so")
    ]


def test_what_a_file_says_of_itself_can_be_stored_with_the_report(said):
    task = {"label": [{"start": 1, "end": 2, "labels": ["note", "a\x00\ud800" + "b" * 1000]}]}
    _, made = said(json.dumps([task]))
    assert made.lost == [{"what": f"a further label of a region: a?{'b' * 37}", "where": "task 1, region 1"}]


def test_what_a_model_predicted_is_read_where_nobody_annotated(said):
    predicted = [{"result": region("a", 1.5, 2, "expert", "Cut")}]
    assert said(json.dumps([{"annotations": [], "predictions": predicted}]))[0] == [("expert", 1500, 2000, "Cut")]


def test_the_least_export_of_label_studio_is_read(said):
    spans = [{"start": 1.5, "end": 2, "channel": 0, "labels": ["expert"]}, {"start": 3, "end": 4, "labels": ["note"]}]
    task = {"audio": "a.wav", "id": 7, "label": spans, "transcription": ["Cut", "so"], "annotator": 1}
    assert said(json.dumps([task]))[0] == [("expert", 1500, 2000, "Cut"), ("note", 3000, 4000, "so")]
