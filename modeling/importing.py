"""Answers that another program gave: read from CSV or JSON lines, checked against the rows they answer, and kept.

A row is named as the snapshot names it, `test/<conversation_id>/<turn_id>`, or by those two columns. All answers of a
file are stored or none.
"""

import csv
import hashlib
import io
import json
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.models import Person, Snapshot
from mixassist_site.jobs import State
from modeling.backbones.errors import CoreError
from modeling.backbones.example import Example
from modeling.generation.guards import flags_of, word_ids
from modeling.launch import MAX_ANSWERS, LaunchError, require_a_name, require_frozen
from modeling.models import Candidate, Generation, Source, TrainingRun
from modeling.training.examples import content_hash, read_split

MOST_BYTES = 8 << 20
LONGEST = 20_000  # characters of an answer
MAX_ABOUT = 2000
ANSWER_NAMES = ("answer", "text", "response", "generation")
KNOWN = ("row", "conversation_id", "turn_id", "index", "split")
NAMESPACE = uuid.UUID("6b0d7c1e-1c5e-4b7e-9d2a-8f1f0b7a2c55")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was found; `where` leads a person to it."""

    row: str  # whole, or "<conversation_id>/<turn_id>"
    index: int
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file holds: its answers, the column they stand in, and the columns that nobody reads."""

    found: tuple[Answer, ...]
    sha256: str
    column: str = ""
    ignored: tuple[str, ...] = ()


