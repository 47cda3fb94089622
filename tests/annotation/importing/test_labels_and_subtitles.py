"""Audacity's labels, SRT and WebVTT: their variants, who speaks in them, and what is mended and lost."""

import pytest


def test_labels_hold_points_frequencies_and_decimal_commas(said, whats):
    rows, made = said("0,500000\t1,250000\texpert: Cut\n\\\t200,0\t300,0\n2.0\t2.0\tnote: here\r\n\nrubbish\n3\t4\n")
    assert rows == [("expert", 500, 1250, "Cut"), ("note", 2000, 2100, "here"), ("note", 3000, 4000, "")]
    assert whats(made.lost) == ["the frequencies of a label", "a line that is no label"]
    assert whats(made.repaired) == [
        "a text without a name, given to the speaker before",
        "a point without length made 100 ms long",
    ]


def test_labels_without_names_are_nobodys(survey):
    found = survey("0.0\t1.0\tCut it here\n2.0\t3.0\tRight: so\n4.0\t5.0\tand so on\n")
    assert (found.format, [each.name for each in found.speakers]) == ("audacity", ["unnamed"])
    assert found.speakers[0].sample == "Cut it here"


SRT = "1\n00:00:01,000 --> 00:00:02,500\nAnna: Cut at\n300 Hz\n\n2\n00:00:02,000 --> 00:00:04,000\nBen: Hm?\n\n"


def test_cues_of_srt_overlap_and_begin_with_a_name(said):
    rows, made = said(SRT, {"Anna": "expert", "Ben": "amateur"})
    assert rows == [("expert", 1000, 2500, "Cut at\n300 Hz"), ("amateur", 2000, 4000, "Hm?")]
    assert made.lost == made.repaired == []


@pytest.mark.parametrize("change", [("\n", "\r\n"), (",", "."), ("00:00:0", "0:0"), ("1\n00", "00")])
def test_variants_of_srt_say_the_same(said, change):
    lanes = {"Anna": "expert", "Ben": "amateur"}
    assert said(SRT.replace(*change), lanes)[0] == said(SRT, lanes)[0]


def test_a_beginning_is_no_name_where_the_file_does_not_keep_to_it(survey):
    cues = "".join(
        f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n" for n, text in enumerate(["Look: so", "b", "c"])
    )
    assert [each.name for each in survey(cues).speakers] == ["unnamed"]


def test_names_in_brackets_are_names(said):
    rows, _ = said(SRT.replace("Anna:", "[Anna]").replace("Ben:", "[Ben]:"), {"Anna": "expert", "Ben": "amateur"})
    assert [row[3] for row in rows] == ["Cut at\n300 Hz", "Hm?"]


VTT = """\ufeffWEBVTT - an evening
Kind: captions

NOTE
nothing here --

STYLE
::cue { color: red }

REGION
id:fred

first
00:01.000 --> 00:02.500 align:start line:0
<v.loud Anna>Cut at <i>300</i> Hz &amp; listen</v>

01:00:02.000 --> 01:00:04.000
<v Ben>Hm?
<v Anna>Now!

00:05.000 --> 00:06.000position:50%
nobody <00:05.500>says &lt;this&gt;
"""


def test_webvtt_has_voices_settings_notes_and_entities(said, whats):
    rows, made = said(VTT, {"Anna": "expert", "Ben": "amateur", "unnamed": "note"})
    assert rows == [
        ("expert", 1000, 2500, "Cut at 300 Hz & listen"),
        ("note", 5000, 6000, "nobody says <this>"),
        ("amateur", 3_602_000, 3_604_000, "Hm?"),
        ("expert", 3_602_000, 3_604_000, "Now!"),
    ]
    assert whats(made.repaired) == ["voices of one cue, each given its whole time"]
    assert sorted(whats(made.lost)) == [
        "a note", "a region", "a style", "a style inside a cue", "a time inside a cue", *["the settings of a cue"] * 2,
    ]  # fmt: skip


def test_a_cue_without_words_is_a_segment_without(said):
    rows, _ = said("WEBVTT\n\n00:01.000 --> 00:02.000\n<v music>\n\n00:03.000 --> 00:04.000\n\n", {"unnamed": "note"})
    assert rows == [("music", 1000, 2000, ""), ("note", 3000, 4000, "")]


def test_cues_of_webvtt_without_a_blank_line_between_are_two(said):
    rows, _ = said("WEBVTT\n\n00:01.000 --> 00:02.000\nexpert: a\n00:02.000 --> 00:03.000\nexpert: b\n")
    assert [row[3] for row in rows] == ["a", "b"]
