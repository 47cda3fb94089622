"""A release's data card: what is known of the rows, and nothing that isn't."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from annotation.releases.formats import FORMATS
from annotation.releases.options import Options
from annotation.releases.statistics import SIDES, VALUES, Statistics
from annotation.snapshots.splits import SPLITS

Facts = Mapping[str, Any]
LICENSES = {"mit": "mit", "cc0": "cc0-1.0", "apache-2.0": "apache-2.0"}


def card(
    manifest: Facts, options: Options, counted: Statistics, schemas: Mapping[str, pa.Schema], missing: set[str]
) -> str:
    """README.md of a release: a YAML head that `datasets` reads, and sections that people read."""
    absent = sum(rows for name, rows in counted.named.items() if name in missing)
    sections = [
        _head(manifest, options, counted, schemas),
        f"# {_line(manifest.get('name') or 'Data set')}\n\n"
        "Turns of co-creative mixing sessions: what an amateur asked, which music played, what an expert answered.\n"
        "One row is one turn; `input_history` holds the earlier turns of the same conversation.\n",
        _rows(manifest, counted),
        _table("Topics", ["topic", *SPLITS], [[t, *(counted.topics[t, s] for s in SPLITS)] for t in _topics(counted)]),
        _people(manifest, counted),
        _made(manifest, options, counted),
        _clips(options, counted, absent),
        _files(options, counted),
        _citation(manifest),
    ]
    return "\n".join(sections)


def _topics(counted: Statistics) -> list[str]:
    return sorted({topic for topic, _ in counted.topics})


def _head(manifest: Facts, options: Options, counted: Statistics, schemas: Mapping[str, pa.Schema]) -> str:
    """The YAML head, in which every value is also JSON: no name can break out of its line."""
    license = str(manifest.get("license") or "").strip()
    known = license.lower().replace(" ", "-")
    paths = FORMATS[options.format].paths
    lines = ["---"]
    if known.startswith(("cc-by", "cc0")) or known in LICENSES:
        lines += [f"license: {json.dumps(LICENSES.get(known, known))}"]
    else:
        lines += ["license: other", f"license_name: {json.dumps(license or 'not stated', ensure_ascii=False)}"]
    lines += ["language:", "- en", "task_categories:", "- audio-text-to-text"]
    lines += [f"pretty_name: {json.dumps(manifest.get('name', ''), ensure_ascii=False)}"]
    lines += [f"size_categories:\n- {_size(counted.total)}", "configs:"]
    for config, path in paths.items():
        lines += [f"- config_name: {config}", *(["  default: true"] if config == "default" else []), "  data_files:"]
        for split in SPLITS:
            if counted.rows[split]:
                lines += [f"  - split: {split}", f"    path: {path.format(split=split)}"]
    lines += ["dataset_info:"]
    for config, schema in schemas.items():
        lines += [f"- config_name: {config}", "  features:", *_features(schema, "  ", flat=options.format == "csv")]
    return "\n".join([*lines, "---", ""])


def _features(schema: Any, indent: str, *, flat: bool) -> list[str]:
    """The types of columns as `datasets` writes them; in CSV a list is JSON in a text."""
    lines = []
    for column in schema:
        kind, name = column.type, f"{indent}- name: {column.name}"
        if pa.types.is_list(kind) and not flat:
            inner = _features(list(kind.value_type), f"{indent}  ", flat=flat)
            lines += [name, f"{indent}  list:", *inner]
        else:
            lines += [name, f"{indent}  dtype: {_dtype(kind)}"]
    return lines


def _dtype(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_string(kind):
        return "string"
    return {"double": "float64"}.get(str(kind), str(kind))


def _size(rows: int) -> str:
    return "n<1K" if rows < 1000 else "1K<n<10K" if rows < 10_000 else "10K<n<100K"


def _rows(manifest: Facts, counted: Statistics) -> str:
    found = [
        [split, counted.rows[split], *(counted.content[split, value] for value in VALUES)]
        for split in SPLITS
        if counted.rows[split]
    ]
    heads = ["split", "rows", "has_content yes", "no", "unset"]
    split_by = manifest.get("split_by", "session")
    plain = f"Split by {split_by}, seed {manifest.get('seed', 0)}: no {split_by} is in two splits."
    return _table("Rows", heads, found) + f"\n{_line(manifest.get('split_note') or plain)}\n"


def _people(manifest: Facts, counted: Statistics) -> str:
    who = ", ".join(_line(name) for name in sorted(counted.annotators)) or "not recorded"
    told = [
        f"- Sessions: {len(counted.groups)}. Licence: {_line(manifest.get('license') or 'not stated')}.",
        f"- Consent: {_said(manifest.get('consent'))}.",
        f"- Annotators (pseudonyms, or the kind of layer): {who}.",
        "- Agreement: not measured here; each session is told by one layer.",
    ]
    return "## People and rights\n\n" + "\n".join(told) + "\n"


def _said(fact: Any) -> str:
    """A fact as the snapshot kept it: a sentence, or one per group."""
    if isinstance(fact, Mapping):
        return "; ".join(f"{_line(key)}: {_line(value or 'not stated')}" for key, value in sorted(fact.items()))
    return _line(fact).rstrip(".") if fact else "not stated in the snapshot"


def _made(manifest: Facts, options: Options, counted: Statistics) -> str:
    chosen = {name: value for name, value in sorted(dict(manifest.get("filter") or {}).items()) if value}
    filters = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in chosen.items())
    silent = {name: counted.silent(side) for side, name in SIDES.items()}
    if options.placeholders:
        sides = "the published placeholder sentences stand there, in histories too"
    else:
        sides = "that column is null there, never a placeholder sentence"
    joined = ", in front of the amateur's words too" if options.summary == "joined" else ""
    told = [
        f"- Filter of the snapshot: {_line(filters) or 'none'}; turns left out: {len(manifest.get('excluded') or [])}.",
        f"- This release: {', '.join(options.words) or 'all rows as they were frozen'}.",
        f"- Silent sides: amateur in {silent['amateur']} rows, expert in {silent['expert']}; {sides}.",
        "- `has_content` is null where nobody set it. Histories keep the turns that are no rows themselves.",
        f"- Context summaries: {counted.summaries} rows have one, in the config `turns`{joined}.",
    ]
    if manifest.get("vocabulary"):
        told.append(f"- Vocabulary of topics and flags: version {_line(manifest['vocabulary'])} of the project's.")
    return "## How it was made\n\n" + "\n".join(told) + "\n"


def _clips(options: Options, counted: Statistics, absent: int) -> str:
    level = "at their own level (no normalisation)"
    if options.clips == "normalised":
        level = "each at full scale; `clips.gain_db` in `turns` says by how much it was raised"
    told = [
        f"- {options.audio.upper()}, 16 bits, {level}.",
        f"- Longer than the 30 s that common audio encoders hear: {counted.over_window}.",
        f"- Rows that name a clip which is not included: {absent}.",
    ]
    return "## Clips\n\n" + "\n".join(told) + "\n"


def _files(options: Options, counted: Statistics) -> str:
    in_cells = " A cell that holds a list is JSON; a text that a spreadsheet would run has an apostrophe in front."
    return (
        "## Files\n\n"
        "The config `turns` holds, row for row, what the eight columns lose: context summary and its author,\n"
        "flags with their notes, times, speakers, every clip with its times and gain, layer, annotator.\n"
        f"`manifest.json` tells the options; `checksums.sha256` has the sha256 of every file."
        f"{in_cells if options.format == 'csv' else ''}\n"
    )


def _citation(manifest: Facts) -> str:
    digest, version = manifest.get("content_hash", ""), manifest.get("code_version", "–")
    return (
        "## Citing\n\n"
        f"Name the content hash `{digest}` (code version {version}).\n"
        "The method is that of Clemens and Marasović, MixAssist, COLM 2025, arXiv 2507.06329.\n"
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(_line(each) for each in row)} |" for row in [heads, ["---"] * len(heads), *rows]]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _line(value: Any) -> str:
    """A value on one line of a table."""
    return " ".join(str(value).split()).replace("|", "\\|")
