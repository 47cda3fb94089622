"""Published turns have no times: give them nominal places in order, along their clips where these are here."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from annotation.importing.rows import NAMESPACE, LayerRows
from annotation.published.folding import FoldedConversation, FoldedTurn

SIDE_MS = 1_000  # the nominal length of an utterance that no clip plays under


@dataclass
class Placed:
    """A layer's rows, and what was published beside them, by uid.

    `facts`: `conversations` {uid: name}; `turns` {uid: {"split", "turn_id", "audio_file", "history"}}, the first two
    for rows alone; `clips` {segment uid: [audio_file, start_ms, end_ms]}.
    """

    rows: LayerRows = field(default_factory=LayerRows)
    facts: dict[str, Any] = field(default_factory=lambda: {"conversations": {}, "turns": {}, "clips": {}})
    length_ms: int = 0


def turns_of(conversations: Iterable[FoldedConversation]) -> Iterator[FoldedTurn]:
    """All turns of a session in their order."""
    for conversation in conversations:
        yield from conversation.turns


def nominal_ms(turn: FoldedTurn) -> int:
    """How long a turn without a clip lasts: a second for each side that speaks."""
    return SIDE_MS * max(1, sum(side is not None for side in (turn.user, turn.assistant)))


def place(conversations: Sequence[FoldedConversation], clip_ms: Mapping[str, int], *, start_ms: int = 0) -> Placed:
    """Lay turns end to end from `start_ms`; `clip_ms` holds the length of each turn's clip by the turn's uid.

    The sides of a turn share the time of its clip. A turn in which nobody speaks and nothing plays holds an utterance
    without words, so that it has a place.
    """
    made = Placed(length_ms=start_ms)
    for conversation in conversations:
        uids = [turn.uid for turn in conversation.turns]
        made.rows.conversations.append({"uid": conversation.uid, "topic": conversation.topic, "turns": uids})
        made.facts["conversations"][conversation.uid] = conversation.name
        for turn in conversation.turns:
            _place_turn(made, turn, clip_ms.get(turn.uid))
    return made


def _place_turn(made: Placed, turn: FoldedTurn, clip_ms: int | None) -> None:
    start, length = made.length_ms, clip_ms or nominal_ms(turn)
    made.length_ms = start + length
    lanes = {"amateur": turn.user, "expert": turn.assistant}
    sides = [(lane, text) for lane, text in lanes.items() if text] or ([] if clip_ms else [("amateur", "")])
    spans = [
        (lane, start + length * at // len(sides), start + length * (at + 1) // len(sides), text)
        for at, (lane, text) in enumerate(sides)
    ]
    if clip_ms:
        spans.insert(0, ("music", start, start + length, PurePosixPath(turn.audio_file or "").stem))
    members: dict[str, list[str]] = {"amateur": [], "expert": [], "music": []}
    for lane, first, last, text in spans:
        uid = str(uuid.uuid5(NAMESPACE, f"{turn.uid}/{lane}"))
        members[lane].append(uid)
        made.rows.segments.append({"uid": uid, "lane": lane, "start_ms": first, "end_ms": last, "text": text})
        if lane == "music":
            made.facts["clips"][uid] = [turn.audio_file, first, last]
    made.rows.turns.append({"uid": turn.uid, **members, "amateur_text": None, "expert_text": None})
    made.facts["turns"][turn.uid] = _facts(turn)
    if turn.row is not None and turn.row.has_content is not None:
        value = "yes" if turn.row.has_content else "no"
        made.rows.flags.append({"turn": turn.uid, "flag": "has_content", "value": value, "note": ""})


def _facts(turn: FoldedTurn) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if turn.row is not None:
        told = {"split": turn.row.split, "turn_id": turn.row.turn_id}
    if turn.audio_file is not None:
        told["audio_file"] = turn.audio_file
    if turn.history is not None:
        told["history"] = [said.as_dict() for said in turn.history]
    return told


def digest_of(conversations: Sequence[FoldedConversation]) -> str:
    """sha256 of all that a session's rows say: the same data is known again by it."""
    told = [
        [conversation.name, conversation.topic, *([_told(turn) for turn in conversation.turns])]
        for conversation in conversations
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def _told(turn: FoldedTurn) -> list[Any]:
    flag = turn.row.has_content if turn.row else None
    return [turn.uid, turn.user, turn.assistant, flag, _facts(turn)]


def find_clip(folder: Path, name: str) -> Path | None:
    """The file of a clip below a folder: by its whole path, or from any folder of the path on."""
    parts = [part for part in PurePosixPath(name).parts if part != "."]
    for first in range(max(1, len(parts) - 1)):
        path = folder.joinpath(*parts[first:])
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    return None
