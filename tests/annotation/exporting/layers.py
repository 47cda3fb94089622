"""Layers for tests of formats: invented ones, and one with all that formats stumble over."""

import uuid

from hypothesis import strategies as st

from annotation.exporting import ExportedLayer
from annotation.importing.rows import LANES, LayerRows

# What formats stumble over: their own marks, line breaks of all kinds, quotes, both directions of writing, emoji.
HARD = (
    "",
    "Cut at 300 Hz, then listen.",
    'It is "the" room – 3 dB, he said ""',
    "two\nlines",
    "a blank\n\n\nline",
    "\nlines around\n",
    "a\ttab",
    "a\r\nWindows\rbreak",
    "Größe 🎚️ 👩‍🎤 𝄞",
    "שלום, ‏مرحبا‎ mixed",
    "a < b && c > d &amp; &lt; <v Ben> </v> <i>loud</i>",
    "00:00:01,000 --> 00:00:02,000",
    "7\n00:00:01.000 --> 00:00:02.000\nno cue",
    "NOTE this",
    "expert: Listen: now",
    "12",
    "=1+1",
    "'=1+1",
    "-3 dB",
    "'tis",
    "<no text>",
    " spaces around ",
    "   ",
    "\u2028\u2029\x85\x0b\x0c",
    "\x01\x1b control",
    "]]> <!-- ",
    "{}[];,|\\",
    "¡, ¿ and ﻿",
)
BREAKS = st.text(st.sampled_from(list("ab \n\t\r\"':;,<>&-\\|=0159[]{}é🎚ש\u2028\x0b")), max_size=24)
TEXTS = st.one_of(
    st.sampled_from(HARD), BREAKS, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
)


@st.composite
def segments(draw, number):
    start = draw(st.integers(0, 5_400_000))
    end = start + draw(st.integers(1, 40_000))
    row = {"uid": str(uuid.UUID(int=number + 1)), "lane": draw(st.sampled_from(LANES)), "start_ms": start}
    row |= {"end_ms": end, "text": draw(TEXTS)}
    edges = sorted(draw(st.lists(st.integers(start, end), max_size=8)))
    words = [
        [a, b, draw(st.sampled_from(["Cut", "dB,", "300", 'a"b', "🎚", "שלום"]))]
        for a, b in zip(edges[::2], edges[1::2], strict=False)
    ]
    return {**row, "words": words} if words else row


@st.composite
def layers(draw):
    """Up to a dozen segments, near each other or not, overlapping on their lanes or not; texts of all kinds."""
    count = draw(st.integers(1, 12))
    near = draw(st.booleans())
    rows = [draw(segments(number)) for number in range(count)]
    if near:  # all within a minute: they overlap
        for row in rows:
            by = row["start_ms"] - row["start_ms"] % 60_000
            row["start_ms"], row["end_ms"] = row["start_ms"] - by, row["end_ms"] - by
            row["words"] = [[a - by, b - by, word] for a, b, word in row.get("words", [])]
            if not row["words"]:
                del row["words"]
    return ExportedLayer(LayerRows(segments=rows), title="Evening", length_ms=5_500_000, media=("evening take.wav",))


def hard_layer():
    """A segment for each text that formats stumble over, on all lanes, each overlapping the next."""
    rows = [
        {
            "uid": str(uuid.UUID(int=n + 1)),
            "lane": LANES[n % 4],
            "start_ms": n * 500,
            "end_ms": n * 500 + 2_700,
            "text": text,
        }
        for n, text in enumerate(HARD)
    ]
    rows[1]["words"] = [[500, 700, "Cut"], [700, 900, "at"], [1000, 1300, "300"]]
    return ExportedLayer(LayerRows(segments=rows), title="Hard", length_ms=60_000, media=("a & b.wav",))


def told(rows, *, words=False):
    """Segments as what any format can tell of them, in one order."""
    known = []
    for row in rows:
        said = [row["lane"], row["start_ms"], row["end_ms"], row["text"]]
        known.append([*said, row.get("words", [])] if words else said)
    return sorted(known, key=repr)
