"""Tables with a head: start, end or length, speaker, text; delimiter, unit and decimal comma are told by looks."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from statistics import median

from annotation.importing.characters import decoded, head_of
from annotation.importing.clocks import ms_of
from annotation.importing.rows import QUOTED, Heard, TranscriptError, require_few

# The head of the site's own, in which cells that begin formulas are quoted.
OURS = ["start_ms", "end_ms", "lane", "text"]
HEADS = {
    "start": {"start", "begin", "onset", "from", "tmin", "xmin", "starttime", "begintime", "timestart", "in"},
    "end": {"end", "stop", "offset", "to", "tmax", "xmax", "endtime", "stoptime", "timeend", "out"},
    "length": {"duration", "length", "dur"},
    "speaker": {"lane", "speaker", "tier", "participant", "who", "role", "speakerid", "speakername", "name"},
    "text": {"text", "transcript", "transcription", "utterance", "content", "annotation", "value", "sentence", "words"},
}
UNITS: dict[str, float] = {"ms": 1, "msec": 1, "millis": 1, "milliseconds": 1, "s": 1000, "sec": 1000, "seconds": 1000}
MAX_COLUMNS = 200
WHOLE_MS = 100  # where times are whole numbers and segments longer than this, they are milliseconds
# What a spreadsheet would take for a formula; one more quote before it is text again, and taken off when it comes back.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


def looks_like(data: bytes) -> bool:
    """Whether its first line is a head that names a start and an end."""
    return _head(head_of(data)) is not None


def hear(data: bytes) -> Heard:
    """Take a piece of each row; a row without its times is lost and said so."""
    heard = Heard()
    text = decoded(data, heard)
    told = _head(text)
    if told is None:
        raise TranscriptError(
            "no-head", "The first row names the columns: start, end or duration, speaker, text. This table names none."
        )
    delimiter, head, columns = told
    rows: list[tuple[str, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        next(reader)
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((f"line {reader.line_num}", row))
                require_few(rows)
    except (csv.Error, StopIteration):
        raise TranscriptError(
            "broken-table", f"Line {reader.line_num}: this table is damaged; a quote may be open there."
        ) from None
    for place, name in enumerate(head):
        if place not in columns.values() and any(cell.strip() for _, row in rows for cell in row[place : place + 1]):
            heard.lose(f"the column {name[:QUOTED] or place + 1}", "the head")
    _take(heard, rows, columns, _clocks(heard, rows, head, columns), ours=head == OURS)
    return heard


def _take(
    heard: Heard,
    rows: list[tuple[str, list[str]]],
    columns: dict[str, int],
    clock: Callable[[str, str], float],
    *,
    ours: bool,
) -> None:
    for where, row in rows:
        cells = {name: row[place] for name, place in columns.items() if place < len(row)}
        try:
            start = clock("start", cells["start"])
            end = clock("end", cells["end"]) if "end" in columns else start + clock("length", cells["length"])
        except (KeyError, ValueError):
            heard.lose("a row without its times", where)
            continue
        text = cells.get("text", "")
        if ours and text.startswith("'") and FORMULA.match(text):
            text = text[1:]
        heard.add(cells.get("speaker", ""), start, end, text, where)


def _clocks(
    heard: Heard, rows: list[tuple[str, list[str]]], head: Sequence[str], columns: dict[str, int]
) -> Callable[[str, str], float]:
    """How to read a time of a column, in milliseconds: by the head's unit, by its form, or by how long segments are."""
    timed: list[str] = [name for name in ("start", "end", "length") if name in columns]
    units = {name: _unit(head[columns[name]]) for name in timed}
    cells = {name: [row[columns[name]].strip() for _, row in rows if columns[name] < len(row)] for name in timed}
    whole = all(re.fullmatch(r"\d{1,12}", cell) for name in timed for cell in cells[name] if cell)
    if whole and rows and not any(units.values()):
        other = "end" if "end" in columns else "length"
        begins = [0] * len(cells[other]) if other == "length" else [int(cell or 0) for cell in cells["start"]]
        lengths = [int(cell or 0) - begin for begin, cell in zip(begins, cells[other], strict=False)]
        if lengths and median(lengths) >= WHOLE_MS:
            units = dict.fromkeys(timed, 1.0)
            heard.mend("times without a unit, read as milliseconds", "the head")

    def clock(name: str, cell: str) -> float:
        scale = units[name] or 1000
        value = ms_of(cell)
        return value if ":" in cell else value / 1000 * scale

    return clock


def _head(text: str) -> tuple[str, list[str], dict[str, int]] | None:
    """Delimiter, head, and which column is what; None where no delimiter makes a start and an end of the first line."""
    line = text.lstrip("\r\n").split("\n", 1)[0]
    if text[:1] in ("\r", "\n"):
        return None
    found = []
    for delimiter in ",;\t|":
        try:
            head = [cell.strip() for cell in next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])]
        except csv.Error:
            continue
        columns = _columns(head[:MAX_COLUMNS])
        if "start" in columns and ("end" in columns or "length" in columns):
            found.append((len(columns), delimiter, head, columns))
    if not found:
        return None
    _, delimiter, head, columns = max(found, key=lambda each: each[0])
    return delimiter, head, columns


def _columns(head: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    plain = [_plain(cell) for cell in head]
    for name, known in HEADS.items():
        places = [place for place, cell in enumerate(plain) if cell in known and place not in columns.values()]
        if places:
            columns[name] = places[0]
    if "label" in plain:  # what is said, or else who says it
        columns.setdefault("speaker" if "text" in columns else "text", plain.index("label"))
    return columns


def _plain(cell: str) -> str:
    """A column's name without its unit, spaces and case: “Begin Time - ss.msec” is begintime."""
    letters = re.findall(r"[a-z]+", re.sub(r" - .*$|[(\[].*$", "", re.sub(r"([a-z])([A-Z])", r"\1 \2", cell)).lower())
    while len(letters) > 1 and letters[-1] in UNITS:
        letters.pop()
    return "".join(letters)


def _unit(cell: str) -> float | None:
    """Milliseconds of one of a column's units, where its name says that; None where it does not."""
    if re.search(r"ss\.|hh:|mm:", cell):
        return 1000.0
    letters = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", cell).lower())
    return UNITS.get(letters[-1]) if len(letters) > 1 else None
