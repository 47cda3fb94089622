"""Read the published files – Parquet, CSV copies, JSON lines – into rows, and say what differs from the paper's."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.importing.rows import MAX_TEXT
from annotation.published import histories
from annotation.published.facts import (
    COLUMNS,
    PLACEHOLDERS,
    REVISION,
    ROWS,
    SHA256,
    SPLITS,
    TOPICS,
    WITH_CONTENT,
    Notes,
    PublishedError,
    PublishedRow,
    Said,
    is_safe,
    mended_name,
)

MAX_BYTES = 512 * 2**20  # of one file
MAX_ROWS = 100_000
MAX_ID = 200  # characters
MAX_TURN = 2**31 - 1
LONGEST_TOPIC = 40  # as conversations keep it
NAMES = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
SUFFIXES = ((".parquet",), (".jsonl", ".json"), (".csv",))  # the first that a split has is read
ROLES = {"user": "user", "amateur": "user", "assistant": "assistant", "expert": "assistant"}
_FORMULA = re.compile(r"'[=+\-@\t\r]")


@dataclass
class PublishedSet:
    """All rows, what was found, and what of it is not as published."""

    rows: list[PublishedRow] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)  # of each split's file
    placeholders: Counter[str] = field(default_factory=Counter)  # that became missing, by column
    repaired: Notes = field(default_factory=Notes)
    lost: Notes = field(default_factory=Notes)
    differs: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Rows by split."""
        return {split: sum(row.split == split for row in self.rows) for split in SPLITS}

    def with_content(self) -> dict[str, int]:
        """Rows whose has_content is true, by split."""
        return {split: sum(row.split == split and row.has_content is True for row in self.rows) for split in SPLITS}

    def topics(self) -> dict[str, int]:
        """Rows by topic."""
        return dict(sorted(Counter(row.topic for row in self.rows).items()))


def read_set(folder: Path) -> PublishedSet:
    """Read the three splits of a folder, or of its folder `data`.

    What differs from the published set is told in sentences and does not stop anything. Raises PublishedError for
    what can't be read.
    """
    files = _files(folder)
    made = PublishedSet()
    seen: dict[tuple[str, str, int], PublishedRow] = {}
    for split, paths in files.items():
        for path in paths:
            for number, cells in enumerate(_cells(path, made), 1):
                if len(made.rows) >= MAX_ROWS:
                    raise PublishedError("too-many-rows", f"More than {MAX_ROWS:,} rows are no data set of this kind.")
                row = _Reader(made, split, f"{split}, row {number}").row(cells)
                if row is not None and _is_new(made, seen, row):
                    made.rows.append(row)
        if paths:
            made.formats.append(paths[0].suffix[1:])
    if not made.rows:
        raise PublishedError("no-rows", f"{folder.name} holds files of the data set without a single row to use.")
    made.formats = sorted(set(made.formats))
    _compare(made, files)
    return made


def _files(folder: Path) -> dict[str, list[Path]]:
    """The files of each split: Parquet where there is some, else JSON lines, else CSV."""
    if not folder.is_dir():
        raise PublishedError("no-folder", f"There is no folder {folder}.")
    there = [path for place in (folder, folder / "data") if place.is_dir() for path in place.iterdir()]
    files: dict[str, list[Path]] = {}
    for split, names in NAMES.items():
        named = [path for path in sorted(there) if _stem(path) in names and path.is_file()]
        found = ([path for path in named if path.suffix.lower() in suffixes] for suffixes in SUFFIXES)
        files[split] = next((paths for paths in found if paths), [])
    if not any(files.values()):
        raise PublishedError(
            "no-files",
            f"{folder.name} holds no file of the data set: train, validation and test as .parquet, .csv or .jsonl.",
        )
    return files


def _stem(path: Path) -> str:
    return re.split(r"[-_.]", path.name.lower(), maxsplit=1)[0]


def _cells(path: Path, made: PublishedSet) -> Iterator[Mapping[str, Any]]:
    """The rows of one file as cells by column."""
    if path.stat().st_size > MAX_BYTES:
        raise PublishedError("too-large", f"{path.name} is larger than {MAX_BYTES >> 20} MB: it is something else.")
    kind = path.suffix.lower()
    return {".parquet": _parquet, ".csv": _csv}.get(kind, _jsonl)(path, made)


