"""Write a release of a frozen snapshot: all of it or nothing, the same bytes for the same snapshot and options."""

import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotation.releases import croissant, frozen
from annotation.releases.card import card
from annotation.releases.clips import Report, carry
from annotation.releases.formats import FORMATS
from annotation.releases.options import Options, ReleaseError
from annotation.releases.statistics import gather
from annotation.releases.telling import Clips, told, told_apart
from annotation.snapshots.splits import SPLITS
from annotation.snapshots.writer import sha256_of, verify

KEPT = ("name", "filter", "seed", "split_by", "license", "vocabulary", "content_hash", "code_version")


class Stopped(Exception):
    """The release was asked to stop, and has left nothing."""


def write(
    snapshot: Path,
    out: Path,
    options: Options,
    *,
    about: Mapping[str, str] | None = None,
    report: Report = lambda done, total, note: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Verify what was frozen, write beside `out`, then rename; return the release's manifest.

    `about` tells what the files of a snapshot don't: `creator`, `date` (ISO) and `url`. Raises ReleaseError for a
    folder that is there already and for a clip that can't be read, ValueError for a snapshot whose files have changed,
    Stopped when `should_stop` said so between two steps.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ReleaseError("taken", f"{out} is there already; name a folder that isn't.")
    frozen_manifest = verify(snapshot)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")

    def step(done: int, total: int, note: str) -> None:
        if should_stop():
            raise Stopped
        report(done, total, note)

    try:
        made = _fill(snapshot, part, options, frozen_manifest, about or {}, step)
        part.replace(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return made


def _fill(
    snapshot: Path, part: Path, options: Options, manifest: dict[str, Any], about: Mapping[str, str], step: Report
) -> dict[str, Any]:
    part.mkdir()
    names = frozen.clips_named(snapshot, content_only=options.content_only)
    carried = carry(snapshot, part, names, options, step, known=manifest["files"])
    missing = set(names) - set(carried)
    schemas = {config: frozen.schema(snapshot, config) for config in frozen.CONFIGS}
    counted = gather(snapshot, content_only=options.content_only)
    _write_rows(snapshot, part, options, schemas, carried, step)
    (part / "README.md").write_text(card(manifest, options, counted, schemas, missing), encoding="utf-8")
    files = _hashes(part)
    if options.format == "hf":
        told_of = croissant.metadata(manifest, options, counted, schemas, files, about)
        files |= _json(part, "croissant.json", told_of)
    made = {
        "snapshot": {name: manifest.get(name) for name in KEPT},
        "options": options.as_dict(),
        "rows": {split: counted.rows[split] for split in SPLITS},
        "clips": len(carried),
        "clips_missing": sorted(missing),
        "files": files,
    }
    files = {**files, **_json(part, "manifest.json", made)}
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    (part / "checksums.sha256").write_text(sums, encoding="utf-8")
    return made


def _write_rows(
    snapshot: Path, part: Path, options: Options, schemas: dict[str, pa.Schema], clips: Clips, step: Report
) -> None:
    form = FORMATS[options.format]
    for number, split in enumerate(SPLITS):
        places = [form.place(part, config, split) for config in schemas]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        with form.write(places[0], schemas["default"]) as put, form.write(places[1], schemas["turns"]) as put_apart:
            for data, turns in frozen.batches(snapshot, split, content_only=options.content_only):
                step(number, len(SPLITS), f"rows of {split}")
                if options.changes_rows:
                    rows, lost = data.to_pylist(), turns.to_pylist()
                    put([told(row, each, options, clips) for row, each in zip(rows, lost, strict=True)])
                    put_apart([told_apart(each, clips) for each in lost])
                else:
                    put(data)
                    put_apart(turns)


def _json(part: Path, name: str, told: dict[str, Any]) -> dict[str, str]:
    """Write JSON, and tell its hash."""
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
    (part / name).write_text(text + "\n", encoding="utf-8")
    return {name: sha256_of(part / name)}


def _hashes(part: Path) -> dict[str, str]:
    paths = sorted(path for path in part.rglob("*") if path.is_file())
    return {path.relative_to(part).as_posix(): sha256_of(path) for path in paths}
