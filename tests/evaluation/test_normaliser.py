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
