"""One way of writing for every answer, so that marks of format tell nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.blind import normalise


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**Cut** at 300\u00a0Hz.", "Cut at 300 Hz."),
        ("“It’s boxy” – cut…", '"It\'s boxy" - cut...'),
        ("# Drums\n\n* kick\n• snare\n+ hat", "Drums\n\n- kick\n- snare\n- hat"),
        ("1) first\n2. second", "1. first\n2. second"),
        ("a\r\n\r\n\r\n\r\nb  \n", "a\n\nb"),
        ("```\ngain: 3\n```", "gain: 3"),
        ("zero\u200bwidth", "zerowidth"),
        ("3*4*5 and snake_case_name", "3*4*5 and snake_case_name"),
        ("an *emphasis* here", "an emphasis here"),
        ("  \n ", ""),
        ("one\n---\ntwo\n***\nthree", "one\n\ntwo\n\nthree"),
        ("> Listen first.\n> Then cut.", "Listen first.\nThen cut."),
        ("> 3 dB is too much", "> 3 dB is too much"),
        ("an _em_ and a ~~wrong~~ word", "an em and a wrong word"),
        ("see [EQ](https://example.org/eq) first", "see EQ first"),
        ("###Drums\n    # Bass\n#1 is the kick", "Drums\nBass\n#1 is the kick"),
        ("10\\. last", "10. last"),
        ("one<br>two<br/>three <b>bold</b>", "one\ntwo\nthree bold"),
        ("\u2705 Cut it\n\U0001f449 Then listen", "- Cut it\n- Then listen"),
        ("a\u2009b\u2003c\u3000d\u2028e", "a b c d\ne"),
        ("| what | how much |\n| --- | --- |\n| kick | 3 dB |", "what - how much\n\nkick - 3 dB"),
        ("-3 dB at 200_Hz in C#, <3 dB", "-3 dB at 200_Hz in C#, <3 dB"),
        ("not \\*starred\\*", "not starred"),
    ],
)
def test_format_goes_and_words_stay(written, shown):
    assert normalise(written) == shown


@given(st.text())
def test_what_is_normalised_stays_as_it_is_at_the_edges(text):
    shown = normalise(text)
    assert shown == shown.strip()
    assert "\n\n\n" not in shown
    assert "\x00" not in shown


MARKS = st.text(alphabet=list("#*_-~>|`'[]()\\.12 \n\u2022\u2028<br/>a\u00e9\u0301\u2705"), max_size=60)


@given(st.one_of(st.text(), MARKS))
def test_what_is_normalised_twice_is_normalised_once(text):
    assert normalise(normalise(text)) == normalise(text)