def read(data: bytes, *, column: str | None = None) -> Answers:
    """Read CSV, TSV or JSON lines; LaunchError says what to mend and where."""
    if len(data) > MOST_BYTES:
        raise LaunchError("too-large", f"The file has at most {MOST_BYTES >> 20} MiB; split it by its rows.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LaunchError("not-text", "The file is no UTF-8 text; save it as CSV or JSON lines in UTF-8.") from None
    rows = list(_json_lines(text) if text.lstrip()[:1] in ("{", "[") else _table(text))
    if not rows:
        raise LaunchError("no-answers", "The file holds no answers.")
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    answers = _column(names, column)
    found = tuple(_answer(row, answers, where) for where, row in rows)
    ignored = tuple(name for name in names if name != answers and name not in KNOWN)
    return Answers(found, hashlib.sha256(data).hexdigest(), answers, ignored[:20])


def listed(rows: Sequence[Mapping[str, Any]]) -> Answers:
    """Take answers that a script sent as objects."""
    found = tuple(_answer(row, "answer", f"answer {at}") for at, row in enumerate(rows, start=1))
    canonical = json.dumps([[one.row, one.index, one.text] for one in found], ensure_ascii=True)
    return Answers(found, hashlib.sha256(canonical.encode()).hexdigest())


def bring(
    snapshot: Snapshot,
    split: str,
    answers: Answers,
    *,
    name: str,
    about: str = "",
    file: str = "",
    by: Person | None = None,
) -> Generation:
    """Store answers as a finished generation under the name of their source.

    The same answers under the same name are one generation. Raises LaunchError for a name that another source has, a
    row that the split lacks, and a row that is answered twice.
    """
    name, about = name.strip(), "".join(sign for sign in about if not _is_control(sign)).strip()
    project = snapshot.project
    require_frozen(project, snapshot, split)
    if not name:
        raise LaunchError("bad-name", "Give the source a name.")
    require_a_name(name)
    if TrainingRun.objects.filter(project=project, name__iexact=name).exists():
        raise LaunchError("name-taken", f"An adapter of this project is called {name}; choose another name.")
    if len(about) > MAX_ABOUT:
        raise LaunchError("bad-about", f"How they came about takes at most {MAX_ABOUT} characters.")
    examples = _rows_of(snapshot, split)
    placed = _placed(answers.found, examples, split)
    key = uuid.uuid5(NAMESPACE, json.dumps([project.pk, snapshot.pk, split, name, answers.sha256, answers.column]))
    if earlier := Generation.objects.filter(key=key).first():
        return earlier
    candidates, cleaned = _candidates(placed, examples)
    answered = {row for row, _ in placed}
    record = {
        "rows": len(answered),
        "missing": len(examples) - len(answered),
        "candidates": len(candidates),
        "file": _clean(file)[:200],
        "sha256": answers.sha256,
        "column": _clean(answers.column),
        "ignored": [_clean(one)[:100] for one in answers.ignored],
        "cleaned": cleaned,
        "about": about,
        "snapshot_hash": snapshot.content_hash,
    }
    now = timezone.now()
    generation = Generation(
        key=key,
        project=project,
        snapshot=snapshot,
        split=split,
        source=Source.IMPORTED,
        name=name,
        answers=1 + max(index for _, index in placed),
        record=record,
        state=State.SUCCEEDED,
        done=len(candidates),
        total=len(candidates),
        started_at=now,
        finished_at=now,
        created_by=by,
    )
    try:
        with transaction.atomic():
            generation.save(force_insert=True)
            for candidate in candidates:
                candidate.generation = generation
            Candidate.objects.bulk_create(candidates, batch_size=500)
    except IntegrityError:  # the same file at the same moment
        return Generation.objects.get(key=key)
    return generation


def _json_lines(text: str) -> Iterable[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise LaunchError("not-json", f"Line {number} is no JSON object; write one object a line.")
        yield f"line {number}", value


def _table(text: str) -> Iterable[tuple[str, dict[str, Any]]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=head.count)
    try:
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [name.strip() for name in next(table, [])]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise LaunchError("bad-table", f"The table has two columns called {twice[0] or 'nothing'}; rename one.")
        for cells in table:
            where = f"line {table.line_num}"
            if not any(cells):
                continue
            if len(cells) != len(names):
                raise LaunchError(
                    "bad-table", f"The row that ends on {where} has {len(cells)} cells, not {len(names)}."
                )
            yield where, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise LaunchError("bad-table", f"The file is no CSV table: {error}.") from None


def _column(names: Sequence[str], wanted: str | None) -> str:
    if wanted:
        if wanted not in names:
            raise LaunchError("no-column", f"There is no column {wanted}; there are {_told(names)}.")
        return wanted
    for name in ANSWER_NAMES:
        if name in names:
            return name
    raise LaunchError("no-column", f"Name the column that holds the answers; there are {_told(names)}.")


def _told(names: Sequence[str]) -> str:
    shown = ", ".join(_clean(name)[:40] for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def _answer(row: Mapping[str, Any], column: str, where: str) -> Answer:
    text = row.get(column)
    if not isinstance(text, str):
        raise LaunchError("no-answer", f"There is no text under {_clean(column)[:40]} on {where}.")
    if len(text) > LONGEST:
        raise LaunchError(
            "too-long", f"The answer on {where} has {len(text):,} characters; at most {LONGEST:,} are read."
        )
    named = str(row.get("row") or "").strip()
    if not named:
        conversation, turn = str(row.get("conversation_id") or "").strip(), _whole(row.get("turn_id"))
        if not conversation or turn is None:
            raise LaunchError("no-row", f"Say which row is answered on {where}: row, or conversation_id and turn_id.")
        named = f"{conversation}/{turn}"
    index = _whole(row.get("index") if row.get("index") not in (None, "") else 0)
    if index is None or not 0 <= index < MAX_ANSWERS:
        raise LaunchError("bad-index", f"The index on {where} must be from 0 to {MAX_ANSWERS - 1}.")
    return Answer(named, index, text, where)


def _whole(value: Any) -> int | None:
    """A whole number, also where a table wrote it as 3.0."""
    if isinstance(value, bool) or len(str(value)) > 20:
        return None
    try:
        number = float(str(value))
        return int(number) if number.is_integer() else None
    except (ValueError, OverflowError):
        return None


def _rows_of(snapshot: Snapshot, split: str) -> dict[str, Example]:
    try:
        found = content_hash(snapshot.path)
        examples = {example.row: example for example in read_split(snapshot.path, split)}
    except CoreError as error:
        raise LaunchError(error.code, error.sentence) from None
    if found != snapshot.content_hash:
        raise LaunchError("snapshot-changed", "The snapshot's files are not those that were frozen; build it again.")
    return examples


def _placed(answers: Iterable[Answer], examples: Mapping[str, Example], split: str) -> dict[tuple[str, int], Answer]:
    """Each answer under its row and index; the first that has no place is named."""
    placed: dict[tuple[str, int], Answer] = {}
    for answer in answers:
        row = answer.row if answer.row in examples else f"{split}/{answer.row}"
        if row not in examples:
            raise LaunchError(
                "unknown-row",
                f"The {split} split has no row {_clean(answer.row)[:80]} ({answer.where}); its rows are called like "
                f"{min(examples)}.",
            )
        if earlier := placed.get((row, answer.index)):
            raise LaunchError(
                "answered-twice",
                f"The row {row} is answered on {earlier.where} and on {answer.where}; number several answers by index.",
            )
        placed[row, answer.index] = answer
    return placed


def _candidates(
    placed: Mapping[tuple[str, int], Answer], examples: Mapping[str, Example]
) -> tuple[list[Candidate], int]:
    """The rows to store, with what is odd about an answer, and how many had to be cleaned."""
    candidates, cleaned = [], 0
    for (row, index), answer in sorted(placed.items()):
        text = _clean(answer.text)
        cleaned += text != answer.text.strip()
        said = "\n".join(message.text for message in examples[row].messages())
        guards = list(flags_of(text, word_ids(text), stop="end", said=said))
        candidates.append(Candidate(row=row, index=index, text=text, stop_reason="end", guards=guards))
    return candidates, cleaned


def _clean(text: str) -> str:
    return "".join(sign for sign in text if not _is_control(sign)).strip()


def _is_control(sign: str) -> bool:
    """Whether no database keeps it, or nobody types it: control characters but breaks, halves of characters."""
    return sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")
