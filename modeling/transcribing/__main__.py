"""Transcribe a recording in a process of its own, without a database:

    python -m modeling.transcribing IN.wav OUT.json --model openai/whisper-small [--language en]
    python -m modeling.transcribing REQUEST.json

IN is any recording that the site takes in. OUT has the form of WhisperX's JSON, so `import_transcript` reads it:

    {"segments": [{"start", "end", "text", "words": [{"word", "start", "end"}]}],    # seconds; words where known
     "language", "doubtful": [{"what", "where"}], "made_by": {"model", "revision", "weights_sha256", …}}

The request, as the worker writes it:

    {"audio": "/…/masters/7.flac", "out": "/…/runs/transcription-3/2/transcript.json",
     "model": "tiny" | "/…/whisper-small" | "openai/whisper-small", "tiny": "/…/models/tiny-whisper",
     "revision": null, "language": "" | "en", "device": "auto",
     "resume_from": ["/…/runs/transcription-3/1"]}      # folders of earlier attempts, whose windows are not heard again

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "decoded", "length_ms"}      {"event": "loaded", "model", "device", "revision", "weights_sha256"}
    {"event": "decoding", "share"}         {"event": "window", "done", "windows", "at_ms", "resumed"}
    {"event": "saved", "out", "segments"}  {"event": "stopped"}     {"event": "error", "code", "message"}

Exit codes are those of `modeling.training`. The sound is decoded by the limited audio child to 16 kHz mono on the disk
and read window by window, so memory does not grow with the recording. SIGTERM stops after the window that is heard.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.audio.facts import clock
from annotation.audio.whole import whole_file
from modeling.backbones.errors import CoreError
from modeling.training.child import DONE, FAILED, STOPPED, Emit, run_child, stop_on_sigterm
from modeling.transcribing.windows import (
    OVERLAP_MS,
    WINDOW_MS,
    Line,
    Span,
    Word,
    lines_of,
    merged,
    says_it_over,
    windows_of,
)

if TYPE_CHECKING:
    from modeling.transcribing.whisper import Ear

VERSION = 1
DEFAULT = "openai/whisper-small"
TINY = "tiny"
RATE = 16_000
HEADER = 44  # bytes of a plain WAV before its samples
KEPT = "windows.jsonl"  # of an attempt: what was heard, window by window


class Stopped(Exception):
    """The work was asked to stop, and has."""


def work(request: dict[str, Any], emit: Emit, should_stop: Callable[[], bool]) -> int:
    """Decode, load, hear window by window, merge, write."""
    for name in ("audio", "out", "model"):
        if not isinstance(request.get(name), str) or not request[name]:
            raise CoreError("bad-request", f"The request needs {name}.")
    out = Path(request["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    sound = out.with_suffix(".wav")
    try:
        length_ms = _decoded(Path(request["audio"]), sound, emit, should_stop)
        ear, made_by = _opened(request, emit)
        told = _transcribed(ear, sound, length_ms, request, made_by, emit, should_stop)
    except Stopped:
        emit({"event": "stopped"})
        return STOPPED
    finally:
        sound.unlink(missing_ok=True)
    with whole_file(out) as part:
        part.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    emit({"event": "saved", "out": str(out), "segments": len(told["segments"])})
    return DONE


def _decoded(audio: Path, sound: Path, emit: Emit, should_stop: Callable[[], bool]) -> int:
    """Have the limited child write the recording as 16 kHz mono; return its length."""
    try:
        facts = child.run("probe", {"path": str(audio)}, should_stop=should_stop)
        length_ms = int(facts["duration_ms"])
        child.run(
            "clips",
            {
                "path": str(audio),
                "folder": str(sound.parent),
                "rate": RATE,
                "spans": [{"start_ms": 0, "end_ms": length_ms, "name": sound.name}],
            },
            on_progress=lambda share: emit({"event": "decoding", "share": share}),
            should_stop=should_stop,
        )
    except AudioError as error:
        if should_stop():
            raise Stopped from None
        raise CoreError(error.code, error.message) from None
    emit({"event": "decoded", "length_ms": length_ms})
    return length_ms


def _opened(request: dict[str, Any], emit: Emit) -> "tuple[Ear, dict[str, Any]]":
    from modeling.transcribing.whisper import Ear  # torch takes seconds: a wrong request is told before

    location = request["model"]
    if location == TINY:
        from modeling.transcribing import tiny

        location = str(tiny.make(Path(request.get("tiny") or Path(request["out"]).parent / "tiny-whisper")))
    ear = Ear.open(location, request.get("revision") or None, device=request.get("device") or "auto")
    language = request.get("language") or ""
    if language and ear.languages and language not in ear.languages:
        some = ", ".join(sorted(ear.languages)[:100])
        raise CoreError("unknown-language", f"This model does not know the language {language}; it knows {some}.")
    made_by = {
        "model": request["model"],
        "revision": request.get("revision") or "",
        "weights_sha256": ear.digest(),
        "word_times": "the model's alignment" if ear.is_aligned else "none: lines alone",
        "window_ms": WINDOW_MS,
        "overlap_ms": OVERLAP_MS,
        "precision": str(ear.model.dtype).removeprefix("torch."),
        "code_version": VERSION,
    }
    told = ("model", "revision", "weights_sha256")
    emit({"event": "loaded", "device": str(ear.device), **{name: made_by[name] for name in told}})
    return ear, made_by


def _transcribed(
    ear: "Ear",
    sound: Path,
    length_ms: int,
    request: dict[str, Any],
    made_by: dict[str, Any],
    emit: Emit,
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    """Hear every window that no earlier attempt has heard, and make one transcript of all."""
    wave: NDArray[np.int16] = np.memmap(sound, "<i2", "r", offset=HEADER)
    windows = windows_of(length_ms)
    asked = {"language": request.get("language") or "", "length_ms": length_ms, **made_by}
    out = Path(request["out"])
    known = _resumed([Path(folder) for folder in request.get("resume_from") or ()], asked)
    language = next((each["language"] for each in known.values() if each["language"]), asked["language"])
    heard: list[list[Word]] = []
    with (out.parent / KEPT).open("w") as kept:
        kept.write(json.dumps(asked) + "\n")
        for number, (start, end) in enumerate(windows):
            row = known.get(number)
            if row is None:
                if should_stop():
                    raise Stopped
                piece = np.asarray(wave[start * RATE // 1000 : end * RATE // 1000])
                language = language or _language(ear, piece)
                words = ear.hear(piece, language)
                row = {"number": number, "language": language, "words": _rows(words, start)}
            kept.write(json.dumps(row, ensure_ascii=False) + "\n")
            kept.flush()
            heard.append([Word(*each) for each in row["words"]])
            done = {"done": number + 1, "windows": len(windows), "at_ms": end}
            emit({"event": "window", **done, "resumed": number in known})
    (out.parent / KEPT).unlink()
    lines = lines_of(merged(windows, heard))
    return {
        "segments": [_told(line, timed=ear.is_aligned) for line in lines if line.start_ms < line.end_ms],
        "language": language,
        "doubtful": list(_doubts(windows, heard)),
        "made_by": {**made_by, "language": language},
    }


def _language(ear: "Ear", piece: NDArray[np.int16]) -> str:
    """What is spoken in the first window in which there is something to hear; empty before that."""
    from modeling.transcribing.whisper import is_silent

    return "" if is_silent(piece) else ear.language_of(piece)


def _rows(words: list[Word], since: int) -> list[list[Any]]:
    """Words in the recording's time, as they are kept."""
    return [[since + word.start_ms, since + word.end_ms, word.text, word.line] for word in words]


