"""What Whisper and its kin write as JSON: segments, some with words, some with speakers, not all of it in order.

Read are WhisperX (segments with words and speakers), openai-whisper and faster-whisper (segments), transformers
(chunks with timestamps) and whisper.cpp (a transcription with offsets).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from annotation.importing.characters import head_of
from annotation.importing.documents import number_of, parsed, rows_of, text_of
from annotation.importing.rows import Heard, TranscriptError

OURS = "mixassist-site"  # as "generator": segments that annotators cut are left whole
GLUED_MS = 20_000  # a segment as long as this was cut by Whisper's window and not by a pause
PAUSE_MS = 1_000
_KEYS = ('"segments"', '"chunks"', '"transcription"')


@dataclass(slots=True)
class _Word:
    text: str
    start: float | None
    end: float | None
    speaker: str


def looks_like(data: bytes) -> bool:
    """Whether it is a JSON document with a list of segments."""
    head = head_of(data).lstrip()
    if head.startswith("{"):
        return any(key.encode() in data or key.encode("utf-16-le") in data for key in _KEYS)
    return head.startswith("[") and '"start"' in head and '"text"' in head and '"labels"' not in head


def hear(data: bytes) -> Heard:
    """Take the segments; one that spans speakers is divided where they change, a glued one at its words' pauses."""
    heard = Heard()
    document = parsed(data, heard)
    ours = isinstance(document, dict) and document.get("generator") == OURS
    found = _segments(document)
    if found is None:
        raise TranscriptError("no-segments", "This JSON has no list of segments as Whisper writes it.")
    for number, segment in enumerate(found, 1):
        _segment(heard, f"segment {number}", segment, ours)
    return heard


def _segments(document: Any) -> list[dict[str, Any]] | None:
    """Segments in the form of WhisperX, from whichever form this is: seconds, text, words, speaker."""
    if isinstance(document, list):
        return rows_of(document)
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("segments"), list):
        return rows_of(document["segments"])
    if isinstance(document.get("chunks"), list):
        return [
            {**row, **dict(zip(("start", "end"), _pair(row.get("timestamp")), strict=True))}
            for row in rows_of(document["chunks"])
        ]
    if isinstance(document.get("transcription"), list):
        return [{"text": row.get("text"), **_offsets(row.get("offsets"))} for row in rows_of(document["transcription"])]
    return None


def _pair(stamp: Any) -> list[Any]:
    return stamp if isinstance(stamp, list) and len(stamp) == 2 else [None, None]


def _offsets(offsets: Any) -> dict[str, float | None]:
    told = offsets if isinstance(offsets, dict) else {}
    times = {"start": number_of(told.get("from")), "end": number_of(told.get("to"))}
    return {name: None if at is None else at / 1000 for name, at in times.items()}


def _segment(heard: Heard, where: str, segment: dict[str, Any], ours: bool) -> None:
    text, speaker = text_of(segment.get("text")), _speaker(segment.get("speaker"), "")
    words = _words(segment.get("words"), speaker)
    start, end = _ms(segment.get("start")), _ms(segment.get("end"))
    times = [at for word in words for at in (word.start, word.end) if at is not None]
    if start is None or end is None or start > end:
        if not times:
            if start is None or end is None:
                heard.lose("a segment without times", where)
                return
        else:
            start, end = min(times), max(times)
            heard.mend("a segment's times taken from its words", where)
    if ours:
        _take(heard, where, (start, end), text, speaker, words)
        return
    parts = [part for run in _by_speaker(words) for part in (_by_pause(run) if end - start >= GLUED_MS else [run])]
    if len(parts) < 2:
        _take(heard, where, (start, end), text.strip(), words[0].speaker if words and not speaker else speaker, words)
        return
    if end - start >= GLUED_MS and len(_by_speaker(words)) < 2:
        heard.mend("a long segment divided at its pauses", where)
    else:
        heard.mend("a segment of several speakers divided where they change", where)
    texts = _divided(text, parts)
    if texts is None:
        texts = [" ".join(word.text.strip() for word in part) for part in parts]
        heard.mend("a text that its words don't follow, made again of the words", where)
    for part, said, span in zip(parts, texts, _spans(parts, (start, end)), strict=True):
        _take(heard, where, span, said, part[0].speaker or speaker, part)


def _take(heard: Heard, where: str, span: tuple[float, float], text: str, speaker: str, words: Sequence[_Word]) -> None:
    piece = heard.add(speaker, *span, text, where)
    for word in words:
        known = piece is not None and word.start is not None and word.end is not None
        if not known or piece is None or not heard.time_word(piece, word.start or 0.0, word.end or 0.0, word.text):
            heard.lose("the time of a word that has none, or ends before it starts", where)


def _words(value: Any, speaker: str) -> list[_Word]:
    """Words; one without a speaker has that of the word before."""
    words: list[_Word] = []
    for row in rows_of(value):
        text = text_of(row.get("word")) or text_of(row.get("text"))
        if text.strip():
            before = words[-1].speaker if words else speaker
            words.append(_Word(text, _ms(row.get("start")), _ms(row.get("end")), _speaker(row.get("speaker"), before)))
    known = next((word.speaker for word in words if word.speaker), "")
    for word in words:
        word.speaker = word.speaker or known  # the first ones, before anybody is named
    return words


def _by_speaker(words: list[_Word]) -> list[list[_Word]]:
    runs: list[list[_Word]] = []
    for word in words:
        if runs and runs[-1][-1].speaker == word.speaker:
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _by_pause(words: list[_Word]) -> list[list[_Word]]:
    runs = [[words[0]]]
    for before, word in pairwise(words):
        ended, begins = before.end, word.start
        if ended is not None and begins is not None and begins - ended >= PAUSE_MS:
            runs.append([])
        runs[-1].append(word)
    return runs


def _divided(text: str, parts: list[list[_Word]]) -> list[str] | None:
    """The text of each part: from its first word to the next part's; None where the words are not the text's."""
    begins, at = [], 0
    for part in parts:
        for number, word in enumerate(part):
            place = text.find(word.text.strip(), at)
            if place < 0:
                return None
            if number == 0:
                begins.append(place)
            at = place + len(word.text.strip())
    begins[:1] = [0] if begins else []
    return [text[a:b].strip() for a, b in pairwise([*begins, len(text)])]


def _spans(parts: list[list[_Word]], whole: tuple[float, float]) -> list[tuple[float, float]]:
    """When each part is said: as its words are, or else up to the next and from the last."""
    starts = [min((word.start for word in part if word.start is not None), default=None) for part in parts]
    ends = [max((word.end for word in part if word.end is not None), default=None) for part in parts]
    spans, since = [], whole[0]
    for number in range(len(parts)):
        start = since if number == 0 else starts[number]
        start = since if start is None else start
        end = whole[1] if number == len(parts) - 1 else ends[number]
        if end is None:
            end = next((at for at in starts[number + 1 :] if at is not None), whole[1])
        spans.append((start, end))
        since = end
    return spans


def _speaker(value: Any, otherwise: str) -> str:
    return value.strip() if isinstance(value, str) and value.strip() else otherwise


def _ms(value: Any) -> float | None:
    seconds = number_of(value)
    return None if seconds is None else seconds * 1000
