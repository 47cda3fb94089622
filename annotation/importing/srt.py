"""SubRip subtitles: numbered cues, each a line with its times and lines of text."""

import re
from itertools import islice

from annotation.importing.characters import decoded, head_of
from annotation.importing.clocks import CLOCK, ms_of
from annotation.importing.prefixes import named
from annotation.importing.rows import MAX_SEGMENTS, Heard, TranscriptError, require_few

_TIMES = re.compile(
    rf"^(?:[ \t]*(\d{{1,12}})[ \t]*\n)?[ \t]*({CLOCK})[ \t]*-->[ \t]*({CLOCK})(?:[ \t]+([^\n]*))?[ \t]*$",
    re.ASCII | re.MULTILINE,
)


def looks_like(data: bytes) -> bool:
    """Whether a cue stands near its beginning, and nothing but a number before it."""
    head = _newlines(head_of(data)).lstrip()
    found = _TIMES.search(head)
    return bool(found and not head[: found.start()].strip())


def hear(data: bytes) -> Heard:
    """Take the cues; a text goes on to the next line of times, so blank lines inside it stay."""
    heard = Heard()
    text = _newlines(decoded(data, heard))
    found = list(islice(_TIMES.finditer(text), MAX_SEGMENTS + 1))
    require_few(found)
    if not found:
        raise TranscriptError("no-cues", "There is no cue with times in this file.")
    if text[: found[0].start()].strip():
        heard.lose("text before the first cue", "the beginning")
    ends = [match.start() for match in found[1:]] + [len(text)]
    cues = [
        (f"cue {number}", match, text[match.end() + 1 : end].rstrip("\n"))
        for number, (match, end) in enumerate(zip(found, ends, strict=True), 1)
    ]
    said = named(heard, [(where, body) for where, _, body in cues])
    for (where, match, _), (speaker, body) in zip(cues, said, strict=True):
        if (match[4] or "").strip():
            heard.lose("the place of a cue on the screen", where)
        heard.add(speaker, ms_of(match[2]), ms_of(match[3]), body, where)
    return heard


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
