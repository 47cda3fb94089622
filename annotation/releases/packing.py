"""One file of a release's folder: a ZIP archive with the same bytes for the same files."""

import shutil
import zipfile
from pathlib import Path

from annotation.releases.clips import Report

PACKED_ALREADY = {".wav", ".flac", ".parquet"}  # noise doesn't deflate, the others are
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path, target: Path, report: Report) -> None:
    """Write all files of a folder, in order of their names, below a folder of its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w") as archive:
        for done, path in enumerate(files):
            report(done, len(files), "packs")
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", LONG_AGO)
            entry.compress_type = zipfile.ZIP_STORED if path.suffix in PACKED_ALREADY else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
