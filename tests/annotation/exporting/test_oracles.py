"""Files of the formats' own libraries come in as they are, and what goes out says the same to those libraries."""

import html
import json
from datetime import timedelta

import pympi
import pytest
import srt
import webvtt
from praatio import textgrid
from praatio.utilities.constants import Interval
from pyannote.core import Annotation, Segment

from annotation.exporting import EXPORTERS
from annotation.importing import read_transcript
from tests.annotation.exporting.layers import HARD, hard_layer

# (lane, start, end, text): lanes overlap, and the expert speaks over himself.
SAID = [
    ("amateur", 900, 2800, 'Is it "muddy"?'),
    ("expert", 2500, 5250, "Cut at 300 Hz, שלום 🎚️"),
    ("expert", 5250, 9001, "two\nlines & <more>"),
    ("expert", 8000, 12_345, "over myself"),
    ("music", 0, 3_599_999, "chorus"),
]
APART = [each for each in SAID if each[3] != "over myself"]  # on tiers that hold no overlap


@pytest.fixture
def heard(tmp_path):
    """What the site makes of a file that a library wrote at a path."""

    def heard(write, lanes=None):
        path = tmp_path / "theirs"
        write(str(path))
        made = read_transcript(path, lanes=lanes)
        assert made.lost == []
        return sorted((row["lane"], row["start_ms"], row["end_ms"], row["text"]) for row in made.rows.segments)

    return heard


@pytest.fixture
def ours(tmp_path):
    """A file of the layer that formats stumble over."""

    def ours(name):
        path = tmp_path / f"ours{EXPORTERS[name].suffix}"
        path.write_bytes(EXPORTERS[name].write(hard_layer()))
        return str(path)

    return ours


def spans():
    return [(row["lane"], row["start_ms"], row["end_ms"], row["text"]) for row in hard_layer().rows.segments]


@pytest.mark.parametrize("form", ["long_textgrid", "short_textgrid"])
def test_praatio_in(heard, form):
    def write(path):
        grid = textgrid.Textgrid(0, 3600)
        for lane in ("amateur", "expert", "music"):
            told = [Interval(a / 1000, b / 1000, text) for each, a, b, text in APART if each == lane]
            grid.addTier(textgrid.IntervalTier(lane, told, 0, 3600))
        over = [Interval(8, 12.345, "over myself")]
        grid.addTier(textgrid.IntervalTier("expert (2)", over, 0, 3600))
        grid.save(path, form, includeBlankSpaces=True)

    assert heard(write) == sorted(SAID)


def test_praatio_out(ours):
    grid = textgrid.openTextgrid(ours("textgrid"), includeEmptyIntervals=False)
    found = [
        (name.split(" (")[0], round(one.start * 1000), round(one.end * 1000))
        for name in grid.tierNames
        for one in grid.getTier(name).entries
        if not name.endswith("words")
    ]
    assert sorted(found) == sorted(each[:3] for each in spans())
    assert grid.getTier("music").entries[0].label == HARD[2]
    assert grid.getTier("note").entries[0].label == HARD[3]
    assert [one.label for one in grid.getTier("expert - words").entries] == ["Cut", "at", "300"]


def test_pympi_in(heard):
    def write(path):
        document = pympi.Eaf(author="somebody")
        document.remove_tier("default")
        for lane in ("amateur", "expert", "music"):
            document.add_tier(lane, part=f"P-{lane}")
        for lane, start, end, text in SAID:
            document.add_annotation(lane, start, end, text)
        document.add_linguistic_type("gloss", "Symbolic_Association", timealignable=False)
        document.add_tier("note", "gloss", parent="amateur")
        document.add_ref_annotation("note", "amateur", 1000, "he means the bass")
        document.to_file(path)

    assert heard(write) == sorted([*SAID, ("note", 900, 2800, "he means the bass")])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pympi_out(ours):
    document = pympi.Eaf(ours("eaf"))
    found = [
        (name.split(" (")[0], start, end, text)
        for name in document.get_tier_names()
        for start, end, text, *_ in document.get_annotation_data_for_tier(name)
        if not name.endswith("words")
    ]
    told = [
        (lane, a, b, text.replace("\x01", "").replace("\x1b", "").replace("\x0b\x0c", ""))
        for lane, a, b, text in spans()
    ]
    assert sorted(found) == sorted(told)
    assert document.get_parameters_for_tier("expert - words")["PARENT_REF"] == "expert"
    assert document.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./a & b.wav"


def test_webvtt_py_in(heard):
    def write(path):
        file = webvtt.WebVTT()
        for lane, start, end, text in SAID:
            times = [f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms % 60_000 / 1000:06.3f}" for ms in (start, end)]
            file.captions.append(webvtt.Caption(*times, f"<v {lane}>{html.escape(text, quote=False)}"))
        with open(path, "w") as target:  # noqa: PTH123 – the library's own name for it
            file.write(target)

    assert heard(write) == sorted(SAID)


def test_webvtt_py_out(ours):
    found = [
        (one.voice, one.start_time.in_milliseconds(), one.end_time.in_milliseconds())
        for one in webvtt.read(ours("webvtt"))
    ]
    assert found == [each[:3] for each in spans()]


def test_srt_in(heard):
    def write(path):
        cues = [
            srt.Subtitle(n, timedelta(milliseconds=start), timedelta(milliseconds=end), f"{lane}: {text}")
            for n, (lane, start, end, text) in enumerate(SAID, 1)
        ]
        with open(path, "w") as target:  # noqa: PTH123
            target.write(srt.compose(cues))

    assert heard(write) == sorted(SAID)


def test_srt_out(ours):
    with open(ours("srt"), newline="") as file:  # noqa: PTH123
        found = list(srt.parse(file.read()))
    ms = timedelta(milliseconds=1)
    told = [(one.content.partition(": ")[0].rstrip(":"), one.start // ms, one.end // ms) for one in found]
    assert told == [each[:3] for each in spans()]
    assert found[1].content == "expert: Cut at 300 Hz, then listen."


def test_pyannote_in(heard):
    def write(path):
        annotation = Annotation(uri="evening")
        for number, (lane, start, end, _) in enumerate(SAID):
            annotation[Segment(start / 1000, end / 1000), number] = f"S-{lane}"
        with open(path, "w") as target:  # noqa: PTH123
            annotation.write_rttm(target)

    lanes = {f"S-{lane}": lane for lane in ("amateur", "expert", "music")}
    assert heard(write, lanes) == sorted((lane, start, end, "") for lane, start, end, _ in SAID)


def test_pyannote_out(ours):
    """The library writes RTTM and reads none: what is compared is what it would have written."""
    annotation = Annotation(uri="a_&_b")
    for number, (lane, start, end, _) in enumerate(spans()):
        annotation[Segment(start / 1000, end / 1000), number] = lane
    with open(ours("rttm")) as file:  # noqa: PTH123
        assert sorted(file) == sorted(annotation.to_rttm().splitlines(keepends=True))


def test_a_whisperx_document_is_what_json_says(ours):
    with open(ours("whisperx")) as file:  # noqa: PTH123
        segments = json.load(file)["segments"]
    assert [(row["speaker"], row["text"]) for row in segments] == [(each[0], each[3]) for each in spans()]
