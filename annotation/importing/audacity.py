"""Audacity's label track: start, end and text between tabs, in seconds; a second line may hold two frequencies."""

import re

from annotation.importing.characters import decoded, head_of, lines_of
from annotation.importing.clocks import ms_of
from annotation.importing.prefixes import named
from annotation.importing.rows import Heard, TranscriptError, require_few

_NUMBER = r"[-+]?\d{1,9}(?:[.,]\d{1,12})?"
_LABEL = re.compile(rf"({_NUMBER})\t({_NUMBER})(?:\t(.*))?", re.ASCII | re.DOTALL)
_FREQUENCIES = re.compile(rf"\\\t{_NUMBER}\t{_NUMBER}", re.ASCII)


def looks_like(data: bytes) -> bool:
    """Whether its first line is a label."""
    _, first = next(lines_of(head_of(data).lstrip("\r\n")), (1, ""))
    return bool(_LABEL.fullmatch(first))


def hear(data: bytes) -> Heard:
    """Take the labels; points get a length, frequencies and lines that are no labels are lost and said so."""
    heard = Heard()
    labels: list[tuple[str, float, float, str]] = []
    for number, line in lines_of(decoded(data, heard)):
        where = f"line {number}"
        if label := _LABEL.fullmatch(line):
            labels.append((where, ms_of(label[1]), ms_of(label[2]), label[3] or ""))
            require_few(labels)
        elif _FREQUENCIES.fullmatch(line):
            heard.lose("the frequencies of a label", where)
        elif line.strip():
            heard.lose("a line that is no label", where)
    if not labels:
        raise TranscriptError(
            "no-labels", "There is no label in this file; export the label track from Audacity again."
        )
    said = named(heard, [(where, text) for where, _, _, text in labels])
    for (where, start, end, _), (speaker, text) in zip(labels, said, strict=True):
        heard.add(speaker, start, end, text, where)
    return heard
