"""Work on one request in a limited process: a line of JSON in, lines of JSON out.

    {"act": "probe", "request": {"path": …}, "limits": {…}}        →  {"progress": 0.4} …  {"result": …} or {"error": …}

The process ends when its standard input closes: nobody is left who wants the answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotation.audio.errors import AudioError
from annotation.audio.facts import AudioLimits
from annotation.audio.limits import ChildLimits, apply
from annotation.audio.whole import drop_open

ORPHANED = 3
REPORT_EVERY_S = 0.2

Request = dict[str, Any]
Progress = Callable[[float], None]


def main() -> int:
    asked = json.loads(_read_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # a library that prints does not garble the answers
    try:
        apply(ChildLimits(**asked.get("limits", {})))
        result = ACTS[asked["act"]](asked["request"], _reporter(answers.write))
        last: dict[str, Any] = {"result": result}
    except AudioError as error:
        last = _error(error.code, error.message)
    except MemoryError:
        last = _error(*TOO_HUNGRY)
    except OSError as error:
        traceback.print_exc()
        last = _error(*_os_verdict(error))
    except Exception as error:
        traceback.print_exc()
        # FFmpeg and others report a refused allocation in words of their own
        hungry = isinstance(error.__cause__, MemoryError) or "annot allocate memory" in str(error)
        last = _error(*(TOO_HUNGRY if hungry else FAILED))
    answers.write(json.dumps(last) + "\n")
    answers.flush()
    return 0


TOO_HUNGRY = (
    "too-hungry",
    "This file needs more memory than a recording should. Convert it to plain WAV or FLAC and upload that.",
)
FAILED = ("audio-failed", "This file could not be worked with. Convert it to plain WAV or FLAC and upload that.")


def _os_verdict(error: OSError) -> tuple[str, str]:
    import errno

    if error.errno == errno.EFBIG:
        return "too-big", "What would be written for this file is larger than allowed. Cut it into parts."
    if error.errno == errno.ENOSPC:
        return "disk-full", "The server's disk is full. Ask its administrator to make room, then try again."
    if error.errno == errno.ENOMEM:
        return TOO_HUNGRY
    return FAILED


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _read_line() -> bytes:
    """Read the request from the bare descriptor: a buffered stdin would stay locked by the thread that watches it."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece:
            break
        line += piece
    return line


def _end_with_parent() -> None:
    while os.read(0, 1 << 10):
        pass
    drop_open()
    os._exit(ORPHANED)


def _reporter(write: Callable[[str], Any]) -> Progress:
    last = 0.0

    def report(share: float) -> None:
        nonlocal last
        if share >= 1 or time.monotonic() - last > REPORT_EVERY_S:
            last = time.monotonic()
            write(json.dumps({"progress": round(share, 4)}) + "\n")

    return report


# The acts load numpy and the decoders themselves, after the limits are set.


def _limits(request: Request) -> AudioLimits:
    return AudioLimits(**request.get("limits") or {})


def _probe(request: Request, report: Progress) -> Request:
    from annotation.audio.probe import probe

    return probe(Path(request["path"]), limits=_limits(request)).as_dict()


def _peaks(request: Request, report: Progress) -> Request:
    from annotation.audio import peaks

    return peaks.build(
        Path(request["path"]), Path(request["folder"]), limits=_limits(request), progress=report
    ).as_dict()


def _proxy(request: Request, report: Progress) -> Request:
    from annotation.audio import proxy

    return proxy.build(Path(request["path"]), Path(request["out"]), limits=_limits(request), progress=report).as_dict()


def _levels(request: Request, report: Progress) -> Request:
    from annotation.audio import levels

    return levels.build(
        Path(request["path"]),
        Path(request["out"]),
        kind=request.get("kind", "mixed"),
        limits=_limits(request),
        progress=report,
    )


def _speakers(request: Request, report: Progress) -> Request:
    from dataclasses import asdict

    from annotation.audio import speakers

    paths = [Path(path) for path in request["paths"]]
    told = speakers.build(paths, request["offsets_ms"], limits=_limits(request), progress=report)
    return {"version": speakers.VERSION, **asdict(told)}


def _spectrogram(request: Request, report: Progress) -> Request:
    from annotation.audio import spectrogram

    return spectrogram.build(
        Path(request["path"]), Path(request["folder"]), limits=_limits(request), progress=report
    ).as_dict()


def _clips(request: Request, report: Progress) -> Request:
    from annotation.audio.clip import Span, cut

    spans = [Span(**span) for span in request["spans"]]
    clips = cut(
        Path(request["path"]),
        spans,
        Path(request["folder"]),
        rate=request.get("rate", 16_000),
        limits=_limits(request),
        progress=report,
    )
    return {"clips": [clip.as_dict() for clip in clips]}


def _excerpt(request: Request, report: Progress) -> Request:
    from annotation.audio import excerpt

    return excerpt.cut(
        Path(request["path"]),
        Path(request["out"]),
        start=request["start"],
        stop=request["stop"],
        rate=request["rate"],
        channels=request["channels"],
        proxy=Path(request["proxy"]) if "proxy" in request else None,
        limits=_limits(request),
    ).as_dict()


def _lay(request: Request, report: Progress) -> Request:
    from annotation.audio.laying import lay

    return lay(request["parts"], Path(request["out"]), limits=_limits(request), progress=report)


def _sha256(request: Request, report: Progress) -> Request:
    import hashlib

    path = Path(request["path"])
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size_bytes": path.stat().st_size}


def _survey(request: Request, report: Progress) -> Request:
    """Probe many files, and decode those that pass when `decode` says so; each answers with facts or an error."""
    found: list[dict[str, Any]] = []
    for done, name in enumerate(request["paths"], 1):
        try:
            one: dict[str, Any] = {"facts": _probe({**request, "path": name}, report)}
            if request.get("decode"):
                from annotation.audio.decode import open_master

                blocks = open_master(Path(name), limits=_limits(request)).blocks()
                one["decoded_frames"] = sum(len(block) for block in blocks)
        except AudioError as error:
            one = {**_error(error.code, error.message)}
        found.append(one)
        report(done / len(request["paths"]))
    return {"files": found}


ACTS: dict[str, Callable[[Request, Progress], Request]] = {
    "probe": _probe,
    "peaks": _peaks,
    "levels": _levels,
    "speakers": _speakers,
    "spectrogram": _spectrogram,
    "proxy": _proxy,
    "clips": _clips,
    "excerpt": _excerpt,
    "lay": _lay,
    "sha256": _sha256,
    "survey": _survey,
}

if __name__ == "__main__":
    sys.exit(main())
