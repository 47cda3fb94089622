"""Words are compared without case, accents and width, and marked where they stand in the text as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.folding import fold, marked, terms


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café", "cafe"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ｂａｓｓ", "bass"),
        ("a\n\t b", "a b"),
        ("\0x", "x"),
    ],
)
def test_what_differs_in_writing_alone_is_the_same(text, folded):
    assert fold(text) == folded


def test_a_query_is_words_and_phrases():
    assert terms('Snare "too loud" café') == ["too loud", "snare", "cafe"]
    assert terms('"') == terms("   ") == []
    assert len(terms(" ".join(map(str, range(100))))) == 8


def test_matches_are_marked_where_they_stand():
    assert marked("Die Straße, laut", ["strasse", "laut"]) == [
        ("Die ", False), ("Straße", True), (", ", False), ("laut", True),
    ]  # fmt: skip
    assert marked("cafe\u0301!", ["cafe"]) == [("cafe", True), ("\u0301!", False)]


def test_a_long_text_is_cut_around_its_first_match():
    pieces = marked("x " * 1000 + "snare" + " y" * 1000, ["snare"], most=100)
    assert ("snare", True) in pieces
    assert pieces[0] == ("… ", False)
    assert pieces[-1] == (" …", False)
    assert sum(len(piece) for piece, _ in pieces) <= 104


@given(st.text(max_size=60), st.text(max_size=8))
def test_pieces_are_the_text_and_a_match_is_marked_when_there_is_one(text, query):
    wanted = terms(query)
    pieces = marked(text, wanted)
    assert "".join(piece for piece, _ in pieces) == text
    assert any(hit for _, hit in pieces) == any(term in fold(text) for term in wanted)
