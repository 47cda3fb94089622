"""How a row is told under the options of a release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.releases.options import Options

Row = dict[str, Any]
# The published sentences for a side that says nothing (Clemens and Marasović 2025, the released Parquet).
SILENT_AMATEUR = "Please analyze this audio segment."
SILENT_EXPERT = "I need more information before I can respond. Please elaborate."


@dataclass(frozen=True, slots=True)
class Carried:
    """A clip that came along: its file in the release, and what was done to its level."""

    file: str
    gain_db: float = 0.0


Clips = Mapping[str, Carried]  # by the file in the snapshot; a clip that is missing keeps its name


def told(row: Row, lost: Row, options: Options, clips: Clips) -> Row:
    """The eight columns of a row; `lost` is its row in the config turns, which holds its summary."""
    history = row["input_history"]
    if options.placeholders:
        history = paired(history)
        row = {**row, "user": row["user"] or SILENT_AMATEUR, "assistant": row["assistant"] or SILENT_EXPERT}
    if options.summary == "joined" and lost["summary"]:
        row = {**row, "user": "\n\n".join(filter(None, (lost["summary"], row["user"])))}
    if options.audio != "wav":
        history = [{**each, "audio_file": _file(each["audio_file"], clips)} for each in history]
        row = {**row, "audio_file": _file(row["audio_file"], clips)}
    return {**row, "input_history": history}


def _file(name: str | None, clips: Clips) -> str | None:
    return clips[name].file if name is not None and name in clips else name


def told_apart(lost: Row, clips: Clips) -> Row:
    """What the eight columns lose of a row, with what the release did to its clips."""
    made = []
    for clip in lost["clips"]:
        carried = clips.get(clip["audio_file"], Carried(clip["audio_file"]))
        made.append({**clip, "audio_file": carried.file, "gain_db": carried.gain_db})
    return {**lost, "clips": made}


def paired(history: Sequence[Row]) -> list[Row]:
    """A history in which each question has its answer, silent sides under the published sentences.

    A history doesn't say where its turns end: a question that nobody answered and an answer that nobody asked for
    read as one turn when they follow each other.
    """
    pairs: list[list[Row]] = []
    for each in history:
        if each["role"] == "assistant" and pairs and len(pairs[-1]) == 1:
            pairs[-1].append(each)
        elif each["role"] == "assistant":
            pairs.append([{"audio_file": None, "content": SILENT_AMATEUR, "role": "user"}, each])
        else:
            pairs.append([each])
    made: list[Row] = []
    for question, *answer in pairs:
        silent = {"audio_file": None, "content": SILENT_EXPERT, "role": "assistant"}
        made += [{**question, "content": question["content"] or SILENT_AMATEUR}, *(answer or [silent])]
    return made
