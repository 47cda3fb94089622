"""Odd answers are flagged before anybody rates them."""

import pytest

from modeling.generation.guards import flags_of

ADVICE = "Cut a little of the bass at eighty hertz, then listen to the kick again."


@pytest.mark.parametrize(
    ("text", "ids", "stop", "flags"),
    [
        (ADVICE, list(range(20)), "end", ()),
        ("", [], "end", ("empty",)),
        (ADVICE, list(range(20)), "length", ("max-length",)),
        ("no no no", [5] * 8, "end", ("repeats",)),
        ("on and on", [1, 2, 3, *[7, 8, 9] * 4], "end", ("repeats",)),
        ("over and over", [*[1, 2, 3, 4, 5] * 3, 9, *[1, 2, 3, 4, 5] * 3], "end", ("repeats",)),
        ("twice said", [*range(10), *range(10)], "end", ()),
        ("The whole mix is a bit muddy!", list(range(9)), "end", ("prompt-echo",)),
        ("Muddy, yes.", list(range(4)), "end", ()),
        ("I need more information before I can respond. Please elaborate.", list(range(12)), "end", ("placeholder",)),
    ],
)
def test_an_answer_is_flagged_for_what_it_is(text, ids, stop, flags):
    assert flags_of(text, ids, stop=stop, said="I think the whole mix is a bit muddy. Do you?") == flags
