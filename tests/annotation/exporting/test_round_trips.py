"""What goes out comes back: whatever a format can hold is the same after it, and what it can't is told before.

`HELD` says for each format what becomes of a text, independently of the exporters.
"""

import json
import os
import re
import uuid

import pytest
from hypothesis import HealthCheck, given, settings

from annotation.exporting import EXPORTERS, ExportedLayer
from annotation.importing import FORMATS
from annotation.importing.rows import LayerRows
from tests.annotation.exporting.layers import HARD, hard_layer, layers, told

EXAMPLES = int(os.environ.get("MIXASSIST_EXAMPLES", "25"))
quick = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
HELD = {
    "textgrid": lambda text: text if text.strip() and text != "<no text>" else "",
    "eaf": lambda text: "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff")),
    "audacity": lambda text: re.sub("\r\n|\r|\n", " ", text),
    "webvtt": lambda text: text,
    "srt": lambda text: re.sub("\r\n|\r", "\n", text).replace("-->", "→").rstrip("\n"),
    "rttm": lambda text: "",
    "csv": lambda text: text,
    "whisperx": lambda text: text,
    "jsonl": lambda text: text,
}
WORDS = ("textgrid", "eaf", "whisperx", "jsonl")  # hold words that stand side by side


def sent(layer, name):
    """A layer out and in again, its format told from its bytes."""
    data = EXPORTERS[name].write(layer)
    assert next(each for each, format in FORMATS.items() if format.looks_like(data)) == name
    return FORMATS[name].read(data, {})


def held(layer, name):
    return [{**row, "text": HELD[name](row["text"])} for row in layer.rows.segments]


@pytest.mark.parametrize("name", EXPORTERS)
@given(layer=layers())
@quick
def test_segments_come_back(name, layer):
    made = sent(layer, name)
    assert told(made.rows.segments) == told(held(layer, name))
    assert made.lost == made.repaired == []


@pytest.mark.parametrize("name", EXPORTERS)
@given(layer=layers())
@quick
def test_what_does_not_come_back_is_told_and_nothing_else(name, layer):
    same = told(sent(layer, name).rows.segments, words=True) == told(layer.rows.segments, words=True)
    assert same == (not EXPORTERS[name].lost(layer))


@pytest.mark.parametrize("name", EXPORTERS)
def test_texts_that_formats_stumble_over_come_back(name):
    layer = hard_layer()
    assert told(sent(layer, name).rows.segments) == told(held(layer, name))
    assert len(layer.rows.segments) == len(HARD)


@pytest.mark.parametrize("name", WORDS)
def test_words_that_stand_side_by_side_come_back(name):
    layer = hard_layer()
    words = [row["words"] for row in sent(layer, name).rows.segments if "words" in row]
    assert words == [layer.rows.segments[1]["words"]]


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_layer_gives_the_same_bytes_in_whatever_order_its_rows_are(name):
    layer = hard_layer()
    turned = ExportedLayer(LayerRows(segments=layer.rows.segments[::-1]), layer.title, layer.length_ms, layer.media)
    assert EXPORTERS[name].write(layer) == EXPORTERS[name].write(turned)


def whole_layer():
    s1, s2, m1, t1, t2, c1 = (str(uuid.UUID(int=n)) for n in range(1, 7))
    rows = LayerRows(
        segments=[
            {"uid": s1, "lane": "amateur", "start_ms": 0, "end_ms": 900, "text": "Hm?", "words": [[0, 400, "Hm?"]]},
            {"uid": s2, "lane": "expert", "start_ms": 1000, "end_ms": 2000, "text": "Cut. ‏שלום 🎚️\n\tyes"},
            {"uid": m1, "lane": "music", "start_ms": 0, "end_ms": 3000, "text": ""},
        ],
        turns=[
            {"uid": t1, "amateur": [s1], "expert": [], "music": [m1], "amateur_text": "Hm", "expert_text": None},
            {"uid": t2, "amateur": [], "expert": [s2], "music": [m1], "amateur_text": None, "expert_text": ""},
        ],
        conversations=[{"uid": c1, "topic": "drums", "turns": [t1, t2]}],
        summaries=[{"turn": t2, "text": "They began.", "model": "some-model 2"}],
        flags=[
            {"turn": t1, "flag": "has_content", "value": "yes", "note": ""},
            {"turn": t2, "flag": "has_content", "value": "no", "note": "a joke"},
        ],
    )
    return ExportedLayer(rows, title="Evening", length_ms=5000, facts={"expert": "E1", "license": ""})


def test_the_sites_own_form_loses_nothing():
    layer = whole_layer()
    made = sent(layer, "jsonl")
    assert told(made.rows.segments, words=True) == told(layer.rows.segments, words=True)
    assert {row["uid"] for row in made.rows.segments} == {row["uid"] for row in layer.rows.segments}
    for name in ("turns", "conversations", "summaries", "flags"):
        assert getattr(made.rows, name) == getattr(layer.rows, name)
    assert made.facts == {"title": "Evening", "length_ms": 5000, "expert": "E1"}


@pytest.mark.parametrize("name", [name for name in EXPORTERS if name != "jsonl"])
def test_what_stands_on_segments_is_told_as_lost(name):
    says = [each["what"] for each in EXPORTERS[name].lost(whole_layer())]
    assert [each for each in says if each[0].isdigit()] == ["2 turns", "1 conversations", "1 summaries", "2 flags"]


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_layer_without_segments_goes_out(name):
    data = EXPORTERS[name].write(ExportedLayer(LayerRows(), length_ms=1000))
    if name in ("textgrid", "eaf", "webvtt", "csv", "whisperx", "jsonl"):
        assert not FORMATS[name].read(data, {}).rows.segments
    else:
        assert data == b""


def test_a_whisperx_document_is_one_that_scripts_read():
    document = json.loads(EXPORTERS["whisperx"].write(hard_layer()))
    first = document["segments"][1]
    assert (first["start"], first["end"], first["speaker"]) == (0.5, 3.2, "expert")
    assert document["word_segments"] == first["words"]