def _resumed(folders: list[Path], asked: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What earlier attempts at the same have heard, by the number of the window; a line that breaks off is none."""
    known: dict[int, dict[str, Any]] = {}
    for folder in folders:
        try:
            lines = (folder / KEPT).read_text().split("\n")
            rows = [json.loads(line) for line in lines[:-1]]  # what follows the last line's end broke off
        except (OSError, ValueError):
            continue
        if rows and rows[0] == asked:
            known |= {row["number"]: row for row in rows[1:]}
    return known


def _told(line: Line, *, timed: bool) -> dict[str, Any]:
    """A line as WhisperX tells it."""
    said: dict[str, Any] = {"start": line.start_ms / 1000, "end": line.end_ms / 1000, "text": line.text}
    if timed:
        said["words"] = [
            {"word": word.text.strip(), "start": word.start_ms / 1000, "end": word.end_ms / 1000} for word in line.words
        ]
    return said


def _doubts(windows: list[Span], heard: list[list[Word]]) -> Iterator[dict[str, str]]:
    """Windows whose text a person should not believe unheard."""
    for (start, end), words in zip(windows, heard, strict=True):
        if says_it_over("".join(word.text for word in words)):
            yield {
                "what": "a text that repeats itself: listen again",
                "where": f"{clock(start / 1000)}–{clock(end / 1000)}",
            }


def main(arguments: list[str]) -> int:
    """Take a request, or a recording and where its transcript goes."""
    if len(arguments) == 1 and not arguments[0].startswith("-"):
        return run_child("modeling.transcribing", arguments, work)
    parser = argparse.ArgumentParser(prog="python -m modeling.transcribing")
    parser.add_argument("audio", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default=os.environ.get("TRANSCRIBE_MODEL") or DEFAULT)
    parser.add_argument("--revision", default="")
    parser.add_argument("--language", default="", help="such as en; left out, the model tells it")
    parser.add_argument("--device", default="auto")
    request = {name: str(value) for name, value in vars(parser.parse_args(arguments)).items()}
    with tempfile.TemporaryDirectory() as folder:
        try:  # no parent holds a pipe here: what ends standard input ends nothing
            return work({**request, "tiny": f"{folder}/{TINY}"}, _say, stop_on_sigterm())
        except CoreError as error:
            print(error.sentence, file=sys.stderr)
            return FAILED


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
