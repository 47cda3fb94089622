"""NIST's Rich Transcription Time Marked: who speaks when, without a word; UEM files beside it are told from it.

After the RT-09 evaluation plan (NIST, 2009), appendix A: ten columns, of which some systems leave the last away.
"""

import re

from annotation.importing.characters import decoded, head_of, lines_of
from annotation.importing.clocks import ms_of
from annotation.importing.rows import Heard, TranscriptError

TYPES = (
    "SPEAKER", "SEGMENT", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "IP", "SU", "CB", "A/P", "NOSCORE",
    "NO_RT_METADATA", "SPKR-INFO",
)  # fmt: skip
_UEM = re.compile(r"\S+[ \t]+\S+[ \t]+\d+(?:\.\d+)?[ \t]+\d+(?:\.\d+)?", re.ASCII)


def looks_like(data: bytes) -> bool:
    """Whether its first line that is no comment is a row of RTTM, or of UEM."""
    for line in head_of(data).splitlines():
        if line.strip() and not line.startswith(";"):
            fields = line.split()
            return (fields[0] in TYPES and len(fields) >= 8) or bool(_UEM.fullmatch(line.strip()))
    return False


def hear(data: bytes) -> Heard:
    """Take the rows of speakers of the first recording; all else is lost and said so."""
    heard = Heard()
    recording, scored = None, 0
    for number, line in lines_of(decoded(data, heard)):
        fields, where = line.split(), f"line {number}"
        if not fields or line.startswith(";"):
            continue
        if fields[0] not in TYPES and _UEM.fullmatch(line.strip()):
            scored += 1
            heard.lose("a region that is scored (UEM)", where)
        elif fields[0] != "SPEAKER":
            what = f"a row of {fields[0]}" if fields[0] in TYPES else "a line that is no row of RTTM"
            heard.lose(what, where)
        elif recording not in (None, fields[1] if len(fields) > 1 else None):
            heard.lose("a row of another recording than the first", where)
        else:
            recording = _speaker(heard, fields, where) or recording
    if not heard.pieces:
        if scored:
            raise TranscriptError("only-uem", "This is a UEM: it says what is scored, not who speaks; bring the RTTM.")
        raise TranscriptError("no-speakers", "There is no row of a speaker in this RTTM.")
    return heard


def _speaker(heard: Heard, fields: list[str], where: str) -> str | None:
    """Take a row of a speaker, and return whose recording it is of; None for a row that is damaged."""
    try:
        start, length = ms_of(fields[3]), ms_of(fields[4])
        name = fields[7]
    except (ValueError, IndexError):
        heard.lose("a row without its times or its speaker", where)
        return None
    heard.add("" if name == "<NA>" else name, start, start + length, "", where)
    return fields[1]
