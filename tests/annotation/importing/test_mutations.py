"""Broken files, thousands of them: a sentence, or rows that any layer can hold; never anything else.

Each file is made from a seed: `MIXASSIST_EXAMPLES=2000` asks for as many of each format.
"""

import json
import os
import random
import re

import pytest

from annotation.exporting import EXPORTERS
from annotation.importing import FORMATS, TranscriptError, read_transcript, survey_transcript
from annotation.importing.rows import LANES, MAX_MS, MAX_TEXT, require_whole
from annotation.words import checked
from tests.annotation.exporting.layers import hard_layer
from tests.annotation.exporting.test_round_trips import whole_layer
from tests.annotation.importing import test_eaf, test_labels_and_subtitles, test_machines, test_textgrid

EXAMPLES = int(os.environ.get("MIXASSIST_EXAMPLES", "60"))
LINES = 4_000  # of a report
word, region = test_machines.word, test_machines.region
GOOD = {
    "textgrid": [
        test_textgrid.HEAD.format(2) + test_textgrid.tier() + test_textgrid.tier("expert - words"),
        test_textgrid.SHORT,
        test_textgrid.HEAD.format(1) + test_textgrid.POINTS,
    ],
    "eaf": [
        test_eaf.eaf(
            test_eaf.tier(
                "Ben", *(test_eaf.alignable(f"a{n}", f"ts{n}", f"ts{n + 1}", "Hi &amp;") for n in range(1, 6))
            ),
            test_eaf.tier("note", test_eaf.ref("r1", "a1", "x"), test_eaf.ref("r2", "r1", "y"), parent="Ben"),
        )
    ],
    "audacity": ["0,5\t1,25\tCut\n\\\t200,0\t300,0\n2.0\t2.0\tnote: here\r\n3\t4\n"],
    "webvtt": [test_labels_and_subtitles.VTT],
    "srt": [test_labels_and_subtitles.SRT],
    "whisperx": [
        test_machines.whisper(
            {"start": 0, "end": 29.9, "text": "One two", "words": [word("One", 0, 1, "A"), word("two", 20, 21, "B")]},
            {"start": 31, "end": 30, "text": "b", "speaker": "A", "words": [word("b")]},
        ),
        json.dumps({"chunks": [{"timestamp": [1.0, 2.0], "text": " Hi"}, {"timestamp": [2.0, None], "text": "so"}]}),
    ],
    "rttm": [test_machines.RTTM],
    "csv": list(test_machines.TABLES.values()),
    "jsonl": [],
    "labelstudio": [
        test_machines.tasks(*region("a", 25, 50, "expert", "Cut", length=8.0), *region("b", 1, 2, "Eve")),
        json.dumps([{"label": [{"start": 1, "end": 2, "labels": ["x", "y"]}], "transcription": "Hi"}]),
    ],
}
TOKENS = [
    b"1e999", b"-1", b"NaN", b"Infinity", b"9" * 400, b"9" * 5000, b"0x10", b"1e-400", b"99999999999999999999.5",
    b"null", b"true", b"[]", b"{}", b'""', b"\\u0000", b"\\ud800", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1a",
    b"-->", b'"', b"'", b"<v ", b"</v>", b"<!DOCTYPE x>", b"&a;", b"&#0;", b"<![CDATA[", b"\t", b"\r", b"\n\n", b";",
    b"\xf0\x9f\x8e\x9a", b"\xe2\x80\xa8", b"%", b"<NA>", b"intervals: size = 100000000", b"1:2:3:4", b"--", b"\x85",
]  # fmt: skip
ODD = [
    None,
    True,
    -1,
    0,
    1e308,
    -1e308,
    10**400,
    float("nan"),
    "",
    "1",
    "\x00",
    "\ud800",
    "50%",
    "x" * 30_000,
    [],
    {},
    [[]],
    [None],
    {"a": []},
]
DEEP = [
    b"[",
    b'{"a":',
    b"<a>",
    b'"',
    b"(",
    b"<",
    b"\n",
    b" ",
    b"\t",
    b"0\t1\tx\n",
    b"1\n00:00:01,000 --> 00:00:02,000\n",
]
NUMBER = re.compile(rb"\d+(?:[.,]\d+)?")
QUOTED = re.compile(rb'"[^"<>\n]*"')


def goods(name):
    """Good files of a format, small and large."""
    made = [text.encode() for text in GOOD[name]]
    if name in EXPORTERS:
        made += [EXPORTERS[name].write(layer) for layer in (hard_layer(), whole_layer())]
    return made


