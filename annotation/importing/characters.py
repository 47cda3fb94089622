"""Bytes as text: in which encoding they are, told from the bytes themselves."""

import codecs
import io
from collections.abc import Iterator

from annotation.importing.rows import Heard, TranscriptError

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
HEAD = 4_000  # bytes that tell a format


def decoded(data: bytes, heard: Heard) -> str:
    """The text of a file, whatever its encoding; one that is neither UTF-8 nor UTF-16 is told as repaired."""
    encoding, skip = _encoding(data)
    try:
        return data[skip:].decode(encoding)
    except UnicodeDecodeError:
        pass
    if encoding != "utf-8":
        raise TranscriptError("not-utf8", "This transcript breaks off or is no UTF-16; save it as UTF-8 and try again.")
    heard.mend("an encoding that is not UTF-8, read as Latin-1", "the whole file")
    return data[skip:].decode("cp1252" if _is_cp1252(data) else "latin-1")


def head_of(data: bytes) -> str:
    """How a file begins, for telling its format."""
    encoding, skip = _encoding(data)
    return data[skip : skip + HEAD].decode(encoding, "ignore")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, one by one; only line feeds and the carriage returns before them end one."""
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        yield number, line.removesuffix("\n").removesuffix("\r")


def _encoding(data: bytes) -> tuple[str, int]:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding, len(mark)
    head = data[:HEAD]
    if len(head) >= 4 and b"\x00" in head:  # of a UTF-16 file of Latin letters, every other byte is a NUL
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) * 3 > len(head):
            return ("utf-16-be", 0) if even > odd else ("utf-16-le", 0)
    return "utf-8", 0


def _is_cp1252(data: bytes) -> bool:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True
