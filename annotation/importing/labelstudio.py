"""Label Studio's JSON: a task with regions of its audio, their labels and what somebody wrote beside them.

Read are the full export (tasks with annotations of results) and JSON-MIN (tasks with a list of regions).
"""

from typing import Any

from annotation.importing.characters import head_of
from annotation.importing.documents import number_of, parsed, rows_of, text_of
from annotation.importing.rows import QUOTED, Heard, TranscriptError

_KEYS = ('"from_name"', '"annotations"', '"completions"', '"labels"')


def looks_like(data: bytes) -> bool:
    """Whether it is a JSON document with Label Studio's names."""
    return head_of(data).lstrip()[:1] in ("[", "{") and any(
        key.encode() in data or key.encode("utf-16-le") in data for key in _KEYS
    )


def hear(data: bytes) -> Heard:
    """Take the regions of the first task that has some; other tasks and other annotators are lost and said so."""
    heard = Heard()
    document = parsed(data, heard)
    tasks = [document] if isinstance(document, dict) else rows_of(document)
    taken = False
    for number, task in enumerate(tasks, 1):
        where = f"task {number}"
        regions = _regions(heard, task, where, quiet=taken)
        if regions and taken:
            heard.lose("a task of another recording than the first", where)
        elif regions:
            taken = True
            _take(heard, regions, where)
    if not taken:
        raise TranscriptError(
            "no-regions", "There is no region with a start and an end in this export of Label Studio."
        )
    return heard


def _regions(heard: Heard, task: dict[str, Any], where: str, *, quiet: bool) -> list[dict[str, Any]]:
    """One row a region: id, start, end, original_length, labels, text."""
    kinds = [name for name in ("annotations", "completions", "predictions") if isinstance(task.get(name), list)]
    made: Any = next((task[name] for name in kinds if task[name]), [] if kinds else None)
    if made is None and isinstance(task.get("result"), list):
        made = [task]
    if made is None:
        return _least(heard, task, where, quiet=quiet)
    whole = [each for each in rows_of(made) if not each.get("was_cancelled") and rows_of(each.get("result"))]
    if len(whole) > 1 and not quiet:
        heard.lose(f"{len(whole) - 1} annotations of others", where)
    rows: dict[str, dict[str, Any]] = {}
    for number, result in enumerate(rows_of(whole[0]["result"]) if whole else [], 1):
        value = result.get("value")
        kind = text_of(result.get("type")) or "nothing"
        if not isinstance(value, dict) or number_or_share(value.get("start")) is None:
            if not quiet:
                heard.lose(f"a result of type {kind[:QUOTED]} without a region", f"{where}, result {number}")
            continue
        uid = text_of(result.get("id")) or f"result {number}"
        row = rows.setdefault(uid, {"start": value.get("start"), "end": value.get("end"), "labels": [], "text": []})
        row["length"] = number_of(result.get("original_length")) or row.get("length")
        row["unit"] = value.get("unit") or row.get("unit")
        row["labels"] += _texts(value.get("labels"))
        row["text"] += _texts(value.get("text"))
        if not quiet and not {"labels", "text"} & value.keys():
            heard.lose(f"what a region says as {kind[:QUOTED]}", f"{where}, result {number}")
    return list(rows.values())


def _least(heard: Heard, task: dict[str, Any], where: str, *, quiet: bool) -> list[dict[str, Any]]:
    """The regions of JSON-MIN: one list of spans with labels, one of texts in the same order."""
    spans = next(
        (
            rows
            for value in task.values()
            if (rows := [row for row in rows_of(value) if "start" in row and "end" in row])
        ),
        [],
    )
    texts = next((_texts(task[name]) for name in ("transcription", "text", "textarea") if name in task), [])
    if len(texts) != len(spans):
        for text in texts if spans and not quiet else []:
            heard.lose(f"a text that belongs to no region: {text[:QUOTED]}", where)
        texts = []
    return [
        {
            "start": row["start"],
            "end": row["end"],
            "length": number_of(row.get("original_length")),
            "unit": row.get("unit"),
            "labels": _texts(row.get("labels")),
            "text": _texts(row.get("text")) or texts[number : number + 1],
        }
        for number, row in enumerate(spans)
    ]


def _take(heard: Heard, regions: list[dict[str, Any]], where: str) -> None:
    """Times are seconds; they are shares of the length where they say so, or where seconds would run past the end."""
    length = max((row["length"] for row in regions if row.get("length")), default=None)
    ends = [end for row in regions if (end := number_of(row["end"])) is not None]
    shares = bool(length and ends and length + 1 < max(ends) <= 100)
    for number, row in enumerate(regions, 1):
        place = f"{where}, region {number}"
        start, end = _seconds(row, "start", length, shares), _seconds(row, "end", length, shares)
        if start is None or end is None:
            heard.lose("a region without times", place)
            continue
        if shares or row.get("unit") == "percent" or isinstance(row["start"], str):
            heard.mend("times in percent of the length", place)
        for further in row["labels"][1:]:
            heard.lose(f"a further label of a region: {further[:QUOTED]}", place)
        speaker = row["labels"][0] if row["labels"] else ""
        heard.add(speaker, start * 1000, end * 1000, "\n".join(row["text"]), place)


def _seconds(row: dict[str, Any], name: str, length: float | None, shares: bool) -> float | None:
    value = number_or_share(row[name])
    if value is None or not (shares or row.get("unit") == "percent" or isinstance(row[name], str)):
        return value
    return value / 100 * length if length else None


def number_or_share(value: Any) -> float | None:
    """A number, or a text such as "12.5%"."""
    if isinstance(value, str) and value.endswith("%"):
        try:
            return number_of(float(value[:-1]))
        except ValueError:
            return None
    return number_of(value)


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