def misplaced(data, random):
    """JSON in which one value is of another kind; other bytes as they are."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    node = document
    while isinstance(node, dict | list) and node:
        key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or not node[key] or random.random() < 0.2:
            node[key] = random.choice(ODD)
            break
        node = node[key]
    return json.dumps(document).encode()


def broken(data, random):
    """A file after up to three accidents."""
    for _ in range(random.randint(1, 3)):
        at, to = sorted(random.randint(0, len(data)) for _ in range(2))
        accident = (
            random.randint(0, 13) if data[:1] not in (b"{", b"[") else random.choice([0, 1, 3, 5, 6, 12, *[14] * 6])
        )
        if accident == 0:
            data = data[:at]
        elif accident == 1:
            flipped = bytearray(data)
            for _ in range(random.randint(1, 8)):
                if flipped:
                    flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
            data = bytes(flipped)
        elif accident == 2:
            data = data[:at] + data[to:]
        elif accident == 3:
            data = data[:to] + data[at:to] * random.choice([1, 2, 50]) + data[to:]
        elif accident == 4:
            lines = data.split(b"\n")
            random.shuffle(lines)
            data = b"\n".join(lines)
        elif accident == 5:
            data = data[:at] + random.choice(TOKENS) + data[at:]
        elif accident == 6:
            one = random.choice(DEEP)
            data = data[:at] + one * min(random.choice([30, 3_000, 30_000]), 300_000 // len(one)) + data[at:]
        elif accident == 7:
            numbers = list(NUMBER.finditer(data))
            if numbers:
                one = random.choice(numbers)
                data = data[: one.start()] + random.choice(TOKENS) + data[one.end() :]
        elif accident == 8:
            text = data.decode("utf-8", "replace")
            data = text.encode(random.choice(["utf-16", "utf-16-be", "latin-1", "utf-32", "utf-7", "cp037"]), "replace")
        elif accident == 9:
            data = data[:at] + random.randbytes(random.randint(1, 64)) + data[at:]
        elif accident == 10:
            lines = data.split(b"\n")
            one = random.randrange(len(lines))
            lines.insert(random.randrange(len(lines) + 1), lines[one])
            data = b"\n".join(lines)
        elif accident == 14:
            lines = data.split(b"\n") if data.startswith(b'{"type"') else [data]
            one = random.randrange(len(lines))
            lines[one] = misplaced(lines[one], random)
            data = b"\n".join(lines)
        elif accident > 11:  # what keeps the form and breaks the sense
            found = list((NUMBER if accident == 12 else QUOTED).finditer(data))
            if len(found) > 1:
                one, other = sorted(random.sample(found, 2), key=lambda match: match.start())
                between = data[one.end() : other.start()]
                data = data[: one.start()] + other[0] + between + one[0] + data[other.end() :]
        else:
            words = data.split(b'"')
            random.shuffle(words)
            data = b'"'.join(words)
    return data[: 2 * 2**20]


def require_sound(made):
    """Whether any database and any page can hold what was made."""
    require_whole(made.rows)
    for row in made.rows.segments:
        assert row["lane"] in LANES
        assert 0 <= row["start_ms"] < row["end_ms"] <= MAX_MS
        assert "\x00" not in row["text"]
        assert len(row["text"].encode()) <= 4 * MAX_TEXT
        checked(row.get("words", []), MAX_MS)
        assert row.get("words") != []
    report = made.repaired + made.lost
    assert "\x00" not in "".join(each["what"] + each["where"] for each in report)
    assert json.dumps(report, ensure_ascii=False).encode()
    assert len(report) < LINES
    assert all(each["what"] and each["where"] and len(each["what"] + each["where"]) < 600 for each in report)


@pytest.mark.parametrize("name", FORMATS)
def test_a_broken_file_is_a_sentence_or_a_sound_layer(name, file):
    whole, read, refused = goods(name), 0, 0
    for number in range(EXAMPLES):
        seed = random.Random(f"{name} {number}")
        data = broken(seed.choice(whole), seed)
        path, asked = file(data), seed.choice([None, name])
        try:
            found = survey_transcript(path, format=asked)
            lanes = {speaker.name: speaker.lane or seed.choice([*LANES, ""]) for speaker in found.speakers}
            made = read_transcript(path, format=asked, lanes=lanes)
        except TranscriptError as error:
            assert error.message.endswith("."), (number, error.message)
            assert len(error.message) < 600, (number, error.message)
            refused += 1
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{name} {number}: {error!r} of {data[:200]!r}") from error
        else:
            require_sound(made)
            read += 1
    assert read > EXAMPLES // 20  # not all are broken beyond reading
    assert refused > EXAMPLES // 20


@pytest.mark.parametrize("name", FORMATS)
def test_a_good_file_is_told_by_its_content(name, file):
    for data in goods(name):
        assert survey_transcript(file(data)).format == name
