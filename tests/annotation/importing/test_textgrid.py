"""Praat's TextGrid: both forms, both encodings, gaps, quotes, and what a damaged one says."""

import pytest

from annotation.importing import TranscriptError, read_transcript

HEAD = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 4\ntiers? <exists>\nsize = {}\nitem []:\n'
)
SHORT = (
    'File type = "ooTextFile short"\n"TextGrid"\n\n0\n4\n<exists>\n1\n"IntervalTier"\n"expert"\n0\n4\n1\n0\n2\n"Hi"\n'
)
POINTS = 'class = "TextTier"\nname = "marks"\nxmin = 0\nxmax = 4\npoints: size = 1\npoints [1]:\nnumber = 1\nmark = "x"'


def tier(name="expert", start="0", end="2", text="Hi"):
    return (
        f'    item [1]:\n        class = "IntervalTier"\n        name = "{name}"\n        xmin = 0\n        xmax = 4\n'
        f"        intervals: size = 2\n        intervals [1]:\n            xmin = {start}\n            xmax = {end}\n"
        f'            text = "{text}"\n        intervals [2]:\n            xmin = 2\n            xmax = 4\n'
        '            text = ""\n'
    )


@pytest.fixture
def read(tmp_path):
    def read(text, encoding="utf-8", **options):
        path = tmp_path / "evening.TextGrid"
        path.write_bytes(text.encode(encoding))
        return read_transcript(path, **options)

    return read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_intervals_with_text_become_segments_and_empty_ones_are_gaps(read, encoding):
    made = read(HEAD.format(1) + tier(text='It is ""the"" room – 3 dB'), encoding)
    (row,) = made.rows.segments
    assert (row["lane"], row["start_ms"], row["end_ms"]) == ("expert", 0, 2000)
    assert row["text"] == 'It is "the" room – 3 dB'


@pytest.mark.parametrize("first", ["ooTextFile short", "ooTextFile"])
def test_the_short_form_says_the_same(read, first):
    (row,) = read(SHORT.replace("ooTextFile short", first)).rows.segments
    assert (row["lane"], row["start_ms"], row["end_ms"], row["text"]) == ("expert", 0, 2000, "Hi")


def test_two_tiers_may_have_one_name(read):
    made = read(HEAD.format(2) + tier() + tier())
    assert len({row["uid"] for row in made.rows.segments}) == 2


def test_the_same_file_gives_the_same_uids(read):
    one, two = (read(HEAD.format(1) + tier()).rows.segments for _ in range(2))
    assert one == two


def test_a_tier_is_put_on_the_lane_that_is_named_for_it(read):
    with pytest.raises(TranscriptError) as error:
        read(HEAD.format(1) + tier("Speaker 1"))
    assert error.value.code == "unknown-lane"
    made = read(HEAD.format(1) + tier("Speaker 1"), lanes={"Speaker 1": "amateur"})
    assert made.lanes() == {"amateur": 1}


def test_points_are_lost_and_told(read):
    assert read(HEAD.format(1) + POINTS).lost == [{"what": "1 points", "where": "tier marks"}]


def test_half_milliseconds_are_rounded_and_told(read):
    made = read(HEAD.format(1) + tier(start="0.0004", end="1.2346"))
    assert (made.rows.segments[0]["start_ms"], made.rows.segments[0]["end_ms"]) == (0, 1235)
    assert made.repaired[0]["where"] == "tier expert, interval 1"


def test_a_nul_is_taken_out_and_told(read):
    made = read(HEAD.format(1) + tier(text="a\x00b"))
    assert made.rows.segments[0]["text"] == "ab"
    assert len(made.repaired) == 1


@pytest.mark.parametrize(
    "text",
    [
        HEAD.format("1e999") + tier(),
        HEAD.format(1) + tier(end="1e307"),
        HEAD.format(1) + tier(end="1e999"),
        HEAD.format(2) + tier(),
        HEAD.format(1) + tier(text="unclosed")[:-60],
        HEAD.format(1) + tier(end="nan"),
    ],
)
def test_a_damaged_one_is_refused_with_a_sentence(read, text):
    with pytest.raises(TranscriptError) as error:
        read(text)
    assert error.value.code == "broken-textgrid"


def test_a_tier_of_a_speakers_words_gives_its_segments_their_times(read):
    made = read(HEAD.format(3) + tier(text="Hi there") + tier("expert - words", 0.5, 1, "Hi") + tier("amateur", 2, 3))
    first, second = made.rows.segments
    assert first["words"] == [[500, 1000, "Hi"]]
    assert "words" not in second
    assert not made.lost


def test_a_word_outside_of_all_segments_is_told_as_lost(read):
    made = read(HEAD.format(2) + tier(start=1) + tier("expert_words", 0, 0.5, "Hi"))
    assert [row["where"] for row in made.lost] == ["tier expert_words, interval 1"]
    assert "words" not in made.rows.segments[0]


def test_a_tier_that_is_named_for_a_lane_is_one_whatever_its_name(read):
    made = read(HEAD.format(1) + tier("expert - words"), lanes={"expert - words": "note"})
    assert made.lanes() == {"note": 1}
