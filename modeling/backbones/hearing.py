"""Audio rows kept on disk: what a frozen tower and projector heard of a clip, for every later use of it.

    ROOT/<base revision, dtype>/<2 letters>/<clip key>.safetensors       one tensor "rows", (audio tokens, width)

The folder is named for what listens and the file for what is heard: a clip key is the sha256 of the samples after the
audio policy (tail, head, windows, seconds) was applied, so another policy is another key. Files appear whole; a damaged
one is passed over, and written again.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor


@dataclass(frozen=True, slots=True)
class AudioRows:
    """The rows that one base hears in one precision."""

    root: Path
    revision: str  # of the base: AudioLM.revision
    precision: str  # AudioLM.dtype_name, with what quantization adds to it

    @property
    def folder(self) -> Path:
        return self.root / hashlib.sha256(f"{self.revision}/{self.precision}".encode()).hexdigest()[:24]

    def path(self, clip_key: str) -> Path:
        """Where the rows of a clip lie, there or not."""
        return self.folder / clip_key[:2] / f"{clip_key}.safetensors"

    def read(self, clip_key: str, *, count: int) -> Tensor | None:
        """The rows of a clip, shape (count, width); None where there are none, or not as many."""
        path = self.path(clip_key)
        try:
            rows = load_file(path)["rows"]
            os.utime(path)  # what was used last goes last
        except (OSError, SafetensorError, KeyError):
            return None
        return rows if rows.dim() == 2 and len(rows) == count else None

    def write(self, clip_key: str, rows: Tensor) -> None:
        """Keep the rows of a clip; a disk that is full keeps none, and nothing else suffers."""
        path = self.path(clip_key)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({"rows": rows.contiguous()}, beside)
            beside.replace(path)
        except (OSError, SafetensorError):
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
