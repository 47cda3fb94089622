"""ELAN: annotations on times and on others, slots without a value, whose tier it is, and XML that means harm."""

import pytest

from annotation.importing import TranscriptError

SLOTS = {"ts1": 0, "ts2": 1000, "ts3": None, "ts4": None, "ts5": 4000, "ts6": 5000}


def alignable(uid, first, last, text):
    refs = f'ANNOTATION_ID="{uid}" TIME_SLOT_REF1="{first}" TIME_SLOT_REF2="{last}"'
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return f"<ANNOTATION><ALIGNABLE_ANNOTATION {refs}>{value}</ALIGNABLE_ANNOTATION></ANNOTATION>"


def ref(uid, on, text):
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    refs = f'ANNOTATION_ID="{uid}" ANNOTATION_REF="{on}"'
    return f"<ANNOTATION><REF_ANNOTATION {refs}>{value}</REF_ANNOTATION></ANNOTATION>"


def tier(name, *annotations, parent="", participant=""):
    more = (f' PARENT_REF="{parent}"' if parent else "") + (f' PARTICIPANT="{participant}"' if participant else "")
    return f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="t"{more}>{"".join(annotations)}</TIER>'


def eaf(*tiers, head='<?xml version="1.0" encoding="UTF-8"?>', version="3.0"):
    times = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{name}"' + ("/>" if at is None else f' TIME_VALUE="{at}"/>')
        for name, at in SLOTS.items()
    )
    begin = f'{head}<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="{version}" VERSION="{version}">'
    return f"{begin}<HEADER/><TIME_ORDER>{times}</TIME_ORDER>{''.join(tiers)}</ANNOTATION_DOCUMENT>"


@pytest.mark.parametrize("version", ["2.7", "2.8", "3.0"])
def test_annotations_on_times_become_segments(said, version):
    rows, made = said(eaf(tier("expert", alignable("a1", "ts1", "ts2", "a &lt; b\n&#13;é")), version=version))
    assert rows == [("expert", 0, 1000, "a < b\n\ré")]
    assert made.lost == made.repaired == []


def test_slots_without_a_value_share_out_the_time_between(said, whats):
    chain = [("ts2", "ts3", "one"), ("ts3", "ts4", "two"), ("ts4", "ts5", "three")]
    rows, made = said(eaf(tier("expert", *(alignable(f"a{n}", *each) for n, each in enumerate(chain)))))
    assert [row[1:] for row in rows] == [(1000, 2000, "one"), (2000, 3000, "two"), (3000, 4000, "three")]
    assert whats(made.repaired) == ["a time shared out between its neighbours"] * 3


def test_an_annotation_whose_slots_nobody_knows_is_told_as_lost(said, whats):
    rows, made = said(eaf(tier("expert", alignable("a1", "ts3", "ts4", "when?"), alignable("a2", "ts5", "no", "so?"))))
    assert rows == []
    assert whats(made.lost) == ["an annotation without a time"] * 2


def test_annotations_on_others_have_their_times(said):
    document = eaf(
        tier("note", ref("r1", "a1", "aside"), parent="expert"),
        tier("expert", alignable("a1", "ts1", "ts2", "Cut it."), alignable("a2", "ts5", "ts6", "So.")),
        tier("music", ref("r3", "r1", "a"), ref("r4", "r1", "b"), parent="note"),
    )
    rows, _ = said(document)
    assert set(rows) == {
        ("expert", 0, 1000, "Cut it."),
        ("note", 0, 1000, "aside"),
        ("music", 0, 500, "a"),
        ("music", 500, 1000, "b"),
        ("expert", 4000, 5000, "So."),
    }


def test_annotations_on_each_other_are_lost_and_end(said, whats):
    rows, made = said(eaf(tier("note", ref("r1", "r2", "x"), ref("r2", "r1", "y"), ref("r3", "none", "z"))))
    assert rows == []
    assert whats(made.lost) == ["an annotation on another that is not there"] * 3


def test_a_tier_is_its_participants_where_they_have_no_other(survey):
    document = eaf(
        tier("utterances", alignable("a1", "ts1", "ts2", "Hi"), participant="Ben"),
        tier("gesture", alignable("a2", "ts1", "ts2", "nods"), participant="Eve"),
        tier("speech", alignable("a3", "ts1", "ts2", "Yes"), participant="Eve"),
        tier("gloss", ref("r1", "a1", "greeting"), parent="utterances", participant="Ben"),
        tier("expert", alignable("a4", "ts1", "ts2", "So"), participant="E1"),
    )
    names = [(speaker.name, speaker.lane) for speaker in survey(document).speakers]
    assert names == [("Ben", None), ("gesture", None), ("speech", None), ("gloss", None), ("expert", "expert")]


def test_a_tier_of_words_gives_them_their_times(said):
    words = [alignable("w1", "ts1", "ts2", "Cut"), alignable("w2", "ts5", "ts6", "it.")]
    document = eaf(
        tier("expert", alignable("a1", "ts1", "ts6", "Cut it.")), tier("expert - words", *words, parent="expert")
    )
    _, made = said(document)
    assert made.rows.segments[0]["words"] == [[0, 1000, "Cut"], [4000, 5000, "it."]]


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://example.org/x.dtd">',
    ],
)
def test_xml_that_reaches_outside_or_swells_is_refused(said, declared):
    with pytest.raises(TranscriptError) as error:
        said(eaf(tier("expert", alignable("a1", "ts1", "ts2", "&a;&b;")), head=f'<?xml version="1.0"?>{declared}'))
    assert error.value.code == "unsafe-xml"


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_one_that_breaks_off_is_one_sentence(said, part):
    document = eaf(tier("expert", alignable("a1", "ts1", "ts2", "Hi")))
    with pytest.raises(TranscriptError) as error:
        said(document[: int(len(document) * part)])
    assert error.value.code == "broken-eaf"


def test_depth_without_end_is_refused(said):
    with pytest.raises(TranscriptError, match="nested deeper"):
        said(eaf("<a>" * 50_000))


def test_frames_of_a_video_are_refused(said):
    with pytest.raises(TranscriptError) as error:
        said(eaf().replace("<HEADER/>", '<HEADER TIME_UNITS="PAL-frames"/>'))
    assert error.value.code == "frames"


def test_a_later_encoding_is_read(said):
    document = eaf(tier("expert", alignable("a1", "ts1", "ts2", "é")), head='<?xml version="1.0" encoding="UTF-16"?>')
    rows, _ = said(document, encoding="utf-16")
    assert rows == [("expert", 0, 1000, "é")]
