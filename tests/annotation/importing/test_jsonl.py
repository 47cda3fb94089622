"""The site's own form: everything comes back, and a file that says what can't be is refused with its line."""

import json
import uuid

import pytest

from annotation.importing import TranscriptError, read_transcript
from annotation.importing.rows import MAX_TEXT

S1, S2, M1, T1, T2, C1 = (str(uuid.uuid4()) for _ in range(6))


def segment(uid=S1, lane="amateur", start=0, end=900, **more):
    return {"type": "segment", "uid": uid, "lane": lane, "start_ms": start, "end_ms": end, "text": "Hm?", **more}


TURN = {"type": "turn", "uid": T1, "amateur": [S1], "expert": [S2], "music": [M1]}
ALONE = {**TURN, "expert": [], "music": []}
FLAG = {"type": "flag", "turn": T1, "flag": "has_content", "value": "yes"}
SUMMARY = {"type": "summary", "turn": T1, "text": "They began.", "model": "some-model 2"}
GROUP = {"type": "conversation", "uid": C1, "topic": "drums", "turns": [T1]}
WHOLE = [
    {"type": "session", "title": "Evening", "expert": "E1"},
    segment(),
    segment(S2, "expert", 1000, 2000),
    segment(M1, "music", 0, 3000),
    TURN,
    GROUP,
    SUMMARY,
    FLAG,
]


@pytest.fixture
def read(tmp_path):
    def read(rows):
        path = tmp_path / "evening.jsonl"
        text = rows if isinstance(rows, str) else "\n".join(json.dumps(row) for row in rows)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_transcript(path)

    return read


def test_everything_that_it_says_is_read(read):
    made = read(WHOLE)
    assert made.lanes() == {"amateur": 1, "expert": 1, "music": 1}
    texts = {"amateur_text": None, "expert_text": None}
    assert made.rows.turns == [{"uid": T1, "amateur": [S1], "expert": [S2], "music": [M1], **texts}]
    assert made.rows.conversations == [{"uid": C1, "topic": "drums", "turns": [T1]}]
    assert made.rows.summaries == [{"turn": T1, "text": "They began.", "model": "some-model 2"}]
    assert made.rows.flags == [{"turn": T1, "flag": "has_content", "value": "yes", "note": ""}]
    assert made.facts == {"title": "Evening", "expert": "E1"}
    assert not made.repaired
    assert not made.lost


def test_names_may_be_written_in_capitals_and_a_text_may_hold_any_separator(read):
    upper = {**TURN, "amateur": [S1.upper()], "expert": [], "music": []}
    row = json.dumps(segment(S1.upper(), text="one\u2028two\u0085three"), ensure_ascii=False)
    made = read(row + "\n" + json.dumps(upper))
    assert made.rows.segments[0]["text"] == "one\u2028two\u0085three"
    assert made.rows.turns[0]["amateur"] == [made.rows.segments[0]["uid"]]


def test_what_no_database_keeps_is_taken_out_and_told(read):
    made = read([segment(text="a\x00b \ud83d"), {**ALONE, "amateur_text": "\x00"}])
    assert made.rows.segments[0]["text"] == "ab ?"
    assert made.rows.turns[0]["amateur_text"] == ""
    assert [each["where"] for each in made.repaired] == ["line 1", "line 2"]


def test_a_note_and_a_models_name_that_are_too_long_are_cut_and_told(read):
    made = read(
        [segment(), {**TURN, "expert": [], "music": []}, {**FLAG, "note": "n" * 600}, {**SUMMARY, "model": "m" * 200}]
    )
    assert len(made.rows.flags[0]["note"]) == 500
    assert len(made.rows.summaries[0]["model"]) == 120
    assert len(made.lost) == len(made.repaired) == 1


REFUSED = {
    "an utterance in two turns": ("in-two-turns", [segment(), ALONE, {**ALONE, "uid": T2}]),
    "a turn without members": ("empty-turn", [segment(), {"type": "turn", "uid": T1}]),
    "a conversation without turns": ("empty-conversation", [segment(), ALONE, {**GROUP, "turns": []}]),
    "a turn that is grouped twice": ("double-turn", [segment(), ALONE, {**GROUP, "turns": [T1, T1]}]),
    "a member named twice": ("double-member", [segment(), {**ALONE, "amateur": [S1, S1]}]),
    "two flags of one name": ("double-flag", [segment(), ALONE, FLAG, {**FLAG, "value": "no"}]),
    "two summaries of one turn": ("double-summary", [segment(), ALONE, SUMMARY, SUMMARY]),
    "two segments of one uid": ("double-uid", [segment(), segment()]),
    "a member on another lane": ("unknown-segment", [segment(), {**ALONE, "amateur": [], "expert": [S1]}]),
    "a flag on no turn": ("unknown-turn", [segment(), FLAG]),
    "a side that is a list": ("bad-line", [segment(), {**ALONE, "amateur_text": [1]}]),
    "a side that is an object": ("bad-line", [segment(), {**ALONE, "amateur_text": {"a": 1}}]),
    "a uid that is a number": ("bad-line", [segment(5)]),
    "a uid that is a list": ("bad-line", [segment(["x"])]),
    "a member that is a list": ("bad-line", [segment(), {**ALONE, "amateur": [[1]]}]),
    "a grouped turn that is a list": ("bad-line", [segment(), ALONE, {**GROUP, "turns": [[]]}]),
    "a flag on a list": ("bad-line", [segment(), ALONE, {**FLAG, "turn": []}]),
    "a summary of an object": ("bad-line", [segment(), ALONE, {**SUMMARY, "turn": {}}]),
    "a model that is a list": ("bad-line", [segment(), ALONE, {**SUMMARY, "model": ["m"]}]),
    "a flag that is perhaps": ("bad-line", [segment(), ALONE, {**FLAG, "value": "perhaps"}]),
    "a time beyond all": ("bad-line", [segment(end=10**400)]),
    "a time that is half": ("bad-line", [segment(end=1.5)]),
    "an end before the start": ("bad-line", [segment(start=5, end=5)]),
    "a text without end": ("long-text", [segment(text="x" * (MAX_TEXT + 1))]),
    "a lane that nobody knows": ("unknown-lane", [segment(lane="drums")]),
    "depth without end": ("bad-line", json.dumps(segment()) + "\n" + "[" * 100_000),
    "no JSON": ("bad-line", json.dumps(segment()) + "\nand so on"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused(read, what):
    code, rows = REFUSED[what]
    with pytest.raises(TranscriptError) as error:
        read(rows)
    assert error.value.code == code, error.value.message


def test_what_is_no_utf_8_is_refused(tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(segment()).encode() + b"\n\xff")
    with pytest.raises(TranscriptError) as error:
        read_transcript(path)
    assert error.value.code == "not-utf8"


def test_words_with_their_times_are_read_and_a_segment_without_has_none(read):
    first, second = read([segment(words=[[0, 200, "Hm?"]]), segment(S2, "expert", words=[])]).rows.segments
    assert first["words"] == [[0, 200, "Hm?"]]
    assert "words" not in second


@pytest.mark.parametrize("words", [[[0, 200]], [["0", 200, "Hm?"]], "Hm?", [[300, 200, "Hm?"]]])
def test_words_that_make_no_sense_are_refused_with_their_line(read, words):
    with pytest.raises(TranscriptError, match=r"Line 2: Word times are a list"):
        read([WHOLE[0], segment(words=words)])