def _parquet(path: Path, made: PublishedSet) -> Iterator[Mapping[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            _require_columns(path, file.schema_arrow.names, made)
            for batch in file.iter_batches(200, columns=list(COLUMNS)):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError) as error:
        raise PublishedError(
            "unreadable", f"{path.name} is not a Parquet file that can be read: {_brief(error)}"
        ) from None


def _csv(path: Path, made: PublishedSet) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(histories.LONGEST)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _require_columns(path, rows.fieldnames or (), made)
            for row in rows:
                yield {column: row[column] or None for column in COLUMNS}
    except UnicodeDecodeError:
        raise PublishedError("not-utf8", f"{path.name} is not UTF-8; save it as UTF-8 and try again.") from None
    except csv.Error as error:
        raise PublishedError("unreadable", f"{path.name} is not CSV that can be read: {_brief(error)}") from None


def _jsonl(path: Path, made: PublishedSet) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            first = True
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    raise PublishedError("bad-line", f"Line {number} of {path.name} is not a JSON object.")
                if first:
                    _require_columns(path, list(row), made)
                    first = False
                yield {column: row.get(column) for column in COLUMNS}
    except UnicodeDecodeError:
        raise PublishedError("not-utf8", f"{path.name} is not UTF-8; save it as UTF-8 and try again.") from None


def _require_columns(path: Path, names: Sequence[str], made: PublishedSet) -> None:
    if absent := [column for column in COLUMNS if column not in names]:
        raise PublishedError(
            "wrong-columns", f"{path.name} lacks the column {absent[0]}; the published ones are {', '.join(COLUMNS)}."
        )
    if more := [name for name in names if name not in COLUMNS]:
        made.lost.add("a column that the published set does not have", f"{path.name}: {_brief(', '.join(more))}")


def _brief(what: object) -> str:
    return str(what).split("\n", 1)[0][:120]


class _Unusable(Exception):
    """A cell that makes its row no row."""


@dataclass
class _Reader:
    """Reads the cells of one row, and notes what it mends."""

    made: PublishedSet
    split: str
    where: str

    def row(self, cells: Mapping[str, Any]) -> PublishedRow | None:
        """The row; None when what names it can't be read, which is noted as a loss."""
        try:
            conversation, turn = self.name(cells["conversation_id"]), self.number(cells["turn_id"])
            topic = self.topic(cells["topic"])
        except _Unusable as error:
            self.made.lost.add(f"a row {error}", self.where)
            return None
        return PublishedRow(
            split=self.split,
            conversation_id=conversation,
            topic=topic,
            turn_id=turn,
            has_content=self.flag(cells["has_content"]),
            history=self.history(cells["input_history"]),
            audio_file=self.audio(cells["audio_file"]),
            user=self.side("user", cells["user"]),
            assistant=self.side("assistant", cells["assistant"]),
        )

    def name(self, cell: Any) -> str:
        if isinstance(cell, int) and not isinstance(cell, bool):
            cell = str(cell)
        text = self.text(cell)
        if text is None or len(text) > MAX_ID or any(mark in text for mark in "\n\r\t"):
            raise _Unusable("whose conversation_id is no name")
        return text

    def number(self, cell: Any) -> int:
        if isinstance(cell, str):
            cell = cell.strip().removesuffix(".0")
            cell = int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 11 else None
        elif isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        if not isinstance(cell, int) or isinstance(cell, bool) or not 0 <= cell <= MAX_TURN:
            raise _Unusable("whose turn_id is no whole number")
        return cell

    def topic(self, cell: Any) -> str:
        text = self.text(cell)
        if text is None:
            raise _Unusable("without a topic")
        key = re.sub(r"\W+", "_", text.lower()).strip("_")[:LONGEST_TOPIC]
        if not key:
            raise _Unusable("without a topic")
        if key != text:
            self.repaired("a topic is written as a key: small letters, digits and _")
        return key

    def flag(self, cell: Any) -> bool | None:
        if cell is None or isinstance(cell, bool):
            return cell
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        value = known.get(str(cell).strip().lower().removesuffix(".0")[:10])
        if value is None and str(cell).strip().lower() not in ("", "nan", "none", "null"):
            self.lost("a has_content that is neither true nor false")
        return value

    def side(self, role: str, cell: Any) -> str | None:
        """A side's text; the sentence that stands for silence is silence."""
        text = self.text(cell)
        if text == PLACEHOLDERS[role]:
            self.made.placeholders[role] += 1
            return None
        return text

    def text(self, cell: Any) -> str | None:
        """A text that every database keeps, without spaces around it; None when there is none."""
        if cell is None or (isinstance(cell, float) and cell != cell):
            return None
        if not isinstance(cell, str):
            self.lost("a text that is no text")
            return None
        kept = cell.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        if kept != cell:
            self.repaired("characters that can't be stored")
        if _FORMULA.match(kept):
            self.repaired("the apostrophe in front of what a spreadsheet would run")
            kept = kept[1:]
        if kept != kept.strip():
            self.repaired("spaces around a text")
        kept = kept.strip()
        if len(kept) > MAX_TEXT:
            self.lost(f"the end of a text of more than {MAX_TEXT:,} characters")
            kept = kept[:MAX_TEXT].strip()
        return kept or None

    def audio(self, cell: Any) -> str | None:
        """A clip's path, relative to the data set's folder; one that leaves it is mended or left out."""
        if isinstance(cell, dict):  # as the audio columns of `datasets` have it
            cell = cell.get("path")
        name = self.text(cell)
        if name is None or is_safe(name):
            return name
        mended = mended_name(name)
        if mended is None:
            self.lost("the path of a clip that leaves the data set's folder")
        else:
            self.repaired("a clip's path begins at the data set's folder")
        return mended

    def history(self, cell: Any) -> tuple[Said, ...]:
        """Earlier utterances; those that say and play nothing are left out."""
        if isinstance(cell, str):
            cell = histories.parse(cell)
            if cell is None:
                self.lost("a history that can't be read")
        if cell is None:
            return ()
        if not isinstance(cell, list):
            self.lost("a history that is no list")
            return ()
        return tuple(said for item in cell if (said := self._utterance(item)))

    def _utterance(self, item: Any) -> Said | None:
        role = ROLES.get(str(item.get("role")).strip().lower()) if isinstance(item, dict) else None
        if role is None:
            self.lost("an utterance of a history without a role that is known")
            return None
        text, audio = self.text(item.get("content")), self.audio(item.get("audio_file"))
        if text == PLACEHOLDERS[role]:
            self.made.placeholders["input_history"] += 1
            text = None
        return Said(role, text, audio) if text or (audio and role == "user") else None

    def repaired(self, what: str) -> None:
        self.made.repaired.add(what, self.where)

    def lost(self, what: str) -> None:
        self.made.lost.add(what, self.where)


def _is_new(made: PublishedSet, seen: dict[tuple[str, str, int], PublishedRow], row: PublishedRow) -> bool:
    """Whether no row has this name yet; the first of several stays."""
    key = row.split, row.conversation_id, row.turn_id
    if key not in seen:
        seen[key] = row
        return True
    if seen[key] == row:
        made.repaired.add("a row that is there twice is there once", row.where)
    else:
        made.lost.add("a row whose name another row has already", row.where)
    return False


def _compare(made: PublishedSet, files: Mapping[str, Sequence[Path]]) -> None:
    """Say what is not as the paper's data set has it."""
    counts, content = made.counts(), made.with_content()
    for split in SPLITS:
        if not files[split]:
            made.differs.append(f"There is no file of the {split} split.")
            continue
        if counts[split] != ROWS[split]:
            made.differs.append(f"The {split} split has {counts[split]} rows; published were {ROWS[split]}.")
        if content[split] != WITH_CONTENT[split]:
            made.differs.append(
                f"{content[split]} rows of the {split} split have content; published were {WITH_CONTENT[split]}."
            )
        paths = files[split]
        if len(paths) == 1:
            with paths[0].open("rb") as file:
                made.sha256[split] = hashlib.file_digest(file, "sha256").hexdigest()
            if paths[0].suffix.lower() == ".parquet" and made.sha256[split] != SHA256[split]:
                made.differs.append(
                    f"{paths[0].name} is not the file of revision {REVISION[:7]}: sha256 {made.sha256[split][:12]}…, "
                    f"published {SHA256[split][:12]}…"
                )
    topics = made.topics()
    if more := [topic for topic in topics if topic not in TOPICS]:
        made.differs.append(f"Topics beyond the six that were published: {_brief(', '.join(more))}.")
    if fewer := [topic for topic in TOPICS if topic not in topics]:
        made.differs.append(f"No row has the topic {' or '.join(fewer)}.")
