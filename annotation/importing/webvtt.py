"""WebVTT: blocks between blank lines, of which those with a line of times are cues; voices say who speaks.

After WebVTT: The Web Video Text Tracks Format (W3C, 2019), §4 and §6.
"""

import html
import re

from annotation.importing.characters import decoded, head_of, lines_of
from annotation.importing.clocks import CLOCK, ms_of
from annotation.importing.prefixes import named
from annotation.importing.rows import Heard, TranscriptError, require_few

_TIMES = re.compile(rf"[ \t]*({CLOCK})[ \t]*-->[ \t]*({CLOCK})(?:[ \t]*([^\d\s:.,].*))?[ \t]*", re.ASCII)
_TAG = re.compile(r"<([^<>]*)>")
_VOICE = re.compile(r"v(?:\.[^ \t\n]*)?[ \t\n]+(.*)", re.DOTALL)
_STAMP = re.compile(CLOCK, re.ASCII)
ASIDE = ("NOTE", "STYLE", "REGION")


def looks_like(data: bytes) -> bool:
    """Whether it begins with the format's name."""
    return bool(re.match(r"WEBVTT(?:[ \t\r\n]|$)", head_of(data)))


def hear(data: bytes) -> Heard:
    """Take the cues; notes, styles, regions and settings are lost and said so."""
    heard = Heard()
    text = decoded(data, heard).replace("\r\n", "\n").replace("\r", "\n")
    if not text.startswith("WEBVTT"):
        raise TranscriptError("not-webvtt", "This is not a WebVTT file: it does not begin with that word.")
    cues: list[tuple[str, float, float, list[tuple[str | None, str]]]] = []
    for number, lines in _blocks(text):
        where = f"line {number}"
        times, body = _times(lines)
        if times is None:
            aside = next((name for name in ASIDE if re.match(rf"{name}\b", lines[0])), None)
            if number > 1:
                what = f"a {aside.lower()}" if aside else "a block without times"
                heard.lose(what, where)
            continue
        if times[3]:
            heard.lose("the settings of a cue", where)
        cues.append((where, ms_of(times[1]), ms_of(times[2]), _parts(heard, where, "\n".join(body))))
    if not any(voice for _, _, _, parts in cues for voice, _ in parts):
        said = named(heard, [(where, "".join(text for _, text in parts)) for where, _, _, parts in cues])
        cues = [(where, start, end, [part]) for (where, start, end, _), part in zip(cues, said, strict=True)]
    for where, start, end, parts in cues:
        if len(parts) > 1:
            heard.mend("voices of one cue, each given its whole time", where)
        for voice, said_text in parts:
            heard.add(voice or "", start, end, said_text, where)
    return heard


def _blocks(text: str) -> list[tuple[int, list[str]]]:
    """Runs of lines without a blank one, with the number of their first; a line of times begins a block of its own."""
    blocks: list[tuple[int, list[str]]] = []
    blank = True
    for number, line in lines_of(text):
        if not line:
            blank = True
        elif blank or ("-->" in line and _TIMES.fullmatch(line) and _times(blocks[-1][1])[0]):
            blocks.append((number, [line]))
            require_few(blocks)
            blank = False
        else:
            blocks[-1][1].append(line)
    return blocks


def _times(lines: list[str]) -> tuple[re.Match[str] | None, list[str]]:
    """A block's line of times, which stands first or after an identifier, and what follows."""
    for place in range(min(2, len(lines))):
        if "-->" in lines[place] and (found := _TIMES.fullmatch(lines[place])):
            return found, lines[place + 1 :]
    return None, []


def _parts(heard: Heard, where: str, body: str) -> list[tuple[str | None, str]]:
    """A cue's text, voice by voice."""
    if "<" not in body:
        return [(None, html.unescape(body))]
    parts: list[tuple[str | None, list[str]]] = [(None, [])]
    at = 0
    for tag in _TAG.finditer(body):
        parts[-1][1].append(body[at : tag.start()])
        at = tag.end()
        if voice := _VOICE.fullmatch(tag[1]):
            parts.append((html.unescape(voice[1]).strip(), []))
        elif tag[1].startswith("/v"):
            parts.append((None, []))
        elif _STAMP.fullmatch(tag[1]):
            heard.lose("a time inside a cue", where)
        elif not tag[1].startswith("/"):
            heard.lose("a style inside a cue", where)
    parts[-1][1].append(body[at:])
    said = [(voice, html.unescape("".join(text))) for voice, text in parts]
    told = [(voice, text) for voice, text in said if voice or text.strip()]
    if not told:
        return [(None, "")]
    return told if len(told) == 1 else [(voice, text.strip()) for voice, text in told]
